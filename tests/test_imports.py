"""The house stands: imports go downward, and the heavy ones wait."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import bt_lstm_rotation

PACKAGE = Path(bt_lstm_rotation.__file__).parent

# From the ground up. A module may import what stands below it, and its own folder.
LAYERS = [
    ["_version", "errors"],
    ["checks"],
    ["archive", "periods"],
    ["prices"],
    ["forecasting"],
    ["measures", "selection"],
    ["feeds", "lines", "plotting"],
    ["sound_feeds"],
    ["forecast_pool", "lookahead"],
    ["indicators"],
    ["rebalancing"],
    ["holdings", "round_trip"],
    ["periodic"],
    ["strategy", "analyzers", "trading_start", "result"],
    ["recording"],
    ["backtest"],
    ["reporting", "settings", "strategy_file"],
    ["sweep", "cli_arguments"],
    ["cli"],
]
HEIGHT = {name: height for height, names in enumerate(LAYERS) for name in names}
PURE = (
    "prices",
    "forecasting",
    "selection",
    "measures",
    "periods",
    "archive",
    "checks",
    "errors",
)


def modules() -> list[Path]:
    return sorted(set(PACKAGE.rglob("*.py")) - {PACKAGE / "__init__.py"})


def part_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_every_module_has_its_place_in_the_layers():
    assert {part_of(file) for file in modules()} == set(HEIGHT)


@pytest.mark.parametrize("file", modules(), ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_go_downward(file):
    own = part_of(file)
    for name in imported(file):
        if name.startswith("bt_lstm_rotation."):
            other = name.split(".")[1]
            if other in HEIGHT and other != own:
                assert HEIGHT[other] < HEIGHT[own], f"{own} imports {name}"


@pytest.mark.parametrize("file", modules(), ids=lambda f: str(f.relative_to(PACKAGE)))
def test_only_adapters_import_backtrader_and_only_one_room_tensorflow(file):
    roots = {name.split(".")[0] for name in imported(file)}
    if part_of(file) in PURE:
        assert "backtrader" not in roots
    if "recurrent" not in file.parts:
        assert not roots & {"tensorflow", "keras"}


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import bt_lstm_rotation", ["pandas", "numpy", "backtrader", "tensorflow"]),
        ("import bt_lstm_rotation.cli", ["pandas", "numpy", "backtrader"]),
        ("import bt_lstm_rotation.selection", ["pandas", "joblib", "backtrader"]),
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
def test_heavy_packages_are_imported_only_when_they_are_used(code, absent):
    check = f"{code}\nimport sys\nprint(sorted(set({absent!r}) & set(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", check],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == "[]"


def test_every_public_name_is_found_and_an_unknown_one_is_not():
    for name in bt_lstm_rotation.__all__:
        assert getattr(bt_lstm_rotation, name) is not None
        assert name in dir(bt_lstm_rotation)
    with pytest.raises(AttributeError, match="has no attribute 'SectorRotaton'"):
        _ = bt_lstm_rotation.SectorRotaton
