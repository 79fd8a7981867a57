"""What is not known yet is refused, in every mode, and nothing else is."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path

import backtrader as bt
import numpy as np
import pytest
from fakes import FakeSpec, random_panel, without
from hand_made import Fills, panel_of
from modes import KEEPING, each_mode

from bt_lstm_rotation import LookaheadError, NoLookahead, SectorRotation
from bt_lstm_rotation.backtest.strategy_file import find_strategy
from bt_lstm_rotation.errors import StrategyError
from bt_lstm_rotation.feeds import add_feeds

# Backtrader itself fails under exactbars=1 when a feed misses a day of another, unless
# a strategy or an indicator of ours keeps the feeds' bars.
with_gaps = pytest.mark.parametrize("modes", KEEPING.values(), ids=KEEPING)

N = 24
# B is listed on the eleventh session.
LATE = without(random_panel("AB", N), "B", slice(0, 10))
# B misses two days, and A one: row by row, B is first ahead of A and then behind it.
GAPPY = without(without(random_panel("AB", N), "A", [4]), "B", [9, 10])


def run(panel, strategy, *, analyzers=(), modes=None, **params):
    cerebro = bt.Cerebro(**{"stdstats": False, **(modes or {})})
    add_feeds(cerebro, panel)
    cerebro.addstrategy(strategy, **params)
    for analyzer in analyzers:
        cerebro.addanalyzer(analyzer, _name=analyzer.__name__)
    return cerebro.run()[0]


class Probe(bt.Strategy):
    """Do something once, in a method and on a bar that can be chosen."""

    params = (("read", None), ("where", "next"), ("bar", 1))

    def __init__(self):
        self.sma = bt.ind.SMA(self.data, period=3)
        self.above = self.data.close > self.sma
        self.add_timer(bt.timer.SESSION_START)
        self.here("__init__")

    def here(self, where):
        if where == self.p.where and len(self) in (0, self.p.bar):
            self.p.read(self)

    def start(self):
        self.here("start")

    def prenext(self):
        self.here("next")

    def next(self):
        self.here("next")

    def next_open(self):
        self.here("next_open")

    def stop(self):
        if self.p.where == "stop":
            self.p.read(self)

    def notify_cashvalue(self, cash, value):
        self.here("notify_cashvalue")

    def notify_timer(self, timer, when):
        self.here("notify_timer")


class Guarded(NoLookahead, Probe):
    def __init__(self):
        super().__init__()


def refused(panel, read, *, modes=None, strategy=Guarded, **params):
    with pytest.raises(LookaheadError) as caught:
        run(panel, strategy, modes=modes, read=read, **params)
    return caught.value


READS = {
    "close": (lambda s: s.data.close[1], "A.close", 1),
    "close far": (lambda s: s.data1.close[10**30], "B.close", 10**30),
    "true": (lambda s: s.data.close[True], "A.close", 1),
    "numpy": (lambda s: s.data.open[np.int64(2)], "A.open", 2),
    "data": (lambda s: s.data[1], "A.close", 1),
    "named": (lambda s: s.dnames.B.high[1], "B.high", 1),
    "line": (lambda s: s.data0_volume[3], "A.volume", 3),
    "get": (lambda s: s.data.close.get(ago=1, size=2), "A.close", 1),
    "get data": (lambda s: s.data.get(1), "A.close", 1),
    "date": (lambda s: s.data.datetime.date(1), "A.datetime", 1),
    "datetime": (lambda s: s.data.datetime.datetime(ago=1), "A.datetime", 1),
    "time": (lambda s: s.data.datetime.tm_lt(0.5, 1), "A.datetime", 1),
    "indicator": (lambda s: s.sma[1], "SMA(A).sma", 1),
    "its line": (lambda s: s.sma.lines.sma[2], "SMA(A).sma", 2),
    "operation": (lambda s: s.above[1], "LinesOperation", 1),
    "past": (lambda s: s.data.close[-12], "A.close", -12),
    "past get": (lambda s: s.data.close.get(ago=-13, size=2), "A.close", -13),
    "past date": (lambda s: s.data.datetime.date(-12), "A.datetime", -12),
    "past late": (lambda s: s.data1.close[-2], "B.close", -2),
}


@each_mode
@pytest.mark.parametrize("name", READS)
def test_a_bar_that_is_not_known_is_refused_by_line_index_source_and_session(
    name, modes
):
    read, line, ago = READS[name]
    error = refused(LATE, read, modes=modes, bar=12)
    assert (error.line, error.ago) == (line, ago)
    assert error.session == str(LATE.sessions[11])
    assert error.place == f"{Path(__file__).name}:{read.__code__.co_firstlineno}"


@each_mode
@pytest.mark.parametrize(
    "read",
    [
        lambda s: s.data1.close[0],
        lambda s: s.data1.close[-1],
        lambda s: s.data1[0],
        lambda s: s.data1 > 5.0,
        lambda s: s.buy(data=s.data1),
        lambda s: s.sell(data=s.data1, size=1, exectype=bt.Order.Limit, price=5.0),
        lambda s: s.order_target_percent(s.data1, 0.5),
        lambda s: s.order_target_size(s.data1, 3),
        lambda s: s.buy_bracket(data=s.data1, limitprice=9, price=8, stopprice=7),
    ],
)
def test_a_feed_that_has_not_begun_is_neither_read_nor_traded(read, modes):
    error = refused(LATE, read, modes=modes, bar=3)
    assert error.line == "B.close"
    assert error.session == str(LATE.sessions[2])
    assert "there is no bar yet" in error.problem


@each_mode
@pytest.mark.parametrize(
    ("delay", "line", "ago"),
    [
        (lambda s: s.data.close(1), "A.close", 1),
        (lambda s: s.data1(2), "B.close", 2),
        (lambda s: s.sma(3), "SMA(A).sma", 3),
        (lambda s: bt.ind.SMA(s.data.high(1), period=2), "A.high", 1),
        (lambda s: s.above(1), "LinesOperation", 1),
    ],
)
def test_a_line_that_runs_ahead_is_refused_when_it_is_made(delay, line, ago, modes):
    error = refused(LATE, delay, modes=modes, where="__init__")
    assert (error.line, error.ago, error.session) == (line, ago, None)
    assert str(error).startswith(f"{line}({ago}) at {Path(__file__).name}:")


@each_mode
def test_before_the_first_session_there_is_nothing_to_read(modes):
    for where in ("__init__", "start"):
        error = refused(LATE, lambda s: s.data.close[0], modes=modes, where=where)
        assert error.session is None
        assert "before the first session: there is no bar yet" in str(error)


@pytest.mark.parametrize(
    "where",
    ["start", "next", "next_open", "notify_cashvalue", "notify_timer", "stop"],
)
def test_every_method_of_the_user_is_watched(where):
    modes = {"cheat_on_open": True}
    error = refused(LATE, lambda s: s.data.low[1], modes=modes, where=where, bar=13)
    assert (error.line, error.ago) == ("A.low", 1)


@each_mode
def test_an_index_is_refused_or_it_is_the_bar_that_it_should_be(modes):
    kept = 5
    seen = []

    class Reader(NoLookahead, bt.Strategy):
        def __init__(self):
            self.sma = bt.ind.SMA(self.data, period=kept)

        def prenext(self):
            self.next()

        def next(self):
            now = len(self) - 1
            for ago in range(-N - 2, N + 2):
                row = now + ago
                known = 0 <= row <= now
                if known and self.cerebro.p.exactbars == 1:
                    known = ago > -kept
                try:
                    value = self.data.close[ago]
                except LookaheadError:
                    assert not known
                else:
                    assert known
                    assert value == LATE.close[row, 0]
                    seen.append(ago)

    run(LATE, Reader, modes=modes)
    assert min(seen) == (1 - kept if modes.get("exactbars") == 1 else 1 - N)
    assert max(seen) == 0


def test_the_message_says_all_of_it(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "import backtrader as bt\n"
        "from bt_lstm_rotation import NoLookahead\n"
        "class Mine(NoLookahead, bt.Strategy):\n"
        "    def next(self):\n"
        "        if self.data.close[1] > self.data.close[0]: self.buy()\n"
    )
    panel = panel_of("2010-01-04", XLK=[1.0, 2.0, 3.0])
    with pytest.raises(LookaheadError) as caught:
        run(panel, find_strategy(f"{file}:Mine"))
    assert str(caught.value) == (
        "XLK.close[1] at mine.py:5, session 2010-01-04: "
        "that is the future; known is [0]"
    )


def test_a_script_that_is_no_module_is_guarded_too():
    script = (
        "class Mine(NoLookahead, bt.Strategy):\n"
        "    def next(self):\n"
        "        self.data.low[2]\n"
    )
    scope = {"NoLookahead": NoLookahead, "bt": bt}
    exec(compile(script, "cell 3", "exec"), scope)
    with pytest.raises(LookaheadError, match=r"^A.low\[2\] at cell 3:3, session"):
        run(LATE, scope["Mine"])


def test_the_line_named_is_where_it_is_read_be_it_in_a_function_elsewhere():
    def tomorrow(feed):
        return feed.close[1]

    error = refused(LATE, lambda s: tomorrow(s.data))
    line = tomorrow.__code__.co_firstlineno + 1
    assert error.place == f"{Path(__file__).name}:{line}"


@pytest.mark.parametrize("index", ["0", None, 0.0, -1.0, float("nan"), slice(0, 1), []])
def test_what_is_no_index_fails_as_it_does_without_the_guard(index):
    for strategy in (Probe, Guarded):
        with pytest.raises(TypeError):
            run(LATE, strategy, read=lambda s: s.data.close[index], bar=3)


class Busy(bt.Strategy):
    """Read much in many ways, none of it ahead, and trade on it."""

    params = (("fast", 3), ("slow", 8))

    def __init__(self):
        self.macd = bt.ind.MACD(self.data, period_me1=2, period_me2=5, period_signal=2)
        self.cross = bt.ind.CrossOver(
            bt.ind.EMA(self.data, period=self.p.fast),
            bt.ind.SMA(self.data, period=self.p.slow),
        )
        self.change = self.data.close - self.data.close(-1)
        self.own = Smooth(self.data)
        self.noted = []

    def prenext(self):
        self.next()

    def next(self):
        today = self.datetime.date(0)
        for feed in self.datas:
            if len(feed) > 2 and feed.datetime.date(0) == today:
                # 1 bar is kept under exactbars=1 unless an indicator asks for more.
                up = feed.close[0] > feed.open[0]
                self.order_target_percent(feed, 0.4 if up else 0.1)
            elif not len(feed):
                self.order_target_percent(feed, target=0.0, price=1.0)
        if len(self.cross) and self.cross[0]:
            self.noted.append((today, self.cross[0], self.macd.signal[0]))
        if len(self.data) > 8:
            window = list(self.data.close.get(size=8))
            self.noted.append(
                (sum(window), self.change[0], self.own[0], self.data < 50)
            )
        self.noted.append((self.broker.getvalue(), self.broker.getcash()))

    def notify_order(self, order):
        self.noted.append((order.status, order.data.close[0], order.executed.price))

    def stop(self):
        self.noted.append(("end", self.data.close[0], self.position.size))


class Smooth(bt.Indicator):
    """A line that goes on from its own last value, nothing at first."""

    lines = ("smooth",)

    def next(self):
        before = self.l.smooth[-1]
        before = self.data[0] if before != before else before
        self.l.smooth[0] = 0.5 * self.data[0] + 0.5 * before


class GuardedSmooth(NoLookahead, Smooth):
    def __init__(self):
        super().__init__()


class GuardedBusy(NoLookahead, Busy):
    def __init__(self):
        super().__init__()
        self.own = GuardedSmooth(self.data)


def outcome(panel, strategy, modes, **params):
    ran = run(panel, strategy, modes=modes, analyzers=[Fills], **params)
    return ran.analyzers.Fills.get_analysis(), getattr(ran, "noted", None)


@each_mode
def test_a_run_without_a_violation_is_the_run_without_the_guard(modes):
    panel = random_panel("AB", 60)
    panel = without(panel, "B", slice(0, 10))
    if modes.get("exactbars") != 1:
        panel = without(panel, "A", [20, 30])
    fills, noted = outcome(panel, Busy, modes)
    assert len(fills) > 20
    assert len(noted) > 150
    # As text, in which a NaN is like another and a float is given to the last bit.
    assert repr(outcome(panel, GuardedBusy, modes)) == repr((fills, noted))


class GuardedRotation(NoLookahead, SectorRotation):
    def __init__(self):
        super().__init__()


@with_gaps
def test_a_rotation_is_the_same_guarded_or_not(modes):
    panel = without(random_panel("ABC", 60), "C", slice(0, 30))
    params = {"top": 1, "rebalance": "weekly", "spec": FakeSpec()}
    plain = outcome(panel, SectorRotation, modes, **params)
    assert len(plain[0]) > 10
    assert outcome(panel, GuardedRotation, modes, **params) == plain


@each_mode
def test_the_account_may_be_valued_while_a_position_waits_for_its_feed(modes):
    values = []

    def value(strategy):
        assert not strategy.getposition(strategy.data1).size
        values.append(strategy.broker.getvalue())
        assert strategy.order_target_percent(strategy.data1, 0.0, price=1.0) is None

    run(LATE, Guarded, modes=modes, read=value, bar=3)
    assert values == [10_000.0]


class Peeking(bt.Strategy):
    """Looks ahead on purpose, and is nobody else's business."""

    def __init__(self):
        self.ahead = self.data.close(1)
        self.seen = []

    def next(self):
        if len(self) < N:
            self.seen.append(self.data.close[1])


