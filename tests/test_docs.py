"""What the README and the guides show runs, as it is printed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import backtrader as bt
import pytest

from bt_lstm_rotation import SectorRotation, analyzers, observers
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FORECASTERS = (ROOT / "docs" / "forecasters.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "backtrader.md").read_text(encoding="utf-8")
ANALYZERS = (ROOT / "docs" / "analyzers.md").read_text(encoding="utf-8")


def scripts_in(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


def scripts_by_title(text: str) -> dict[str, str]:
    """Title of its section -> the script, for a message that says which."""
    return {
        section.split("\n")[0]: scripts_in(section)[0]
        for section in text.split("\n## ")
        if scripts_in(section)
    }


SCRIPTS = scripts_in(README)
PARTS, RECORDERS = scripts_by_title(GUIDE), scripts_by_title(ANALYZERS)


@pytest.fixture(scope="module")
def frames():
    panel = SimulatedMarket(n_sessions=860, n_sectors=4).panel()
    names = {MARKET: "SPY"}
    return {names.get(name, name): panel.frame(name) for name in panel.symbols}


@pytest.mark.slow
def test_the_drop_in_trades(frames):
    scope = {"frames": frames}
    exec(SCRIPTS[0], scope)
    broker = scope["cerebro"].broker
    held = [feed._name for feed, position in broker.positions.items() if position.size]
    assert len(held) == 3
    assert "SPY" not in held


@pytest.mark.slow
def test_the_indicator_works_in_a_strategy_of_ones_own(frames):
    # Backtrader looks up the module of a strategy while it makes the class.
    scope = {"__name__": __name__}
    exec(SCRIPTS[1], scope)
    cerebro = bt.Cerebro()
    cerebro.adddata(bt.feeds.PandasData(dataname=frames["SPY"]))
    cerebro.addstrategy(scope["BuyWhatRises"])
    (strategy,) = cerebro.run()
    line = list(strategy.forecast.forecast.array)
    known = [value for value in line if value == value]
    assert len(known) > 50
    assert all(abs(value) < 1 for value in known)


@pytest.mark.slow
@pytest.mark.parametrize("title", PARTS)
def test_each_part_is_used_alone_in_a_short_script(
    title, frames, tmp_path, monkeypatch, capsys
):
    script = PARTS[title]
    lines = [line for line in script.splitlines() if line.strip()]
    assert len(lines) < 20
    monkeypatch.chdir(tmp_path)
    short = {name: bars.iloc[-420:] for name, bars in list(frames.items())[-3:]}
    # Backtrader looks up the module of a strategy while it makes the class.
    scope = {"frames": short, "__name__": __name__}
    exec(compile(script, "script.py", "exec"), scope)
    told = capsys.readouterr().out
    assert EXPECTED.get(title, "") in told
    if "cerebro" in scope and title in TRADES:
        positions = scope["cerebro"].broker.positions.values()
        assert any(position.size for position in positions)


TRADES = (
    "The indicator alone",
    "The rebalancer alone",
    "Weights of your own, once a period",
    "Analyzers alone",
    "Backtrader's own analyzers",
)
EXPECTED = {
    "An error for looking ahead": ".close[1] at script.py:7",
    "Valid bars alone": "SPY []",
    "Commissions of your own": "'scheme': 'PerShare'",
    "Analyzers alone": "'commission': ",
    "A plot without a display": "forecasts.png",
    # Of 0.98, in the ratio of 1/0.012 to 1/0.018, which is 3 to 2.
    "Selection alone": "'XLE': 0.392",
}


def test_every_script_of_the_guide_is_run():
    assert len(PARTS) == GUIDE.count("```python")
    assert set(EXPECTED) | set(TRADES) == set(PARTS)


TOLD = {
    "EquityCurve": " against ",
    "Drawdowns": " days",
    "Turnover": "turnover a year: 1.",
    "Costs": "cost rate: 0.0500%",
    "SectorContribution": " brought ",
    "ForecastSkill": "ic: ",
    "RetrainLedger": "failed: 0",
    "Records": " S3 ",
    "EquityAgainstBenchmark": "equity.png",
    "WeightsObserver": "SPY: 0.0",
    "ForecastsObserver": "'SPY': nan",
}


@pytest.mark.slow
@pytest.mark.parametrize("title", RECORDERS)
def test_each_analyzer_and_observer_is_added_in_a_script(
    title, frames, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    scope = {"frames": frames, "__name__": __name__}
    exec(compile(RECORDERS[title], "script.py", "exec"), scope)
    told = capsys.readouterr().out
    assert TOLD[title] in told
    assert "None" not in told.splitlines()[0]


def test_every_analyzer_and_observer_has_its_place_in_the_guide():
    assert set(TOLD) == set(RECORDERS)
    assert len(RECORDERS) == ANALYZERS.count("```python")
    told = set(re.findall(r"`(\w+)`|^## (\w+)", ANALYZERS, flags=re.MULTILINE))
    named = {name for pair in told for name in pair}
    assert {*analyzers.__all__, *observers.__all__} <= named


def test_a_forecaster_of_ones_own_runs_as_it_is_printed(tmp_path, frames):
    (script,) = scripts_in(FORECASTERS)
    (tmp_path / "reversal.py").write_text(script, encoding="utf-8")
    command = re.search(r"^    python run_backtest.py (.*)$", FORECASTERS, re.MULTILINE)
    out = tmp_path / "out"
    said = [*command[1].split(), "--end", "2003-06-30", "--jobs", "2", "--out", out]
    ran = subprocess.run(
        [sys.executable, ROOT / "run_backtest.py", *said],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    summary = json.loads((out / "summary.json").read_text())
    assert summary["spec"]["forecaster"] == "ReversalSpec"
    assert summary["spec"]["lookback"] == 10
    assert summary["training"]["fits"] > 10
    assert summary["training"]["failed"] == 0
    assert summary["orders"]["completed"] > 10

    scope = {"__name__": __name__}
    exec(script, scope)
    cerebro = bt.Cerebro()
    for name, frame in frames.items():
        if name != "SPY":
            cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=name)
    spec = scope["ReversalSpec"](lookback=10)
    cerebro.addstrategy(SectorRotation, spec=spec, top=2)
    cerebro.run()
    held = [feed for feed, size in cerebro.broker.positions.items() if size.size]
    assert len(held) == 2


def test_every_link_of_the_guides_leads_somewhere():
    for link in re.findall(r"\]\(([^)#:]+)\)", GUIDE + ANALYZERS + FORECASTERS):
        assert (ROOT / "docs" / link).exists(), link


def test_every_link_of_the_readme_leads_somewhere():
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(links) > 5
    for link in links:
        assert (ROOT / link).exists(), link


def test_every_target_the_readme_names_is_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`?make ([a-z]+)", README):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
