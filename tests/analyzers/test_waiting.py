"""A run in which Backtrader did not call a strategy says so, and since when."""

from __future__ import annotations

import logging

import backtrader as bt
import pytest
from fakes import FakeSpec, date, random_panel, without

from bt_lstm_rotation import SectorRotation, run_backtest
from bt_lstm_rotation.errors import HistoryError

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

PANEL = random_panel("ABC", 60)
LATE = without(PANEL, "C", slice(0, 40))
DAY = [date(session) for session in PANEL.sessions]


class Plain(bt.Strategy):
    params = (("period", None), ("least", 1))

    def __init__(self):
        self.data.updateminperiod(self.p.least)
        if self.p.period:
            self.average = bt.ind.SMA(self.data, period=self.p.period)

    def next(self):
        self.order_target_percent(self.data, 0.3)


def ran(panel, strategy=Plain, **settings):
    result = run_backtest(panel, strategy, **settings)
    rows = result.events[result.events["kind"] == "waited"]
    return [tuple(row) for row in rows[["session", "symbol", "detail"]].to_numpy()]


def test_a_late_listing_that_was_waited_for_is_named_with_its_date(caplog):
    with caplog.at_level(logging.WARNING):
        rows = ran(LATE, start=DAY[10])
    detail = (
        f"next() was first called on {DAY[40]}; C begins then; "
        f"31 earlier sessions, from {DAY[9]}, were not traded"
    )
    assert rows == [(DAY[40], "C", detail)]
    assert f"Plain: {detail}" in caplog.messages


def test_sessions_before_the_start_are_history_and_not_waited_for():
    assert ran(LATE, start=DAY[41]) == []
    ((_, _, detail),) = ran(LATE, start=DAY[40])
    assert f"1 earlier session, {DAY[39]}, was not" in detail


def test_an_indicators_period_is_named_as_what_was_waited_for():
    ((session, symbol, detail),) = ran(PANEL, params={"period": 25})
    assert (session, symbol) == (DAY[24], "A")
    assert "A has the 25 bars needed then; 24 earlier sessions" in detail


def test_of_two_late_listings_the_last_is_waited_for():
    panel = without(LATE, "B", slice(0, 20))
    ((session, symbol, _),) = ran(panel)
    assert (session, symbol) == (DAY[40], "C")
    both = without(LATE, "B", slice(0, 40))
    ((_, _, detail),) = ran(both)
    assert "B begins then; C begins then; 40 earlier" in detail


def test_a_next_that_was_never_called_is_said(caplog):
    with caplog.at_level(logging.WARNING):
        ((session, symbol, detail),) = ran(PANEL, params={"least": 100})
    assert (session, symbol) == (DAY[-1], "A")
    assert detail == (
        "next() was never called: A has 60 of the 100 bars needed; "
        "no session was traded"
    )
    assert any("never called" in message for message in caplog.messages)


def test_an_indicator_that_needs_more_bars_than_there_are_is_an_error():
    with pytest.raises(HistoryError) as caught:
        ran(PANEL, params={"period": 100})
    assert str(caught.value).startswith(
        "A: Plain could never be called: 100 sessions are needed, there are 60"
    )


class Clumsy(Plain):
    def next(self):
        raise IndexError("a list of the strategy's own")


def test_an_index_error_of_the_strategys_own_stays_one():
    with pytest.raises(IndexError, match="of the strategy's own"):
        ran(PANEL, Clumsy)


class Patient(Plain):
    """Trades while a feed has not begun, and so waits for none."""

    def prenext(self):
        self.next()


@pytest.mark.parametrize("strategy", [Patient, SectorRotation])
def test_a_strategy_that_trades_before_every_feed_has_begun_has_not_waited(
    strategy, caplog
):
    params = {"spec": FakeSpec()} if strategy is SectorRotation else {}
    with caplog.at_level(logging.WARNING):
        assert ran(LATE, strategy, params=params) == []
    assert not any("first called" in message for message in caplog.messages)
