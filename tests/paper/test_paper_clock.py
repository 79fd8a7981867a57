"""Clocks that are waited for: while the machine sleeps, and when they are set."""

from __future__ import annotations

import datetime as dt
import threading

import pytest

from bt_lstm_rotation.errors import ClockError, RotationError, SpecError
from bt_lstm_rotation.paper.clock import FixedClock, SystemClock, check_not_back
from bt_lstm_rotation.paper.market import GivenSessions, market_named

MINUTE, HOUR, DAY = (dt.timedelta(**{name: 1}) for name in ("minutes", "hours", "days"))


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


class Machine(threading.Event):
    """A wall clock that runs while one waits, and what else happens in the meantime.

    Parameters
    ----------
    happens : list of (piece, moment)
        At which piece of waiting, counted from 1, the wall clock is set to what.
    stopped_at : int, optional
        At which piece the event is set.
    """

    def __init__(self, now, happens=(), stopped_at=None):
        super().__init__()
        self.time, self.happens, self.stopped_at = now, dict(happens), stopped_at
        self.pieces = []

    def read(self):
        return self.time

    def wait(self, timeout=None):
        self.pieces.append(timeout)
        assert len(self.pieces) < 10_000
        self.time += dt.timedelta(seconds=timeout)
        self.time = self.happens.get(len(self.pieces), self.time)
        if len(self.pieces) == self.stopped_at:
            self.set()
        return self.is_set()


def test_it_waits_in_pieces_of_a_minute_to_the_very_moment():
    machine = Machine(at("2024-07-05 12:00"))
    assert SystemClock(machine.read).wait(at("2024-07-05 12:02:30"), machine)
    assert machine.pieces == [60, 60, 30]
    assert machine.time == at("2024-07-05 12:02:30")


def test_what_has_passed_is_not_waited_for():
    machine = Machine(at("2024-07-05 12:00"))
    for until in ("2024-07-05 12:00", "2024-07-01 00:00"):
        assert SystemClock(machine.read).wait(at(until), machine)
    assert machine.pieces == []


@pytest.mark.parametrize("monday", ["2024-07-08 09:00", "2024-07-08 23:00"])
def test_a_machine_that_slept_over_the_weekend_wakes_at_once(monday):
    machine = Machine(at("2024-07-05 12:00"), [(3, at(monday))])
    assert SystemClock(machine.read).wait(at("2024-07-05 20:30"), machine)
    assert len(machine.pieces) == 3
    assert machine.time == at(monday)


def test_a_clock_set_forward_ends_the_wait_and_one_moved_a_little_does_not():
    machine = Machine(at("2024-07-05 12:00"), [(2, at("2024-07-06 12:00"))])
    assert SystemClock(machine.read).wait(at("2024-07-05 20:30"), machine)
    assert len(machine.pieces) == 2
    machine = Machine(at("2024-07-05 12:00"), [(1, at("2024-07-05 11:59:30"))])
    assert SystemClock(machine.read).wait(at("2024-07-05 12:02"), machine)
    assert machine.time == at("2024-07-05 12:02")


def test_a_clock_set_back_by_a_day_ends_the_wait_for_a_time_that_was_wrong():
    machine = Machine(at("2024-07-05 12:00"), [(2, at("2024-07-04 12:00"))])
    assert SystemClock(machine.read).wait(at("2024-07-05 20:30"), machine)
    assert machine.time == at("2024-07-04 12:00")


@pytest.mark.parametrize("piece", [1, 3])
def test_a_stop_ends_the_wait(piece):
    machine = Machine(at("2024-07-05 12:00"), stopped_at=piece)
    assert not SystemClock(machine.read).wait(at("2024-07-05 20:30"), machine)
    assert len(machine.pieces) == piece
    assert not SystemClock(machine.read).wait(at("2024-07-01 00:00"), machine)


def test_a_naive_time_is_not_waited_for():
    with pytest.raises(SpecError, match="until must be a datetime with a time zone"):
        SystemClock().wait(dt.datetime(2024, 7, 5), threading.Event())


