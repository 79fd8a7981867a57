"""The version of the package, in one place that the build can read, and of others."""

from collections.abc import Iterable

__all__ = ["__version__", "installed"]

__version__ = "0.1.0"


def installed(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of those of some packages that are installed."""
    from importlib.metadata import PackageNotFoundError, version

    versions = {}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:  # tensorflow-cpu stands in for tensorflow
            continue
    return versions