@pytest.mark.parametrize("guarded_first", [True, False])
def test_a_strategy_without_the_guard_is_let_be_beside_one_with_it(guarded_first):
    panel = random_panel("AB", N)
    cerebro = bt.Cerebro(stdstats=False)
    add_feeds(cerebro, panel)
    both = [GuardedBusy, Peeking]
    for strategy in both if guarded_first else both[::-1]:
        cerebro.addstrategy(strategy)
    ran = {type(strategy): strategy for strategy in cerebro.run()}
    np.testing.assert_array_equal(ran[Peeking].seen, panel.close[1:, 0])


def test_the_guard_ends_with_the_method_even_if_that_fails():
    refused(LATE, lambda s: s.data.close[1])
    assert len(run(random_panel("AB", N), Peeking).seen) == N - 1


class Spread(bt.Indicator):
    lines = ("spread",)

    def __init__(self):
        self.mean = bt.ind.SMA(self.data1, period=2)

    def next(self):
        self.l.spread[0] = self.data.close[0] - self.data1.close[0]


class GuardedSpread(NoLookahead, Spread):
    def __init__(self):
        super().__init__()


class OfMeans(GuardedSpread):
    def next(self):
        self.l.spread[0] = self.data.close[0] - self.mean[0]


class ByDate(GuardedSpread):
    _nextforce = True


