"""Build script: the metadata is in pyproject.toml."""

from setuptools import find_packages, setup

setup(
    # `strategies/` stands at the top of the checkout, where it is easy to copy from.
    # Its name is far too common to install as it is, so it goes inside the package.
    packages=[
        *find_packages(include=["bt_lstm_rotation*"]),
        "bt_lstm_rotation.strategies",
    ],
    package_dir={"bt_lstm_rotation.strategies": "strategies"},
    package_data={"bt_lstm_rotation": ["py.typed", "reporting/templates/*"]},
    # By these names, and not by what MANIFEST.in puts into a source distribution.
    include_package_data=False,
)
