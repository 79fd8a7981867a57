"""What is shipped: nothing that is needed is left out of an installation."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

import bt_lstm_rotation

PACKAGE = Path(bt_lstm_rotation.__file__).parent
ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]
EXTRAS = PROJECT["optional-dependencies"]


def names(requirements: list[str]) -> set[str]:
    return {re.match(r"[\w-]+", requirement)[0] for requirement in requirements}


def imported() -> set[str]:
    """Packages of others that ours imports anywhere."""
    found: set[str] = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"bt_lstm_rotation"}


def test_a_plain_installation_has_all_that_is_imported_but_for_the_extras():
    extras = ["arima", "dask", "evidence", "paper", "parquet", "quantstats", "tree"]
    optional = names([needed for extra in extras for needed in EXTRAS[extra]])
    optional = optional - {"scikit-learn"} | {"sklearn"}  # as it is imported
    brought_along = {"keras", "markupsafe"}  # by tensorflow, by jinja2
    read = {"plotly"}  # its script, as a file
    required = names(PROJECT["dependencies"]) - read
    assert imported() - brought_along - optional == required
    assert not optional & required


def test_the_extra_of_old_is_still_one():
    assert EXTRAS["plot"] == []


def tracked() -> set[str]:
    """Files of the checkout; of an unpacked distribution, all but what was added."""
    if (ROOT / ".git").exists() and (git := shutil.which("git")):
        listed = subprocess.check_output([git, "ls-files", "-z"], cwd=ROOT, text=True)
        return {name for name in listed.split("\0") if (ROOT / name).is_file()} - {""}
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    patterns = ["PKG-INFO", "setup.cfg", *(line.rstrip("/") for line in ignored)]
    return {
        file.relative_to(ROOT).as_posix()
        for file in ROOT.rglob("*")
        if file.is_file()
        and not any(
            fnmatch(part, pattern)
            for part in file.relative_to(ROOT).parts
            for pattern in patterns
        )
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[set[str], set[str], str]:
    """Files of a source distribution and of a wheel, and what was said meanwhile."""
    pytest.importorskip("setuptools", minversion="77")
    folder = tmp_path_factory.mktemp("checkout")
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    # As a build front end does, but with what is installed here, and so offline.
    build = (
        "from setuptools import build_meta\n"
        "build_meta.build_sdist('dist')\nbuild_meta.build_wheel('dist')"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", build],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    (source,) = (folder / "dist").glob("*.tar.gz")
    (wheel,) = (folder / "dist").glob("*.whl")
    with tarfile.open(source) as archive:
        members = {m.name for m in archive.getmembers() if m.isfile()}
    shipped = {member.split("/", 1)[1] for member in members}
    return shipped, set(zipfile.ZipFile(wheel).namelist()), ran.stdout + ran.stderr


def test_a_source_distribution_has_every_file_of_the_checkout(built):
    shipped, _, _ = built
    assert tracked() - shipped == set()


def test_a_wheel_has_the_package_its_strategies_and_the_page_and_no_other_name(built):
    _, wheel, _ = built
    files = {
        f"bt_lstm_rotation/{name.removeprefix('bt_lstm_rotation/')}"
        for name in tracked()
        if name.startswith(("bt_lstm_rotation/", "strategies/"))
    }
    assert "bt_lstm_rotation/strategies/momentum_12_1.py" in files
    assert "bt_lstm_rotation/reporting/templates/report.html.j2" in files
    assert {name for name in wheel if ".dist-info/" not in name} == files


def test_building_says_nothing_that_has_to_be_looked_into(built):
    _, _, said = built
    warnings = [line for line in said.splitlines() if "warning" in line.lower()]
    assert [line for line in warnings if "byte-compiling is disabled" not in line] == []
    assert "Deprecat" not in said