class Tomorrow(GuardedSpread):
    def next(self):
        self.l.spread[0] = self.data1.close[1]


class Holder(bt.Strategy):
    """Has no guard itself."""

    params = (("make", None),)

    def __init__(self):
        self.indicator = self.p.make(*self.datas[:2])
        self.noted = []

    def prenext(self):
        self.next()

    def next(self):
        if len(self.indicator):
            self.noted.append((len(self), self.indicator[0]))


@with_gaps
def test_an_indicator_is_guarded_though_its_strategy_is_not(modes):
    with pytest.raises(LookaheadError) as caught:
        run(GAPPY, Holder, modes=modes, make=Tomorrow)
    assert (caught.value.line, caught.value.ago) == ("B.close", 1)
    # Its mean of two bars makes it wait for the second one.
    assert caught.value.session == str(GAPPY.sessions[1])


@pytest.mark.parametrize(
    ("kind", "line"), [(GuardedSpread, "B.close"), (OfMeans, "SMA(B).sma")]
)
def test_a_feed_that_runs_ahead_of_another_row_by_row_is_noticed(kind, line):
    with pytest.raises(LookaheadError) as caught:
        run(GAPPY, Holder, make=kind)
    # A misses its fifth session, so its tenth row is of the eleventh; B's, after two
    # missed, is of the twelfth.
    error = caught.value
    assert (error.line, error.ago) == (line, 0)
    assert error.session == str(GAPPY.sessions[10])
    assert f"{GAPPY.sessions[11]} already; set _nextforce = True" in error.problem


