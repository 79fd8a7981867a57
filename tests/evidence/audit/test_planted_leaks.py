"""Each planted leak is caught and named: which line or order, where, how far ahead."""

from __future__ import annotations

import inspect
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import planted_leaks as leaks
import pytest
from fakes import without
from modes import MODES
from real_bars import needs_real_bars, real_panel
from worlds import MARKET, PANEL, cerebro_of, made_of

from bt_lstm_rotation.evidence.audit import audit
from bt_lstm_rotation.prices.simulated import SimulatedMarket

SECTORS = PANEL.select(["S1", "S2"])
CLOSE = PANEL.close[:, 0]
# The sessions before the three largest gains.
BEST = tuple(
    str(PANEL.sessions[row]) for row in np.argsort(CLOSE[1:] / CLOSE[:-1])[-3:].tolist()
)
# Both have 196 rows; from the hole on, those of S2 are three sessions ahead.
UNEQUAL = without(without(PANEL, "S2", slice(30, 33)), "S1", slice(197, 200))
LATE = without(PANEL, "S2", slice(0, 70))


def led_by_a_day(panel, name):
    """One symbol's bars, each dated a session early."""
    bars, column = panel.bars.copy(), panel.symbols.index(name)
    bars[:, :-1, column] = bars[:, 1:, column]
    bars[:, -1, column] = np.nan
    return replace(panel, bars=bars)


def line_of(kind):
    return inspect.getsourcelines(kind)[1]


# Strategy, how its Cerebro is made, what is named, whose code, how far ahead.
LINES = {
    "a centred moving average": (leaks.ByCentredMean, leaks.CentredMean, "mean", 2),
    "a scaler of the whole series": (leaks.ByScaler, leaks.Scaled, "scaled", None),
    "targets that are not mature": (
        *(leaks.ByUnmaturedFit, leaks.UnmaturedFit, "forecast", 5),
    ),
    "a random split": (leaks.ByRandomSplit, leaks.RandomSplit, "forecast", None),
    "the test returns": (leaks.ByTestReturns, leaks.TestReturns, "predicted", None),
}


@pytest.mark.parametrize(
    ("strategy", "indicator", "attribute", "ahead"), LINES.values(), ids=LINES
)
def test_a_line_that_knows_the_future_is_named(strategy, indicator, attribute, ahead):
    report = audit(cerebro_of(strategy), probes=4, warmup=False)
    assert report.outcome == "leak"
    finding = report.findings[0]
    assert finding.kind == "line"
    assert finding.what.startswith(f"{attribute} = {indicator.__name__}(S1)")
    assert finding.place.endswith(f"planted_leaks.py:{line_of(indicator)}")
    if ahead is None:
        assert finding.ahead > 30
    else:
        assert finding.ahead == ahead


def test_rows_that_are_joined_by_number_are_three_sessions_ahead():
    report = audit(cerebro_of(leaks.ByRowNumber, UNEQUAL), probes=8, warmup=False)
    assert report.outcome == "leak"
    assert report.findings[0].what == "spread = RowSpread(S1, S2).spread"
    assert report.findings[0].ahead == 3


ORDERS = {
    "close[1]": (leaks.NextClose, {}, 1),
    "a feed that has not begun": (
        *(leaks.NotBegun, {"panel": LATE, "first": MARKET}, None),
    ),
    "a bar before the first": (leaks.WrapsRound, {}, None),
    "the frame behind a feed": (leaks.ReadsFrame, {}, 1),
    "a global mean": (leaks.GlobalMean, {}, None),
    "a date that is tomorrow's": (
        *(leaks.UTCDate, {"daily": PANEL.frame("S1")["Close"]}, 1),
    ),
    "three days": (leaks.ThreeDays, {"days": BEST}, 1),
}


@pytest.mark.parametrize(("strategy", "given", "ahead"), ORDERS.values(), ids=ORDERS)
def test_an_order_that_knows_the_future_is_named(strategy, given, ahead):
    report = audit(cerebro_of(strategy, **given), probes=6, warmup=False)
    assert report.outcome == "leak"
    finding = next(found for found in report.findings if found.kind == "order")
    assert finding.what.split()[0] in ("buy", "sell")
    assert "planted_leaks.py:" in finding.place
    assert ahead in (None, finding.ahead)