def test_the_machines_own_clock_is_in_utc():
    assert SystemClock().now().utcoffset() == dt.timedelta(0)
    assert abs(SystemClock().now() - dt.datetime.now(dt.UTC)) < MINUTE


@pytest.fixture(scope="module")
def markets():
    # Sydney and Wellington close before the date begins in London, Chicago's futures
    # when it is over in most of the world.
    names = ["XNYS", "XTKS", "XASX", "XNZE", "XLON", "CMES", "24/7", "weekdays"]
    days = [dt.date(2024, 1, 1) + number * DAY for number in range(0, 400, 3)]
    return [*map(market_named, names), market_named("bars", dates=days)]


def test_at_the_end_of_a_day_its_session_is_finished_and_no_later_one(markets):
    for market in markets:
        before = market.sessions(dt.date(2024, 1, 1), dt.date(2024, 11, 20))[-1]
        for number in range(45):  # both a Thanksgiving and a Christmas
            day = dt.date(2024, 11, 21) + number * DAY
            before = (before, *market.sessions(day, day))[-1]
            now = FixedClock(day, market).now()
            assert market.finished(now) == before, (market.name, day)
            if now.date() != day:  # what ends with the day is not finished within it
                assert now == market.close(before) + market.settle


@pytest.mark.parametrize("settle", [dt.timedelta(0), 12 * HOUR, 7 * DAY])
def test_the_end_of_a_day_waits_for_its_bars_to_settle(settle):
    for name in ("XNYS", "XNZE", "24/7", "weekdays"):
        market = market_named(name, settle=settle)
        for day in market.sessions(dt.date(2024, 12, 16), dt.date(2025, 1, 3)):
            assert market.finished(FixedClock(day, market).now()) == day


def test_the_end_of_a_day_in_new_york_is_that_date_in_utc(markets):
    for text in ("2024-07-02", "2024-07-03", "2024-07-04", "2024-01-31"):
        now = FixedClock(dt.date.fromisoformat(text), markets[0]).now()
        assert f"{now:%Y-%m-%d %H:%M:%S}" == f"{text} 23:59:59"


def test_the_end_of_a_day_is_known_before_its_bars_are():
    day = dt.date(2024, 7, 3)
    now = FixedClock(day, GivenSessions()).now()
    assert GivenSessions([day, day + DAY]).finished(now) == day


def test_a_clock_that_stands_still_is_not_waited_for(markets):
    clock = FixedClock(dt.date(2024, 7, 3), markets[0])
    assert not clock.wait(at("2024-07-05 20:30"), threading.Event())
    with pytest.raises(SpecError, match=r"day must be a datetime\.date"):
        FixedClock("2024-07-03", markets[0])


def test_a_clock_set_back_by_a_day_is_an_error_that_says_both_times():
    now, written = at("2024-07-04 12:00"), at("2024-07-05 20:31")
    with pytest.raises(ClockError) as caught:
        check_not_back(now, written)
    assert str(caught.value) == (
        "the clock says 2024-07-04 12:00 UTC, but the last record was written at "
        "2024-07-05 20:31 UTC; set the clock right, or give a later date"
    )
    assert (caught.value.now, caught.value.written) == (now, written)
    assert isinstance(caught.value, RotationError)


def test_a_few_minutes_back_are_no_error():
    written = at("2024-07-05 20:30")
    check_not_back(written - 5 * MINUTE, written)
    check_not_back(written + DAY, written)
    check_not_back(written, None)
    with pytest.raises(ClockError):
        check_not_back(written - 5 * MINUTE - dt.timedelta(seconds=1), written)
    with pytest.raises(ClockError):
        check_not_back(written - MINUTE, written, tolerance=dt.timedelta(0))


def test_times_without_a_zone_are_not_compared():
    naive = dt.datetime(2024, 7, 5)
    for times in ((naive, at("2024-07-05 12:00")), (at("2024-07-05 12:00"), naive)):
        with pytest.raises(SpecError, match="a datetime with a time zone"):
            check_not_back(*times)