@with_gaps
def test_by_date_the_same_indicator_has_nothing_to_refuse(modes):
    expected = run(GAPPY, Holder, modes={"runonce": False}, make=Spread).noted
    assert repr(run(GAPPY, Holder, modes=modes, make=ByDate).noted) == repr(expected)


def test_an_indicator_inside_another_is_not_read_where_backtrader_leaves_it():
    class Nested(NoLookahead, bt.Strategy):
        def __init__(self):
            self.macd = bt.ind.MACD(self.data)
            self.fast = bt.ind.EMA(self.data, period=12)

        def next(self):
            assert self.macd.getindicators()[0][0] == self.fast[0]

    panel = random_panel("A", 60)
    with pytest.raises(LookaheadError, match="indicator inside another"):
        run(panel, Nested)
    run(panel, Nested, modes={"runonce": False})


@with_gaps
def test_a_stale_bar_is_read_unless_that_is_not_wanted(modes):
    class Strict(Guarded):
        refuse_stale_bars = True

        def __init__(self):
            super().__init__()
            self.mean = bt.ind.SMA(self.data1, period=2)

    # B has no bar of the tenth and eleventh session.
    stale = {"modes": modes, "bar": 10}
    close = str(GAPPY.sessions[8])
    for strategy in (Guarded, Strict):
        run(GAPPY, strategy, read=lambda s: s.data1.datetime.date(0), **stale)
        run(GAPPY, strategy, read=lambda s: s.data.close[-1], **stale)
    run(GAPPY, Guarded, read=lambda s: s.data1.close[0], **stale)
    for read in (lambda s: s.data1.close[0], lambda s: s.mean[-1]):
        error = refused(GAPPY, read, strategy=Strict, **stale)
        assert error.session == str(GAPPY.sessions[9])
        assert f"its last bar is of {close}, and refuse_stale_bars" in error.problem


