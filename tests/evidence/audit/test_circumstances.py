"""Dates, files, numbers at hand, randomness: what no other future shows."""

from __future__ import annotations

import json
import random
import sys

import backtrader as bt
import numpy as np
import pandas as pd
import plain_strategies as plain
import planted_leaks as leaks
import pytest
from fakes import random_panel
from worlds import MARKET, PANEL, cerebro_of, made_of

from bt_lstm_rotation import NoLookahead, RunReport
from bt_lstm_rotation.errors import DataError, SpecError, StrategyError
from bt_lstm_rotation.evidence.audit import audit
from bt_lstm_rotation.evidence.audit.leading import leading_feeds, shifted
from bt_lstm_rotation.evidence.audit.rows import Rows
from bt_lstm_rotation.evidence.audit.warmup import LENGTHS


def rows_of(returns, name):
    close = 100 * np.cumprod(1 + returns)
    return Rows(("close",), close[:, None], np.arange(len(close)) + 7e5, name)


def correlated(correlation, lag, count=500):
    """Returns of two feeds, the first of which moves `lag` bars before the second."""
    rng = np.random.default_rng(1)
    shared, *own = rng.normal(0, 0.01, (3, count))
    mix = [np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * o for o in own]
    return rows_of(mix[0], "A"), rows_of(np.roll(mix[1], lag), "B")


@pytest.mark.parametrize(
    ("correlation", "lag", "leaders"),
    [
        (0.9, 1, ["A"]),
        (0.9, 3, ["A"]),
        (0.9, -1, ["B"]),
        (0.9, 0, []),
        # As markets in other time zones do, honestly.
        (0.5, 1, []),
    ],
)
def test_what_moves_before_another_is_dated_early(correlation, lag, leaders):
    leads = leading_feeds(correlated(correlation, lag))
    assert [lead.name for lead in leads] == leaders
    assert all(lead.ahead == abs(lag) for lead in leads)


def test_a_copy_that_is_dated_early_leads_the_original():
    rows = correlated(0.9, 0)[0]
    (lead,) = leading_feeds([shifted(rows), rows])
    assert lead.follower == "A"
    assert lead.correlation == pytest.approx(1.0)


def test_a_generator_without_a_seed_is_not_assessed():
    report = audit(cerebro_of(leaks.Unrepeatable), probes=2, warmup=False)
    assert report.outcome == "not assessed"
    assert "two runs on the same bars differ" in report.reasons[0]


class GlobalRandom(leaks.Trader):
    """Draws from the generator that a script may have given a seed to."""

    def __init__(self):
        super().__init__()

    def wanted(self):
        return random.random() > 0.5


def test_the_global_generator_is_set_back_and_left_as_it_was():
    before = random.getstate()
    report = audit(cerebro_of(GlobalRandom), probes=2, warmup=False)
    assert report.outcome == "clean", str(report)
    assert random.getstate() == before


class WithDefault(leaks.Trader):
    params = (("table", tuple(range(50))),)

    def __init__(self):
        super().__init__()

    def wanted(self):
        return self.p.table[len(self) % 50] > 20


class WithTable(leaks.Trader):
    table = np.ones(50)

    def __init__(self):
        super().__init__()

    def wanted(self):
        return self.table[len(self) % 50] > 0


@pytest.mark.parametrize(
    ("strategy", "name"),
    [(WithTable, "WithTable.table"), (WithDefault, "the default of table")],
)
def test_numbers_that_were_there_before_are_named(strategy, name):
    report = audit(cerebro_of(strategy), probes=2, warmup=False)
    assert report.outcome == "not assessed"
    assert report.reasons[0].startswith(f"{name} was there before the run")


def test_a_table_that_is_made_of_frames_in_each_world_is_assessed():
    def make(frames):
        past = frames["S1"]["Close"].pct_change().fillna(0.0)
        return made_of({"S1": frames["S1"]}, leaks.ByTable, table=past)

    frames = {"S1": PANEL.frame("S1")}
    report = audit(make, frames=frames, probes=4, warmup=False)
    assert report.outcome == "clean", str(report)


class Guarded(NoLookahead, leaks.NextClose):
    def __init__(self):
        super().__init__()


def test_what_no_lookahead_refuses_is_a_leak_with_its_place():
    report = audit(cerebro_of(Guarded), probes=2, warmup=False)
    assert report.outcome == "leak"
    assert "planted_leaks.py" in report.findings[0].place


class OpensOnClose(bt.Strategy):
    """Under cheat-on-open: knows the day's close when it buys at the open."""

    def __init__(self):
        pass

    def next_open(self):
        if self.data.close[0] > self.data.open[0]:
            self.buy(size=1)


def test_todays_close_is_not_known_at_the_open():
    report = audit(cerebro_of(OpensOnClose, coo=True), probes=4, warmup=False)
    assert report.outcome == "leak"
    assert report.findings[0].what == "buy of S1"


def test_warm_up_is_measured_for_what_never_forgets():
    panel = random_panel("A", 400)
    report = audit(cerebro_of(plain.BollingerMACD, panel), probes=1)
    by_line = {line.line: line.drift for line in report.warmup}
    assert set(by_line) == {"macd = MACD(A).macd", "macd = MACD(A).signal"}
    drift = by_line["macd = MACD(A).macd"]
    assert list(drift) == [length for length in LENGTHS if length < 379]
    # An average of n bars forgets by (n - 1) / (n + 1) a bar.
    assert drift[50] > drift[100] > drift[250]