def test_a_line_that_looks_ahead_on_three_days_is_named():
    cerebro = cerebro_of(leaks.ThreeDaysByLine, days=BEST)
    report = audit(cerebro, probes=6, warmup=False)
    assert report.findings[0].what == "signal = RareLine(S1).signal"
    assert report.findings[0].session in BEST
    assert report.findings[0].ahead == 1


def test_a_rare_line_is_found_where_orders_do_not_lead_to_it():
    held = [leaks.is_held_week(day) for day in PANEL.sessions[:-1].astype(object)]
    rising = np.flatnonzero((CLOSE[1:] > CLOSE[:-1]) & held)
    days = tuple(str(day) for day in PANEL.sessions[rising[[9, 30, 50]]])
    cerebro = cerebro_of(leaks.EachWeekButThree, days=days)
    report = audit(cerebro, probes=2, warmup=False)
    assert report.findings[0].what == "signal = RareLine(S1).signal"
    assert report.findings[0].session in days
    assert report.findings[0].ahead == 1


def test_cheat_on_close_is_named_and_the_same_orders_are_clean_without():
    report = audit(cerebro_of(leaks.EachMonth, coc=True), probes=2, warmup=False)
    assert [found.kind for found in report.findings] == ["cheat"]
    assert report.findings[0].session == "2000-02-01"
    assert "planted_leaks.py:" in report.findings[0].place
    assert audit(cerebro_of(leaks.EachMonth), probes=2).outcome == "clean"


def test_a_benchmark_that_leads_by_a_day_is_named_and_one_that_does_not_is_clean():
    panel = SimulatedMarket(n_sectors=4, n_sessions=200).panel()
    led = led_by_a_day(panel, MARKET)
    report = audit(cerebro_of(leaks.ByBenchmark, led, first=MARKET), probes=2)
    assert [found.what for found in report.findings] == ["the dates of MARKET"]
    assert report.findings[0].ahead == 1
    honest = cerebro_of(leaks.ByBenchmark, panel, first=MARKET)
    assert audit(honest, probes=2).outcome == "clean"


def test_a_table_of_the_next_returns_is_named_whatever_is_cut_off():
    returns = pd.Series(
        CLOSE[1:] / CLOSE[:-1] - 1, pd.DatetimeIndex(PANEL.sessions[:-1])
    )
    cerebro = cerebro_of(leaks.ByTable, table=returns)
    report = audit(cerebro, probes=2, warmup=False)
    assert report.outcome == "leak"
    assert report.findings[0].what == "column 0 of the parameter table"


def test_a_model_in_a_file_is_not_assessed_and_the_file_is_named(tmp_path):
    np.save(tmp_path / "model.npy", np.sign(np.diff(CLOSE)))
    cerebro = cerebro_of(leaks.ModelOfFile, file=str(tmp_path / "model.npy"))
    report = audit(cerebro, probes=2, warmup=False)
    assert report.outcome == "not assessed"
    assert f"{tmp_path}/model.npy (at planted_leaks.py:" in report.reasons[0]


def fitted(frames, last=None):
    """A script that trains a model before the run, on sessions up to `last`."""
    returns = np.log(frames["S1"]["Close"].loc[:last]).diff().dropna().to_numpy()
    rows = np.arange(5, len(returns))
    past = np.stack([returns[rows - lag] for lag in range(1, 6)], axis=1)
    weights = np.linalg.lstsq(past, returns[rows], rcond=None)[0]
    return made_of({"S1": frames["S1"]}, leaks.ByWeights, weights=tuple(weights))


def test_a_model_that_is_trained_on_later_data_is_found_where_it_is_made():
    report = audit(fitted, frames=SECTORS.frames(), probes=4, warmup=False)
    assert report.outcome == "leak"
    assert report.findings[0].kind == "order"
    assert report.findings[0].ahead > 1


def survivors(frames):
    """A script that takes the funds which still trade today."""
    last = max(frame.index[-1] for frame in frames.values())
    alive = {name: frame for name, frame in frames.items() if frame.index[-1] == last}
    return made_of(alive, leaks.Survivors)


def test_a_universe_of_survivors_is_found_where_it_is_chosen():
    gone = without(PANEL, "S2", slice(150, 200)).frames()
    report = audit(survivors, frames=gone, probes=4, warmup=False)
    assert report.outcome == "leak"
    # It knows on the second session who will be there on the 150th.
    assert report.findings[0].session == str(PANEL.sessions[1])
    assert report.findings[0].ahead == 149


