"""An account by itself: closes that are none, lots, and what a broker says of money."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from bt_lstm_rotation.rebalancing.account import Account


class Line(list):
    """The value that a line shows, and how many it has shown so far."""

    def __init__(self, value, bars):
        super().__init__([value])
        self._bars = bars

    def __len__(self):
        return self._bars


class Feed:
    """One bar a session: a close each, opened at the same price."""

    def __init__(self, name, *closes):
        self._name = name
        self._closes = closes
        self.shown = 1

    def __len__(self):
        return min(self.shown, len(self._closes))

    @property
    def close(self):
        return [self._closes[len(self) - 1]]

    open = close

    @property
    def datetime(self):
        return Line(float(len(self)), len(self))

    @property
    def lines(self):
        return self


class Dated(Feed):
    """Bars of given days, day -> close, which are observed as they are shown."""

    def __init__(self, bars):
        super().__init__("A")
        self.bars = bars
        self.today = [0.0]
        self.account = account_of(self, session=self.today)

    def __len__(self):
        return sum(day <= self.today[0] for day in self.bars)

    @property
    def close(self):
        return [self.bars[int(self.datetime[0])]]

    open = close

    @property
    def datetime(self):
        shown = [day for day in self.bars if day <= self.today[0]]
        return Line(float(max(shown)), len(shown))

    def observe(self, *days):
        for day in days:
            self.today[0] = float(day)
            self.account.observe()
        return self.account


def account_of(*feeds, session=1, held=0.0, paid=0.0, cash=0.0, value=math.nan, **lot):
    broker = SimpleNamespace(getcash=lambda: cash, getvalue=lambda: value)
    now = session if isinstance(session, list) else [float(session)]
    strategy = SimpleNamespace(
        datas=feeds,
        broker=broker,
        datetime=now,
        lines=SimpleNamespace(datetime=now),
        getposition=lambda feed: SimpleNamespace(size=held, price=paid),
    )
    return Account(strategy, **lot)


@pytest.mark.parametrize("close", [0.0, -0.5, math.nan, math.inf, -math.inf])
def test_a_close_that_nobody_could_trade_at_is_none(close):
    feed = Feed("A", close)
    account = account_of(feed, paid=7.0)
    assert account.close(feed) is None
    # Without any before it, a position is worth what was paid.
    assert account.last_close(feed) == 7.0


def test_a_close_below_one_is_a_close():
    feed = Feed("A", 0.25)
    account = account_of(feed, paid=7.0)
    assert account.close(feed) == account.last_close(feed) == 0.25


def test_a_feed_has_ended_only_if_it_has_begun():
    begun, empty = Feed("A", 10.0), Feed("B")
    account = account_of(begun, empty, session=5)
    assert account.ended(begun, 3)
    assert not account.ended(begun, 4)
    assert not account.ended(empty, 1)


@pytest.mark.parametrize(
    ("lot", "shares", "lots"),
    [
        (1, 0.2, 1),  # a part of one lot is one, long or short
        (1, -0.2, -1),
        (100, 5e-5, 0),  # less than a millionth of a lot is dust
        (100, 2e-4, 1),
        (1, 1e-6, 0),
        (1, -1e-6, 0),
        (100, 250.0, 3),
        (100, -250.0, -2),  # halves go up
        (0.5, 1.5, 3),
    ],
)
def test_shares_are_counted_in_whole_lots(lot, shares, lots):
    assert account_of(lot=lot).in_lots(shares) == lots


def test_a_lot_is_one_share_where_nothing_else_is_said():
    account = account_of()
    assert account.in_lots(3.0) == 3
    assert account.shown(3) == "3"
    assert account_of(lot=0.5).shown(3) == "1.5"


@pytest.mark.parametrize(
    ("held", "lots", "shares"),
    [
        (20.0, 1, 10),
        (20.0, -1, -10),
        (23.0, -2, -23.0),  # out of it: exactly what is held
        (23.0, -3, -33.0),  # through it: that, and a lot short
        (-23.0, 3, 33.0),
        (12.0, 0, 0),
        (0.0, -2, -20),
    ],
)
def test_an_order_that_ends_a_position_is_for_exactly_what_is_held(held, lots, shares):
    feed = Feed("A", 10.0)
    assert account_of(feed, held=held, lot=10).shares(feed, lots) == shares


def test_an_account_without_a_value_is_worth_its_cash_and_never_less_than_nothing():
    assert account_of(cash=0.5).equity() == (0.5, {})
    assert account_of(cash=-5.0).equity() == (0.0, {})
    assert account_of(value=-5.0).equity() == (0.0, {})
    assert account_of(value=0.5).equity() == (0.5, {})


def test_what_is_due_to_leave_is_no_cash_and_what_is_due_to_come_is_none_yet():
    account = account_of(cash=10.0)
    for due, cash in ((-2.0, 8.0), (0.5, 10.0)):
        account.due = due
        assert account.cash == cash
        # All of it belongs to the account, also where the broker knows no value.
        assert account.equity() == (10.0 + due, {})


@pytest.mark.parametrize(("days", "gap"), [(24, 0.05), (25, 0.0)])
def test_a_week_with_two_bars_missing_has_a_night_and_a_longer_one_is_a_halt(days, gap):
    # Of four nights one is 10%: half of that is the root mean square.
    weekly = dict.fromkeys([7, 14, 21, 28], 10.0) | {28 + days: 11.0}
    account = Dated(weekly).observe(*weekly)
    assert account.overnight() == pytest.approx(gap)


def test_a_weekly_feed_has_ended_after_24_days():
    weekly = Dated(dict.fromkeys([7, 14, 21, 28], 10.0))
    account = weekly.observe(*weekly.bars)
    for days in (24, 25):
        weekly.today[0] = 28.0 + days
        assert account.ended(weekly, None) == (days == 25)


def test_bars_that_came_together_are_a_day_apart():
    daily = dict.fromkeys(range(1, 13), 10.0) | {13: 11.0}
    account = Dated(daily).observe(1, 13)
    assert account.overnight() == pytest.approx(0.1)


def test_a_close_that_comes_late_has_its_night_too():
    feed = Dated({1: 10.0, 2: math.nan})
    feed.observe(1, 2)
    feed.bars[2] = 11.0
    assert feed.observe(2, 2).overnight() == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("close", "slot", "lot"),
    [
        (100.0, 10.0, "0.001"),  # of which it holds a hundred, and not one more
        (1e6, 5.0, "0.00000001"),  # the smallest lot that there is
    ],
)
def test_a_lot_that_would_do_holds_a_hundredth_of_the_slot(close, slot, lot):
    assert account_of().dearness(close, slot).endswith(f"; lot={lot} would do")


def test_a_lot_smaller_than_the_smallest_is_not_recommended():
    assert "would do" not in account_of().dearness(1e6, 0.5)
