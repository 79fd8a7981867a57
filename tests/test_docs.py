"""What the README and the guides show runs, as it is printed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import backtrader as bt
import matplotlib as mpl
import pytest

from bt_lstm_rotation import SectorRotation, analyzers, forecasting, observers
from bt_lstm_rotation.backtest.settings import parse_settings
from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.forecasting.features import FEATURES
from bt_lstm_rotation.forecasting.features.proof import prove
from bt_lstm_rotation.forecasting.walkforward import task
from bt_lstm_rotation.prices.simulated import (
    MARKET,
    WORLDS,
    ContextMarket,
    SimulatedMarket,
)

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FORECASTERS = (ROOT / "docs" / "forecasters.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "backtrader.md").read_text(encoding="utf-8")
ANALYZERS = (ROOT / "docs" / "analyzers.md").read_text(encoding="utf-8")
WORLD_GUIDE = (ROOT / "docs" / "worlds.md").read_text(encoding="utf-8")
ARTEFACTS = (ROOT / "docs" / "artefacts.md").read_text(encoding="utf-8")
INPUTS = (ROOT / "docs" / "inputs.md").read_text(encoding="utf-8")
RIVALS = (ROOT / "docs" / "rivals.md").read_text(encoding="utf-8")


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


MAKES_A_RUN, *OTHER_TOOLS = scripts_in(ARTEFACTS)


def small_market(monkeypatch, n_sessions: int, n_sectors: int) -> None:
    """Let ``load_prices("simulated")`` have less to train on than its twenty years."""
    small = partial(SimulatedMarket, n_sessions=n_sessions, n_sectors=n_sectors)
    monkeypatch.setitem(WORLDS, "linear", small)


def pasted(script: str) -> dict[str, Any]:
    """Run a script that is pasted into an empty file."""
    # Backtrader looks up the module of a strategy while it makes the class.
    scope: dict[str, Any] = {"__name__": __name__}
    exec(compile(script, "script.py", "exec"), scope)
    return scope


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_the_first_script_leaves_a_report_and_trains_but_once(
    folder, monkeypatch, capsys
):
    small_market(monkeypatch, 860, 4)
    scope = pasted(SCRIPTS[0])
    told = capsys.readouterr().out
    assert "Total return" in told
    assert str(Path("runs/first/report.html")) in told
    broker = scope["cerebro"].broker
    held = [feed._name for feed, position in broker.positions.items() if position.size]
    assert len(held) == 3
    assert MARKET not in held
    before = (folder / "runs" / "first" / "forecasts.csv").read_bytes()
    assert before.count(b"\n") > 100

    def untrained(*_):
        pytest.fail("trained again")

    monkeypatch.setattr(task, "guarded_fit", untrained)
    pasted(SCRIPTS[0])
    assert (folder / "runs" / "first" / "forecasts.csv").read_bytes() == before
    assert not (folder / "runs" / "first" / "earlier-1").exists()


def test_one_line_reports_a_strategy_of_ones_own(folder, monkeypatch, capsys):
    small_market(monkeypatch, 400, 2)
    scope = pasted(SCRIPTS[1])
    told = capsys.readouterr().out
    assert "S1" in told
    result = scope["ran"].analyzers.runreport.result()
    assert (result.orders["status"] == "Completed").any()
    assert (folder / "runs" / "mine" / "report.html").exists()


@pytest.mark.slow
def test_the_indicator_works_in_a_strategy_of_ones_own(monkeypatch):
    small_market(monkeypatch, 860, 2)
    scope = pasted(SCRIPTS[2])
    (strategy,) = scope["cerebro"].runstrats[0]
    line = list(strategy.forecast.forecast.array)
    known = [value for value in line if value == value]
    assert len(known) > 50
    assert all(abs(value) < 1 for value in known)


def test_a_feature_of_ones_own_is_proved_as_the_readme_has_it():
    spec = pasted(SCRIPTS[3])["spec"]
    (squeeze,) = spec.own_features
    prove(squeeze)
    assert spec.features[1] == squeeze.name == "squeeze"


def test_lines_and_a_feed_are_read_as_the_readme_has_it():
    cerebro = bt.Cerebro(stdstats=False)
    add_feeds(cerebro, SimulatedMarket(n_sessions=60, n_sectors=3).panel())
    cerebro.addstrategy(pasted(SCRIPTS[4])["Reading"])
    strategy = cerebro.run()[0]
    pools = {id(one.pool): one.pool for one in strategy.forecasts.values()}
    (pool,) = pools.values()
    assert [rule.name for rule in pool.spec.inputs] == ["rsi"]
    assert [rule.name for rule in pool.spec.context] == ["S1"]


def test_every_script_of_the_readme_is_run():
    assert len(SCRIPTS) == 5


@pytest.mark.slow
@pytest.mark.parametrize("title", PARTS)
def test_each_part_is_used_alone_in_a_short_script(title, folder, monkeypatch, capsys):
    script = PARTS[title]
    lines = [line for line in script.splitlines() if line.strip()]
    assert len(lines) < 21
    small_market(monkeypatch, 420, 2)
    scope = pasted(script)
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
    "Feeds that check their bars": "420 rows, 419 bars",
    "Valid bars alone": "MARKET []",
    "Shares that split and pay dividends on the way": "size_after=30.0",
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
    "RunReport": "period=20",
    "EquityCurve": " against ",
    "Drawdowns": " days",
    "Turnover": "turnover a year: 1.",
    "Costs": "cost rate: 0.0500%",
    "SectorContribution": " brought ",
    "ForecastSkill": "ic: ",
    "RetrainLedger": "failed: 0",
    "Records": " S3 ",
    "EquityAgainstBenchmark": "equity.png",
    "WeightsObserver": "MARKET: 0.0",
    "ForecastsObserver": "'MARKET': nan",
}


@pytest.mark.slow
@pytest.mark.parametrize("title", RECORDERS)
def test_each_analyzer_and_observer_is_added_in_a_script(
    title, folder, monkeypatch, capsys
):
    small_market(monkeypatch, 860, 4)
    pasted(RECORDERS[title])
    told = capsys.readouterr().out
    assert TOLD[title] in told
    assert "None" not in told.splitlines()[0]


def test_every_analyzer_and_observer_has_its_place_in_the_guide():
    assert set(TOLD) == set(RECORDERS)
    assert len(RECORDERS) == ANALYZERS.count("```python")
    told = set(re.findall(r"`(\w+)`|^## (\w+)", ANALYZERS, flags=re.MULTILINE))
    named = {name for pair in told for name in pair}
    assert {*analyzers.__all__, *observers.__all__} <= named


READ = {
    "quantstats": "Sharpe",
    "empyrical": "0.",
    "pyfolio": "Net drawdown in %",
    "alphalens": "21D",
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of what others mean to drop
@pytest.mark.parametrize("tool", READ)
def test_each_other_tool_reads_a_run_in_a_script(tool, folder, monkeypatch, capsys):
    reason = f"{tool} is not installed; the extra test has it"
    with mpl.rc_context():
        pytest.importorskip(tool, reason=reason)
        small_market(monkeypatch, 560, 6)
        pasted(MAKES_A_RUN)
        (script,) = [s for s in OTHER_TOOLS if s.startswith(f"import {tool}\n")]
        pasted(script)
    assert READ[tool] in capsys.readouterr().out


def test_every_script_for_other_tools_is_run():
    assert len(OTHER_TOOLS) == len(READ)


def test_a_forecaster_of_ones_own_runs_as_it_is_printed(tmp_path):
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

    scope = pasted(script)
    cerebro = bt.Cerebro()
    market = SimulatedMarket(n_sessions=860, n_sectors=4).panel()
    for name, frame in market.frames().items():
        if name != MARKET:
            cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=name)
    spec = scope["ReversalSpec"](lookback=10)
    cerebro.addstrategy(SectorRotation, spec=spec, top=2)
    cerebro.run()
    held = [feed for feed, size in cerebro.broker.positions.items() if size.size]
    assert len(held) == 2


def test_simulated_worlds_are_loaded_as_it_is_printed_and_none_is_left_out():
    scope = pasted(scripts_in(WORLD_GUIDE)[0])
    assert scope["panel"].content_hash == scope["market"].panel().content_hash
    assert scope["best"].shape == (3120, 9)
    assert scope["weaker"].panel().source == "simulated:regimes(seed=3, signal=0.5)"
    assert set(re.findall(r"`simulated:(\w+)`", WORLD_GUIDE)) == set(WORLDS)
    for name in set(WORLDS) - {"linear"}:
        assert f":{name}`" in README


def test_every_link_of_the_guides_leads_somewhere():
    for link in re.findall(
        r"\]\(([^)#:]+)\)",
        GUIDE + ANALYZERS + FORECASTERS + ARTEFACTS + RIVALS + INPUTS,
    ):
        assert (ROOT / "docs" / link).exists(), link


def test_every_forecaster_there_is_has_its_line_and_is_what_it_says():
    rows = re.findall(r"^\| (`.+?`) \| `(.+?)`", RIVALS, flags=re.MULTILINE)
    named = {}
    for names, spec in rows:
        for name in re.findall(r"`(\w+)`", names):
            named[name] = eval(spec, vars(forecasting))
    named["rnn"] = forecasting.ForecastSpec(cell="rnn")
    assert named == dict(forecasting.FORECASTERS)


def test_every_setting_of_the_rivals_commands_is_one():
    for line in re.findall(r"^    (?:python|bt-).*$", RIVALS, flags=re.MULTILINE):
        name = re.search(r"forecaster[ =](\w+)", line)[1]
        for setting in re.findall(r"--set (\S+)", line.partition("#")[0]):
            settings = [f"forecaster={name}", setting]
            assert parse_settings(SectorRotation, settings)["spec"]


@pytest.mark.slow
def test_lines_and_context_are_read_as_the_inputs_page_has_it(monkeypatch):
    small = partial(ContextMarket, n_sessions=1_000, n_sectors=3)
    monkeypatch.setitem(WORLDS, "context", small)
    lines, context = scripts_in(INPUTS)[1:]
    assert {"WithInputs", "InYourScript"} <= set(pasted(lines))
    assert pasted(context)["result"].summary["data"]["context"] == ["CONTEXT"]


def test_a_feature_of_ones_own_runs_as_it_is_printed(folder, monkeypatch, capsys):
    small_market(monkeypatch, 900, 4)
    (script,) = [text for text in scripts_in(INPUTS) if "def squeeze" in text]
    scope = pasted(script)
    assert -1 < float(capsys.readouterr().out) < 1
    own = scope["result"].summary["spec"]["own_features"]
    assert own == {"squeeze": scope["spec"].own_features[0].code}


def test_every_feature_there_is_has_its_line():
    rows = re.findall(r"^\| `(\w+)` \| .*?\| (yes|neither|) *\|", INPUTS, re.MULTILINE)
    assert {name for name, _ in rows} == set(FEATURES)
    odd = {name for name, parity in rows if parity == "yes"}
    assert odd == {name for name, each in FEATURES.items() if each.odd}


def test_every_link_of_the_readme_leads_somewhere():
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(links) > 5
    for link in links:
        assert (ROOT / link).exists(), link


def test_every_target_the_readme_names_is_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`?make ([a-z]+)", README):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_paper_trading_is_scripted_as_it_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    paper = (ROOT / "docs" / "paper-trading.md").read_text(encoding="utf-8")
    pasted("\n".join(scripts_in(paper)))
    said = capsys.readouterr().out
    assert "datetime.date(2009, 1, 2)" in said
    assert re.search(r"mine-\d+ (buy|sell) \d+\.0 S\d", said)


def test_the_rehearsal_of_paper_trading_is_done_as_it_is_printed(
    tmp_path, monkeypatch, capsys
):
    """What the README and the guide rehearse, with a rule that trains nothing."""
    from bt_lstm_rotation.cli import main

    paper = (ROOT / "docs" / "paper-trading.md").read_text(encoding="utf-8")
    commands = re.findall(
        r"^    bt-lstm-rotation (paper \w+ rehearsal.*)$", paper, re.M
    )
    assert set(commands) >= set(
        re.findall(
            r"^    bt-lstm-rotation (paper (?:start|step) rehearsal.*)$", README, re.M
        )
    )
    assert len(commands) == 3
    for command in commands:
        words = command.replace("2009-12-31", "2009-02-27").split()
        if words[1] == "start":
            words += ["--strategy", "momentum_12_1"]
        assert main([*words, "--root", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "2009-02-27  equity" in said
    assert "Sessions   41, 2009-01-02 to 2009-02-27" in said
