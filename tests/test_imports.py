"""The house stands: imports go downward, in no circle, and the heavy ones wait."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import bt_lstm_rotation

PACKAGE = Path(bt_lstm_rotation.__file__).parent
ROOT = Path(__file__).parents[1]

# From the ground up. A file belongs to the longest name here that its own begins with,
# and may import what stands on a lower floor, and its own room.
FLOORS = [
    ["_lazy", "_version", "machine", "wording"],
    ["errors"],
    ["checks", "disk", "escaping", "leftovers", "progress", "user_code"],
    ["append_only", "archive", "claims", "periods", "result"],
    ["prices"],
    ["forecasting.beside", "forecasting.filters", "forecasting.own_bars"],
    ["forecasting.window"],
    ["forecasting.features", "forecasting.forecaster"],
    ["forecasting.baselines", "forecasting.recurrent", "forecasting.store"],
    ["forecasting.inside", "forecasting.walkforward"],
    ["forecasting"],
    ["measures", "selection"],
    ["feeds", "reporting", "trials", "evidence.importance"],
    ["lookahead", "plotting", "indicators", "rebalancing"],
    ["analyzers", "periodic"],
    ["observers", "strategy"],
    ["backtest"],
    ["explaining", "sweep"],
    ["evidence.verdict"],
    ["evidence"],
    ["paper"],
    ["cli"],
    ["__main__"],
]
HEIGHT = {name: height for height, names in enumerate(FLOORS) for name in names}
PURE = ("prices", "forecasting", "selection", "measures", "trials", "periods", "checks")


def modules() -> list[Path]:
    return sorted(set(PACKAGE.rglob("*.py")) - {PACKAGE / "__init__.py"})


def name_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def room_of(module: str) -> str | None:
    parts = module.split(".")
    names = [".".join(parts[:stop]) for stop in range(len(parts), 0, -1)]
    return next((name for name in names if name in HEIGHT), None)


@cache
def imported(file: Path) -> frozenset[str]:
    """All modules that a file imports, wherever in it, be it for types alone."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            submodules = {name for name in whole if name in MODULES}
            names |= submodules
            if submodules != whole:
                names.add(node.module)
    return frozenset(names)


def own_imports(file: Path) -> set[str]:
    """Modules of the package that a file imports, without the prefix."""
    prefix = "bt_lstm_rotation."
    return {n.removeprefix(prefix) for n in imported(file) if n.startswith(prefix)}


MODULES = {f"bt_lstm_rotation.{name_of(file)}" for file in modules()}

EACH_MODULE = pytest.mark.parametrize(
    "file", modules(), ids=lambda f: str(f.relative_to(PACKAGE))
)


def test_every_module_has_its_floor_and_no_floor_is_empty():
    rooms = {room_of(name_of(file)) for file in modules()}
    assert rooms == set(HEIGHT)


@EACH_MODULE
def test_imports_go_downward(file):
    own = room_of(name_of(file))
    for module in own_imports(file):
        other = room_of(module)
        if other != own:
            assert HEIGHT[other] < HEIGHT[own], f"{own} imports {module}"


def test_no_files_import_each_other_in_a_circle():
    graph = {name_of(file): own_imports(file) for file in modules()}
    while leaves := {name for name, others in graph.items() if not others & set(graph)}:
        graph = {name: graph[name] for name in graph if name not in leaves}
    assert not graph


@EACH_MODULE
def test_only_adapters_import_backtrader_and_only_one_room_tensorflow(file):
    roots = {name.split(".")[0] for name in imported(file)}
    if name_of(file).split(".")[0] in PURE:
        assert "backtrader" not in roots
    if room_of(name_of(file)) != "forecasting.recurrent":
        assert not roots & {"tensorflow", "keras"}


@EACH_MODULE
def test_no_file_is_longer_than_can_be_read_at_once(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 300


LIGHT = ["pandas", "joblib", "tensorflow", "yfinance", "matplotlib", "rich", "jinja2"]


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import bt_lstm_rotation", [*LIGHT, "numpy", "backtrader"]),
        ("import bt_lstm_rotation.cli", [*LIGHT, "numpy", "backtrader"]),
        ("import bt_lstm_rotation.checks", [*LIGHT, "numpy", "backtrader"]),
        ("import bt_lstm_rotation.selection", [*LIGHT, "numpy", "backtrader"]),
        ("import bt_lstm_rotation.rebalancing", LIGHT),
        ("import bt_lstm_rotation.lookahead", LIGHT),
        ("import bt_lstm_rotation.feeds", LIGHT),
        ("from bt_lstm_rotation.backtest import Broker", [*LIGHT, "backtrader"]),
        ("import bt_lstm_rotation.measures.performance", [*LIGHT[1:], "backtrader"]),
        ("import bt_lstm_rotation.prices", [*LIGHT[1:], "backtrader"]),
        ("import bt_lstm_rotation.forecasting", ["backtrader", "tensorflow", "rich"]),
        ("import bt_lstm_rotation.analyzers", LIGHT[2:]),
        ("import bt_lstm_rotation.indicators", LIGHT[2:]),
        ("import bt_lstm_rotation.observers", LIGHT[2:]),
        ("import bt_lstm_rotation.strategy", LIGHT[2:]),
        ("import bt_lstm_rotation.paper.market", ["exchange_calendars"]),
        ("import bt_lstm_rotation.reporting", ["backtrader", "tensorflow", "joblib"]),
        ("from bt_lstm_rotation import *", ["tensorflow", "yfinance", "matplotlib"]),
        (
            "from bt_lstm_rotation import MomentumSpec, run_backtest\n"
            "from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket\n"
            "panel = SimulatedMarket(n_sessions=400).panel()\n"
            "run_backtest(panel, params={'spec': MomentumSpec()}, benchmark=MARKET)",
            ["tensorflow", "keras", "yfinance"],
        ),
    ],
)
def test_heavy_packages_are_imported_only_where_they_are_used(code, absent):
    check = f"{code}\nimport sys\nprint(sorted(set({absent!r}) & set(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", check],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("room", ["", ".feeds", ".backtest"])
def test_every_public_name_is_found_and_an_unknown_one_is_not(room):
    code = (
        f"import bt_lstm_rotation{room} as room\n"
        "assert all(getattr(room, name) is not None for name in room.__all__)\n"
        "try:\n    room.SectorRotaton\n"
        "except AttributeError as error:\n    print(error)"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    expected = f"module 'bt_lstm_rotation{room}' has no attribute 'SectorRotaton'"
    assert ran.stdout.strip() == expected
    assert set(bt_lstm_rotation.__all__) <= set(dir(bt_lstm_rotation))


def test_contributing_names_every_room_and_none_that_is_not_there():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text[text.index("| Where |") : text.index("A choice that someone")].strip()
    named = {
        cell
        for row in table.splitlines()
        for cell in re.findall(r"`([\w/.]+)`", row.split("|")[1])
    }
    rooms = {
        f"{found.name}/" if found.is_dir() else found.name
        for found in PACKAGE.iterdir()
        if not found.name.startswith(("_", ".")) and found.suffix != ".typed"
    }
    within = {
        f"forecasting/{found.name}/"
        for found in (PACKAGE / "forecasting").iterdir()
        if found.is_dir() and not found.name.startswith("_")
    }
    assert named == rooms | within | {"strategies/"}


def test_the_tests_mirror_the_package():
    tests = ROOT / "tests"
    for folder in {file.parent for file in tests.rglob("test_*.py")} - {tests}:
        place = folder.relative_to(tests)
        assert (PACKAGE / place).is_dir() or place.name == "integration", place
