"""What is shipped: nothing that is needed is left out of an installation."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

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
    optional = names(EXTRAS["dask"] + EXTRAS["parquet"])
    brought_along = {"keras", "markupsafe"}  # by tensorflow, by jinja2
    required = names(PROJECT["dependencies"])
    assert imported() - brought_along - optional == required
    assert not optional & required


def test_the_extra_of_old_is_still_one():
    assert EXTRAS["plot"] == []
