"""Which sessions are looked at, by hand."""

from __future__ import annotations

import bisect

import backtrader as bt
import numpy as np
from modes import MODES, each_mode
from planted_leaks import ByTable
from worlds import PANEL, cerebro_of, made_of

from bt_lstm_rotation.evidence.audit.channels import Channel
from bt_lstm_rotation.evidence.audit.rows import Rows
from bt_lstm_rotation.evidence.audit.runs import Runs
from bt_lstm_rotation.evidence.audit.scenes import Made, Recorded
from bt_lstm_rotation.evidence.audit.sessions import choose
from bt_lstm_rotation.evidence.audit.trace import CLOSE, Act, Lines, Trace

DAYS = np.arange(100.0)


def trace_of(*columns, orders=()):
    channels = [Channel(str(n), None, None, ahead=False) for n in range(len(columns))]
    lines = Lines("it", channels, 0.0, DAYS.tolist(), np.transpose(columns).tolist())
    acts = [Act(float(at), CLOSE, "buy", (), "A", "") for at in orders]
    return Trace([lines], acts)


def chosen(base, count, tables=(), reason=None):
    flat = np.stack([np.ones(100)] * 4, axis=1)
    feeds = [Rows(("open", "high", "low", "close"), flat, DAYS, "A")]
    probes = choose(base, feeds, count, tables)
    return [probe.at for probe in probes if reason in (None, probe.reason)]


def pulses(*rows):
    line = np.zeros(100)
    line[list(rows)] = 1.0
    return line


def test_a_line_that_is_rarely_set_is_looked_at_where_it_is():
    base = trace_of(pulses(20, 41, 77))
    assert chosen(base, 20, reason="a line jumps") == [20, 41, 77]


def test_a_line_that_moves_all_the_time_has_no_rare_session():
    walk = np.cumsum(np.random.default_rng(0).normal(size=100))
    often = np.arange(100) // 3 % 2
    assert chosen(trace_of(walk, often), 40, reason="a line jumps") == []


def test_of_many_lines_the_rarest_change_comes_first():
    base = trace_of(pulses(10, 30, 50), pulses(64))
    # One of each kind: an order, a line, and the first bar.
    assert chosen(base, 2, reason="a line jumps") == [64]
    ordered = trace_of(pulses(10, 30, 50), pulses(64), orders=range(1, 90))
    assert chosen(ordered, 3, reason="a line jumps") == [64]


def test_lines_without_numbers_and_infinite_ones_lead_nowhere():
    nothing = np.full(100, np.nan)
    begins = np.where(DAYS < 30, np.nan, 1.0)
    infinite = np.where(DAYS == 50, np.inf, 0.0)
    assert chosen(trace_of(nothing, begins), 40, reason="a line jumps") == []
    assert chosen(trace_of(infinite), 40, reason="a line jumps") == []
    huge = trace_of(np.minimum(infinite, 1e300))
    assert chosen(huge, 40, reason="a line jumps") == [50, 51]


def test_the_session_before_each_row_of_a_table_is_looked_at():
    table = np.array([-5.0, 0.0, 12.5, 40.0, 40.0, 99.5])
    reason = "before a row of a table"
    assert chosen(trace_of(pulses()), 20, [table], reason) == [12, 39]
    # Nothing is made of a table before its first row.
    assert chosen(trace_of(pulses()), 20, [table[3:]], reason) == []
    # One of every session leads nowhere.
    assert chosen(trace_of(pulses()), 20, [DAYS], reason) == []


@each_mode
def test_all_bars_are_known_in_every_mode_whoever_loads_them(modes):
    def make(frames):
        return made_of({"S1": frames["S1"]}, ByTable, table=frames["S1"]["Close"])

    recorded = Recorded(cerebro_of(ByTable, table=PANEL.frame("S1")["Close"]))
    for scene in (Made(make, PANEL.frames()), recorded):
        rows = Runs(scene, modes).feeds[0]
        close = rows.values[:, rows.names.index("close")]
        assert close.tolist() == PANEL.close[:, 0].tolist()


def test_so_are_resampled_ones():
    for modes in MODES.values():
        cerebro = cerebro_of(bt.Strategy, weekly=True)
        daily, *_, weekly = Runs(Recorded(cerebro), modes).feeds
        assert len(weekly) >= len(daily) // 5
        ends = [daily.at[bisect.bisect_right(daily.at, at) - 1] for at in weekly.at]
        assert len(set(ends)) == len(weekly)