class Grid(Busy):
    def __init__(self):
        super().__init__()


class GuardedGrid(NoLookahead, Grid):
    def __init__(self):
        super().__init__()


def swept(strategy, **settings):
    # Feeds of an earlier run, guarded by it, go to the workers.
    earlier = bt.Cerebro(stdstats=False)
    add_feeds(earlier, random_panel("AB", 60))
    earlier.addstrategy(Guarded, read=lambda s: None)
    earlier.run()
    cerebro = bt.Cerebro(stdstats=False, **settings)
    for feed in earlier.datas:
        cerebro.adddata(feed)
    cerebro.optstrategy(strategy, fast=(2, 4), slow=8)
    cerebro.addanalyzer(Fills, _name="Fills")
    return cerebro.run()


def swept_fills(strategy, **settings):
    swept_runs = swept(strategy, **settings)
    return [run.analyzers.Fills.get_analysis() for (run,) in swept_runs]


class GuardedPeek(NoLookahead, Grid):
    def __init__(self):
        super().__init__()

    def nextstart(self):
        self.data.close[1]


def test_a_sweep_is_the_same_guarded_or_not():
    fills = swept_fills(Grid, maxcpus=1)
    assert len(fills) == 2
    assert all(fills)
    assert swept_fills(GuardedGrid, maxcpus=1) == fills
    with pytest.raises(LookaheadError):
        swept(GuardedPeek, maxcpus=1)