ENDS = pd.DatetimeIndex(PANEL.sessions[10::20])
FIGURES = pd.DataFrame(
    {"surprise": np.random.default_rng(3).normal(size=len(ENDS)), "period_end": ENDS},
    index=ENDS + pd.Timedelta(days=30),
)


def by_period_end(frames):
    table = frames["figures"].set_index("period_end")["surprise"]
    return made_of({"S1": frames["S1"]}, leaks.ByTable, table=table)


def by_publication(frames):
    table = frames["figures"]["surprise"]
    return made_of({"S1": frames["S1"]}, leaks.ByTable, table=table)


def by_next_figure(frames):
    days, told = frames["S1"].index, frames["figures"]["surprise"]
    table = told.reindex(days, method="bfill")
    return made_of({"S1": frames["S1"]}, leaks.ByTable, table=table)


@pytest.mark.parametrize("modes", MODES.values(), ids=MODES)
@pytest.mark.parametrize(
    ("make", "outcome"),
    [(by_period_end, "leak"), (by_next_figure, "leak"), (by_publication, "clean")],
)
def test_figures_are_known_when_they_are_published(make, outcome, modes):
    frames = SECTORS.frames() | {"figures": FIGURES}
    report = audit(make, frames=frames, probes=3, warmup=False, **modes)
    assert report.outcome == outcome, str(report)


def around_events(frames, days):
    """Hold on the days about an event, from so many before it."""
    table = pd.Series(-1.0, frames["S1"].index)
    for event in frames["figures"].index:
        first, last = event + pd.Timedelta(days=days), event + pd.Timedelta(days=7)
        table[(table.index >= first) & (table.index <= last)] = 1.0
    return made_of({"S1": frames["S1"]}, leaks.ByTable, table=table)


@pytest.mark.parametrize(("days", "outcome"), [(-1, "leak"), (0, "clean")])
def test_that_an_event_comes_is_not_known_the_day_before(days, outcome):
    # Three, on days in the middle of a week.
    events = pd.DatetimeIndex(["2000-02-16", "2000-05-17", "2000-07-19"])
    frames = SECTORS.frames() | {"figures": pd.DataFrame({"kind": 1.0}, events)}
    report = audit(
        lambda frames: around_events(frames, days),
        frames=frames,
        probes=3,
        warmup=False,
    )
    assert report.outcome == outcome, str(report)
    if outcome == "leak":
        assert report.findings[0].ahead == 1


EVERYWHERE = {
    "close[1]": (leaks.NextClose, {}),
    "a centred moving average": (leaks.ByCentredMean, {}),
    "a date that is tomorrow's": (
        *(leaks.UTCDate, {"daily": PANEL.frame("S1")["Close"]}),
    ),
}


@pytest.mark.parametrize("modes", MODES.values(), ids=MODES)
@pytest.mark.parametrize(("strategy", "given"), EVERYWHERE.values(), ids=EVERYWHERE)
def test_leaks_are_caught_in_every_mode(strategy, given, modes):
    cerebro = cerebro_of(strategy, SECTORS, **given)
    report = audit(cerebro, probes=4, warmup=False, **modes)
    assert report.outcome == "leak"
    assert any("planted_leaks.py" in found.place for found in report.findings)


@needs_real_bars
@pytest.mark.parametrize("strategy", [leaks.NextClose, leaks.ByCentredMean])
def test_leaks_are_caught_on_real_bars(strategy):
    panel = real_panel().select(["XLK", "XLE"]).rows(0, 400)
    report = audit(cerebro_of(strategy, panel), probes=4, warmup=False)
    assert report.outcome == "leak"
    assert report.findings[0].ahead == (1 if strategy is leaks.NextClose else 2)


@pytest.mark.parametrize(
    ("strategy", "given"),
    [
        (leaks.NextClose, {}),
        (leaks.ByCentredMean, {}),
        (leaks.ThreeDays, {"days": BEST}),
    ],
)
def test_a_script_shows_the_leak_by_itself(strategy, given, tmp_path):
    report = audit(cerebro_of(strategy, **given), probes=4, warmup=False)
    script = next(found.script for found in report.findings if found.script)
    file = tmp_path / "leak.py"
    file.write_text(script, encoding="utf-8")
    # One feed of three, and few bars where few will do.
    assert script.count("date,open") == 1
    if strategy is not leaks.ThreeDays:
        assert len(script.splitlines()) < 120
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", str(file)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("Later bars") == 4