def test_an_exponential_mean_drifts_by_what_its_formula_says():
    panel = random_panel("A", 200)

    class Mean(bt.Strategy):
        def __init__(self):
            self.mean = bt.ind.EMA(period=20)

    (line,) = audit(cerebro_of(Mean, panel), probes=1).warmup
    close, values = panel.close[:, 0], {}
    for start in (0, 200 - 50 - 21):
        level = close[start : start + 20].mean()
        series = [level]
        for price in close[start + 20 :]:
            level += (price - level) * 2 / 21
            series.append(level)
        values[start] = np.array(series[-21:])
    whole, shorter = values.values()
    scale = np.maximum(whole, whole.mean())
    expected = (100 * np.abs(shorter - whole) / scale).max()
    assert line.drift[50] == pytest.approx(expected, rel=1e-6)


def test_a_cerebro_stays_as_it_was_and_runs_as_before():
    cerebro = cerebro_of(plain.Crossover)
    audit(cerebro, probes=1, warmup=False)
    (ran,) = cerebro.run()
    (other,) = cerebro_of(plain.Crossover).run()
    assert ran.broker.getvalue() == other.broker.getvalue()
    with pytest.raises(StrategyError, match="before its first run"):
        audit(cerebro)


def optimising():
    cerebro = cerebro_of(plain.Crossover)
    cerebro.optstrategy(plain.SeededRandom, seed=[1, 2])
    return cerebro


@pytest.mark.parametrize(
    ("cerebro", "given", "error", "text"),
    [
        (None, {}, StrategyError, "needs a bt.Cerebro"),
        (bt.Cerebro(), {}, StrategyError, "it has no feed"),
        (optimising(), {}, StrategyError, "it optimises"),
        (cerebro_of(plain.Crossover), {"warmup": 1}, SpecError, "warmup"),
        (cerebro_of(plain.Crossover), {"progress": 1}, SpecError, "progress"),
        (cerebro_of(plain.Crossover), {"frames": {}}, SpecError, "cerebro"),
        (len, {"frames": [1]}, SpecError, "frames"),
        (len, {"frames": {"A": [1]}}, DataError, "A: no table"),
        (len, {"frames": {"A": pd.Series([1.0])}}, DataError, "rows have dates"),
    ],
)
def test_what_cannot_be_audited_is_refused(cerebro, given, error, text):
    with pytest.raises(error, match=text):
        audit(cerebro, **given)


def test_bars_out_of_order_are_refused():
    frame = PANEL.frame("S1").iloc[::-1]
    cerebro = bt.Cerebro()
    cerebro.adddata(bt.feeds.PandasData(dataname=frame), name="S1")
    cerebro.addstrategy(plain.Crossover)
    with pytest.raises(DataError, match="S1: bars are not in the order of their dates"):
        audit(cerebro)


def test_csv_feeds_are_read_once(tmp_path):
    for name in ("S1", MARKET):
        frame = PANEL.frame(name)
        frame.index.name = "date"
        frame.to_csv(tmp_path / f"{name}.csv")
    cerebro = bt.Cerebro()
    for name in ("S1", MARKET):
        feed = bt.feeds.GenericCSVData(
            dataname=str(tmp_path / f"{name}.csv"), dtformat="%Y-%m-%d", openinterest=-1
        )
        cerebro.adddata(feed, name=name)
    cerebro.addstrategy(plain.Crossover)
    report = audit(cerebro, probes=3, warmup=False)
    assert report.outcome == "clean", str(report)


def test_a_line_that_runs_ahead_is_named_with_where_it_was_made():
    class Ahead(leaks.Trader):
        def __init__(self):
            super().__init__()
            self.later = self.data.close(3)

        def wanted(self):
            return self.later[0] > self.data.close[0]

    report = audit(cerebro_of(Ahead), probes=2, warmup=False)
    assert report.findings[0].what == "later = LineForward"
    assert report.findings[0].ahead == 3
    assert "test_circumstances.py:" in report.findings[0].place


def test_a_parameter_that_is_a_table_of_figures_is_never_clean():
    figures = np.random.default_rng(0).normal(size=len(PANEL))
    table = pd.Series(figures, pd.DatetimeIndex(PANEL.sessions))
    report = audit(cerebro_of(leaks.ByTable, table=table), probes=2, warmup=False)
    assert report.outcome == "not assessed"
    assert "the parameter table was there before the run" in report.reasons[0]


def test_nothing_is_written_or_printed_by_the_runs_of_an_audit(tmp_path, capsys):
    class Loud(plain.Crossover):
        def __init__(self):
            super().__init__()

        def next(self):
            super().next()
            sys.stdout.write("here")

    cerebro = cerebro_of(Loud)
    cerebro.addanalyzer(RunReport, folder=tmp_path / "run")
    cerebro.addwriter(bt.WriterFile, out=str(tmp_path / "written.csv"), csv=True)
    assert audit(cerebro, probes=1, warmup=False).outcome == "clean"
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr() == ("", "")


def test_each_of_two_strategies_is_looked_at():
    cerebro = cerebro_of(plain.Crossover)
    cerebro.addstrategy(leaks.ByCentredMean)
    report = audit(cerebro, probes=3, warmup=False)
    assert report.outcome == "leak"
    assert report.findings[0].what == "mean = CentredMean(S1).mean"


def test_a_leak_is_told_in_words_and_as_plain_values():
    report = audit(cerebro_of(leaks.ByCentredMean), probes=2, warmup=False)
    text = str(report)
    assert text.startswith(
        "ByCentredMean: leak\nLeaks:\n  - mean = CentredMean(S1).mean"
    )
    assert "it looks 2 sessions ahead" in text
    plain_values = report.to_dict()
    assert json.loads(json.dumps(plain_values))["outcome"] == "leak"