def test_so_is_a_sweep_over_processes_and_an_error_comes_out_of_it():
    # In a process of its own: Backtrader leaves its pool of workers unclosed.
    script = (
        "from test_lookahead import *\n"
        "assert swept_fills(GuardedGrid, maxcpus=2) == swept_fills(Grid, maxcpus=1)\n"
        "try:\n"
        "    swept(GuardedPeek, maxcpus=2)\n"
        "except LookaheadError as error:\n"
        "    print(error.line, error.ago)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout == "A.close 1\n", done.stderr


def test_a_copied_line_is_backtraders_own_again():
    ran = run(LATE, Guarded, read=lambda s: None)
    for line in (ran.data.close, ran.above):
        kind = bt.LineBuffer if line is ran.data.close else type(ran.above).__mro__[1]
        assert type(line) is not kind
        assert isinstance(line, kind)
        line._owner = line._clock = None
        line._datas = line.a = line.b = None
        for again in (copy.copy(line), pickle.loads(pickle.dumps(line))):
            assert type(again) is kind
            assert repr(again.array) == repr(line.array)


def test_a_next_over_signals_is_guarded_too():
    class Signalled(NoLookahead, bt.SignalStrategy):
        def __init__(self):
            self.signal_add(bt.SIGNAL_LONG, self.data.close - self.data.close(-1))

        def next(self):
            self.data.close[1]

    with pytest.raises(LookaheadError):
        run(LATE, Signalled)


def test_named_last_it_would_see_little_and_is_refused():
    with pytest.raises(StrategyError, match=r"class Late\(NoLookahead, bt.Strategy\)"):

        class Late(bt.Strategy, NoLookahead):
            pass


class Weekly(bt.Strategy):
    def __init__(self):
        # A line of weeks by the day, which Backtrader makes bar by bar only.
        self.mean = bt.ind.SMA(self.data1, period=2)
        self.by_day = self.mean()
        self.noted = []

    def next(self):
        week = self.data1
        self.noted.append((len(week), week.close[0], week.open[-1], self.mean[0]))
        self.noted.append((self.by_day[0], self.broker.getvalue(), self.position.size))
        up = self.data.close[0] > week.close[0]
        self.order_target_percent(target=0.5 if up else -0.5)


class GuardedWeekly(NoLookahead, Weekly):
    def __init__(self):
        super().__init__()


@pytest.mark.parametrize("modes", [{"runonce": False}, {"preload": False}])
@pytest.mark.parametrize("weeks", ["resampledata", "replaydata"])
def test_weeks_made_of_days_are_read_alike_and_no_week_ahead(weeks, modes):
    def go(strategy, **params):
        cerebro = bt.Cerebro(stdstats=False, **modes)
        add_feeds(cerebro, random_panel("A", 60))
        (days,) = cerebro.datas
        getattr(cerebro, weeks)(days, name="W", timeframe=bt.TimeFrame.Weeks)
        cerebro.addstrategy(strategy, **params)
        return cerebro.run()[0]

    noted = go(Weekly).noted
    assert len(noted) > 80
    assert repr(go(GuardedWeekly).noted) == repr(noted)
    with pytest.raises(LookaheadError) as caught:
        go(Guarded, read=lambda s: s.data1.close[1], bar=12)
    assert (caught.value.line, caught.value.ago) == ("W.close", 1)


def test_lines_and_params_are_those_of_the_other_base():
    class Sma(NoLookahead, bt.ind.SMA):
        def __init__(self):
            super().__init__()

    assert Sma.lines._getlines() == bt.ind.SMA.lines._getlines() == ("sma",)
    assert dict(Sma.params._getitems()) == dict(bt.ind.SMA.params._getitems())
    assert Guarded.lines._getlines() == ("datetime",)
    plain = run(LATE, Holder, make=lambda a, b: bt.ind.SMA(a, period=4)).noted
    mixed = run(LATE, Holder, make=lambda a, b: Sma(a, period=4)).noted
    assert repr(mixed) == repr(plain)
    with pytest.raises(TypeError, match="perod"):
        run(LATE, Holder, make=lambda a, b: GuardedSpread(a, b, perod=4))
