"""Holding back a strategy: the order of its calls, before, at and after the start."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pytest
from fakes import random_panel, without
from hand_made import drop_in, fills

from bt_lstm_rotation.backtest.trading_start import starting_at

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

PANEL = random_panel("A", 10)


class Diary(bt.Strategy):
    """Notes which of its methods was called at which bar, from 1 on."""

    params = (("period", 1),)

    def __init__(self):
        bt.ind.SMA(self.data, period=self.p.period)
        self.calls = []

    def note(self, name):
        self.calls.append((len(self), name))

    def prenext(self):
        self.note("prenext")

    def nextstart(self):
        self.note("nextstart")
        super().nextstart()

    def next(self):
        self.note("next")


def calls(start, strategy=Diary, **params):
    held = starting_at(strategy, PANEL.sessions[start - 1])
    return drop_in(PANEL, held, **params).calls


def test_with_no_minimum_period_it_begins_with_nextstart_at_the_start():
    assert calls(8) == [
        (8, "nextstart"),
        (8, "next"),
        (9, "next"),
        (10, "next"),
    ]


def test_a_minimum_period_that_ends_before_the_start_is_not_seen():
    assert calls(8, period=5) == calls(8)


def test_a_minimum_period_that_ends_at_the_start_is_not_seen():
    assert calls(8, period=8) == calls(8)


def test_a_minimum_period_that_ends_later_is_lived_through_from_the_start_on():
    assert calls(6, period=8) == [
        (6, "prenext"),
        (7, "prenext"),
        *calls(8),
    ]


def test_a_start_at_the_first_bar_changes_nothing():
    plain = drop_in(PANEL, Diary, period=3).calls
    assert calls(1, period=3) == plain
    assert plain[:3] == [(1, "prenext"), (2, "prenext"), (3, "nextstart")]


def test_a_start_after_the_last_bar_leaves_it_asleep():
    held = starting_at(Diary, PANEL.sessions[-1] + np.timedelta64(1, "D"))
    assert drop_in(PANEL, held).calls == []


def test_a_start_between_sessions_is_the_next_one():
    # January 2 is a Wednesday: the fourth bar is Monday's, the 7th.
    held = starting_at(Diary, np.datetime64("2019-01-05"))
    assert drop_in(PANEL, held).calls[0] == (4, "nextstart")


def test_a_strategy_that_overrides_nextstart_without_next_is_left_to_it():
    class Own(Diary):
        def nextstart(self):
            self.note("own nextstart")

    assert calls(8, Own) == [(8, "own nextstart"), (9, "next"), (10, "next")]


def test_prenext_that_calls_next_is_held_back_as_well():
    class Eager(Diary):
        def prenext(self):
            self.next()

    assert calls(7, Eager, period=9) == [
        (7, "next"),
        (8, "next"),
        (9, "nextstart"),
        (9, "next"),
        (10, "next"),
    ]


def test_a_feed_that_begins_after_the_start_puts_nextstart_off():
    panel = without(random_panel("AB", 10), "B", slice(0, 8))
    held = starting_at(Diary, panel.sessions[5])
    assert drop_in(panel, held).calls == [
        (6, "prenext"),
        (7, "prenext"),
        (8, "prenext"),
        (9, "nextstart"),
        (9, "next"),
        (10, "next"),
    ]


def test_two_runs_of_one_held_class_do_not_know_of_each_other():
    held = starting_at(Diary, PANEL.sessions[7])
    assert drop_in(PANEL, held).calls == drop_in(PANEL, held).calls == calls(8)


def test_name_parameters_and_their_defaults_survive():
    held = starting_at(Diary, PANEL.sessions[3])
    assert held.__name__ == held.__qualname__ == "Diary"
    assert issubclass(held, Diary)
    assert held.params._getkeys() == Diary.params._getkeys()
    assert drop_in(PANEL, held).p.period == 1
    assert drop_in(PANEL, held, period=4).p.period == 4
    with pytest.raises(TypeError, match="perod"):
        drop_in(PANEL, held, perod=4)


def test_the_held_strategy_itself_stays_as_it_was():
    plain = Diary.next
    starting_at(Diary, PANEL.sessions[7])
    assert Diary.next is plain
    assert drop_in(PANEL, Diary).calls[0] == (1, "nextstart")


def test_indicators_warm_up_on_the_bars_before_the_start():
    class Reader(Diary):
        def __init__(self):
            super().__init__()
            self.mean = bt.ind.SMA(self.data, period=5)

        def next(self):
            self.calls.append(self.mean[0])

    closes = PANEL.close[:, 0]
    expected = [closes[row - 4 : row + 1].mean() for row in (7, 8, 9)]
    assert calls(8, Reader)[1:] == pytest.approx(expected)


class Signals(bt.SignalStrategy):
    """Backtrader's own way of writing a strategy without `next`."""

    def __init__(self):
        self.signal_add(bt.SIGNAL_LONG, self.data.close - 0.0)


def test_a_strategy_of_signals_is_held_back():
    ran = drop_in(PANEL, starting_at(Signals, PANEL.sessions[5]))
    # Long whenever the close is above 0: from the sixth close on, and once.
    assert fills(ran) == [(str(PANEL.sessions[6]), "A", 1, PANEL.open[6, 0])]


def test_a_strategy_of_signals_with_a_next_of_its_own_is_held_back():
    class Both(Signals):
        def __init__(self):
            super().__init__()
            self.calls = []

        def next(self):
            self.calls.append(len(self))

    ran = drop_in(PANEL, starting_at(Both, PANEL.sessions[5]))
    assert ran.calls == [6, 7, 8, 9, 10]
    assert len(fills(ran)) == 1


def test_timers_ring_from_the_start_on():
    class Timed(bt.Strategy):
        def __init__(self):
            self.add_timer(when=bt.Timer.SESSION_START)
            self.rung = []

        def notify_timer(self, timer, when, *args, **kwargs):
            self.rung.append(str(when.date()))

    ran = drop_in(PANEL, starting_at(Timed, PANEL.sessions[6]))
    assert ran.rung == [str(session) for session in PANEL.sessions[6:]]
