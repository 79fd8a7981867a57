"""A market that is watched: one step a session, none before its close, and patience."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass

import numpy as np
import pytest
from new_york import SESSIONS, close_of

from bt_lstm_rotation.errors import (
    ClockError,
    DataError,
    OutputError,
    SourceError,
    SpecError,
)
from bt_lstm_rotation.paper.clock import FixedClock, SystemClock
from bt_lstm_rotation.paper.market import EveryDay, ExchangeMarket, market_named
from bt_lstm_rotation.paper.watching import Backoff, watch

SECOND, MINUTE, HOUR, DAY = (
    dt.timedelta(**{name: 1}) for name in ("seconds", "minutes", "hours", "days")
)
SETTLE = 30 * MINUTE


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@dataclass
class Done:
    text: str
    waiting: str = ""

    def __str__(self):
        return self.text


class FakeClock:
    """A clock that is as late as it is waited for, until it is told to stop."""

    def __init__(self, now, last):
        self.time, self.last, self.waits = now, last, []

    def now(self):
        return self.time

    def wait(self, until, stop):
        assert len(self.waits) < 10_000
        self.waits.append(until)
        if until > self.last:
            stop.set()
            return False
        self.time = max(self.time, until)
        return True


class Account:
    """Records finished sessions, after those it was opened with."""

    def __init__(self, market, clock, *, lasting=dt.timedelta(0)):
        self.market, self.clock, self.lasting = market, clock, lasting
        self.recorded = market.finished(clock.now())
        self.steps = []  # (when, sessions)

    def step(self):
        now = self.clock.now()
        last = self.market.finished(now)
        due = self.market.sessions(self.market.following(self.recorded), last)
        self.recorded = last
        self.steps.append((now, due))
        if self.lasting:
            self.clock.time += self.lasting
        return Done(f"recorded {', '.join(map(str, due)) or 'nothing'}")


@pytest.fixture(scope="module")
def new_york():
    return ExchangeMarket("XNYS")


def backoff(**settings):
    return Backoff(np.random.default_rng(7), **settings)


def watched(step, market, clock, *, retry=None, stop=None):
    lines = []
    watch(
        step,
        market,
        clock,
        stop=stop or threading.Event(),
        retry=retry or backoff(jitter=0.0),
        tell=lines.append,
    )
    return lines


@pytest.mark.parametrize("lasting", [0, 10, 300], ids=lambda m: f"steps of {m} minutes")
def test_a_year_has_one_step_a_session_and_none_before_its_close(new_york, lasting):
    clock = FakeClock(at("2024-01-01 12:00"), last=at("2025-01-01 12:00"))
    account = Account(new_york, clock, lasting=lasting * MINUTE)
    lines = watched(account.step, new_york, clock)
    (started, nothing), *steps = account.steps
    assert (started, nothing) == (at("2024-01-01 12:00"), ())
    assert len(lines) == 253
    assert steps == [(close_of(day) + SETTLE, (day,)) for day in SESSIONS]


def test_a_line_says_what_was_done_and_until_when_nothing_is(new_york):
    clock = FakeClock(at("2024-07-03 12:00"), last=at("2024-07-05 21:00"))
    lines = watched(Account(new_york, clock).step, new_york, clock)
    assert [line.split("; sleeping until ") for line in lines] == [
        ["recorded nothing", "2024-07-03 13:30 EDT (2024-07-03 17:30 UTC)"],
        ["recorded 2024-07-03", "2024-07-05 16:30 EDT (2024-07-05 20:30 UTC)"],
        ["recorded 2024-07-05", "2024-07-08 16:30 EDT (2024-07-08 20:30 UTC)"],
    ]
    clock = FakeClock(at("2024-07-03 12:00"), last=at("2024-07-03 12:00"))
    lines = watched(Account(EveryDay(), clock).step, EveryDay(), clock)
    assert lines == ["recorded nothing; sleeping until 2024-07-04 00:30 UTC"]


def test_coins_have_a_step_a_day():
    market = market_named("24/7")
    clock = FakeClock(at("2024-02-01 00:29"), last=at("2024-03-31 12:00"))
    account = Account(market, clock)
    watched(account.step, market, clock)
    days = [dt.date(2024, 1, 31) + number * DAY for number in range(60)]
    assert account.steps[1:] == [(market.close(day) + SETTLE, (day,)) for day in days]


def test_a_close_that_passes_during_a_step_is_not_slept_through(new_york):
    clock = FakeClock(at("2024-07-02 20:00"), last=at("2024-07-02 23:00"))
    account = Account(new_york, clock, lasting=HOUR)
    watched(account.step, new_york, clock)
    assert account.steps == [
        (at("2024-07-02 20:00"), ()),
        (at("2024-07-02 21:00"), (dt.date(2024, 7, 2),)),
    ]


class Asleep(threading.Event):
    """A machine that falls asleep on Friday at noon and wakes up on a Monday."""

    def __init__(self, now, wakes):
        super().__init__()
        self.time, self.wakes = now, [wakes]

    def wait(self, timeout=None):
        self.time += dt.timedelta(seconds=timeout)
        if self.wakes and self.time > at("2024-07-05 16:00"):  # noon in New York
            self.time = self.wakes.pop()
        if self.time > at("2024-07-09 00:00"):
            self.set()
        return self.is_set()


@pytest.mark.parametrize(
    ("wakes", "steps"),
    [
        ("2024-07-08 13:00", [["2024-07-05"], ["2024-07-08"]]),
        ("2024-07-09 00:00", [["2024-07-05", "2024-07-08"]]),
    ],
    ids=["Monday 09:00", "Monday 20:00"],
)
def test_a_weekend_asleep_is_caught_up_with(new_york, wakes, steps):
    machine = Asleep(at("2024-07-05 12:00"), at(wakes))
    clock = SystemClock(lambda: machine.time)
    account = Account(new_york, clock)
    watched(account.step, new_york, clock, stop=machine)
    done = [[str(day) for day in days] for _, days in account.steps[1:]]
    assert done == steps
    assert account.steps[1][0] == at(wakes)


def test_bars_that_are_late_are_asked_for_again_less_and_less_often(new_york):
    clock = FakeClock(at("2024-07-05 20:30"), last=at("2024-07-06 06:00"))
    tried = []

    def step():
        tried.append(clock.now())
        late = len(tried) < 9
        return Done("no bars of XLK yet", "XLK") if late else Done("recorded")

    lines = watched(step, new_york, clock)
    gaps = np.diff(tried)
    assert [gap / MINUTE for gap in gaps] == [5, 10, 20, 40, 60, 60, 60, 60]
    assert lines[0] == (
        "no bars of XLK yet; next try 2024-07-05 16:35 EDT (2024-07-05 20:35 UTC)"
    )
    assert lines[-1].startswith("recorded; sleeping until 2024-07-08")


@pytest.mark.parametrize(
    "error",
    [
        SourceError("Yahoo did\nnot answer"),
        DataError("a price of zero", symbol="XLK"),
        ClockError(at("2024-07-04 12:00"), at("2024-07-05 20:00")),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_that_may_pass_is_told_and_the_step_tried_again(new_york, error):
    clock = FakeClock(at("2024-07-05 20:30"), last=at("2024-07-06 06:00"))
    failing = [error, error, Done("recorded"), error]

    def step():
        answer = failing.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    # One good step, and the next failure is a first one again.
    clock.last = at("2024-07-08 20:34")
    lines = watched(step, new_york, clock)
    assert lines[0].startswith(" ".join(str(error).split()) + "; next try 2024-07-05")
    assert [wait - at("2024-07-05 20:30") for wait in clock.waits[:2]] == [
        5 * MINUTE,
        15 * MINUTE,
    ]
    assert clock.waits[-1] == at("2024-07-08 20:35")
    assert len(lines) == 4


@pytest.mark.parametrize(
    "error",
    [SpecError("account", "cash", -1, "above 0"), OutputError("full"), OSError("full")],
    ids=lambda error: type(error).__name__,
)
def test_an_error_that_will_not_pass_ends_the_watch(new_york, error):
    clock = FakeClock(at("2024-07-05 20:30"), last=at("2024-07-06 06:00"))
    before = signal.getsignal(signal.SIGTERM)

    def step():
        raise error

    with pytest.raises(type(error)):
        watched(step, new_york, clock)
    assert clock.waits == []
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_next_close_comes_before_a_next_try_that_is_later(new_york):
    clock = FakeClock(at("2024-07-05 20:20"), last=at("2024-07-05 20:40"))
    tried = []

    def step():
        tried.append(clock.now())
        return Done("no bars", "XLK")

    watched(step, new_york, clock, retry=backoff(jitter=0.0, first=HOUR))
    assert tried == [at("2024-07-05 20:20"), at("2024-07-05 20:30")]


def test_a_clock_set_back_during_a_step_makes_no_close_be_missed(new_york):
    clock = FakeClock(at("2024-07-09 12:00"), last=at("2024-07-08 12:00"))

    def step():
        clock.time = at("2024-07-08 12:00")
        return Done("recorded")

    watched(step, new_york, clock)
    assert clock.waits == [at("2024-07-08 20:30")]


def test_a_day_that_is_over_has_one_step(new_york):
    clock = FixedClock(dt.date(2024, 7, 3), new_york)
    assert len(watched(lambda: Done("recorded"), new_york, clock)) == 1


def test_waits_are_shortened_at_random_and_never_longer_than_the_limit():
    retry = backoff()
    waits = [retry.wait(failures) for failures in range(1, 2000)]
    full = [min(5 * MINUTE * 2 ** min(n, 20), HOUR) for n in range(1999)]
    assert all(
        0.9 * most <= wait <= most for wait, most in zip(waits, full, strict=True)
    )
    assert len(set(waits)) > 1900
    again = backoff()
    assert [again.wait(failures) for failures in range(1, 2000)] == waits


@pytest.mark.parametrize(
    "settings",
    [
        {"jitter": 1.0},
        {"jitter": "some"},
        {"first": dt.timedelta(0)},
        {"first": 300},
        {"first": 2 * HOUR},
        {"longest": None},
    ],
    ids=str,
)
def test_impossible_waits_are_refused(settings):
    with pytest.raises(SpecError, match="Backoff"):
        backoff(**settings)


def test_a_stop_before_the_first_step_makes_none(new_york):
    stop = threading.Event()
    stop.set()
    clock = FakeClock(at("2024-07-05 20:30"), last=at("2024-07-06 06:00"))
    assert watched(pytest.fail, new_york, clock, stop=stop) == []


def test_a_stop_during_a_step_lets_it_finish(new_york):
    stop = threading.Event()
    clock = FakeClock(at("2024-07-05 20:30"), last=at("2024-07-06 06:00"))

    def step():
        stop.set()
        return Done("recorded 2024-07-05")

    lines = watched(step, new_york, clock, stop=stop)
    assert lines == ["recorded 2024-07-05; stopped"]
    assert clock.waits == []


def test_another_thread_may_watch_and_leaves_signals_alone(new_york):
    before = signal.getsignal(signal.SIGTERM)
    clock = FakeClock(at("2024-07-05 20:30"), last=at("2024-07-06 06:00"))
    during, lines = [], []

    def step():
        during.append(signal.getsignal(signal.SIGTERM))
        return Done("recorded")

    thread = threading.Thread(
        target=lambda: lines.extend(watched(step, new_york, clock))
    )
    thread.start()
    thread.join()
    assert len(lines) == 1
    assert during == [before]
    watched(step, new_york, clock)
    assert during[1] is not before
    assert signal.getsignal(signal.SIGTERM) is before


# Prints what it does, and takes as long for a step as its argument says, in seconds.
PROGRAM = """
import sys, threading, time
import numpy as np
from bt_lstm_rotation.paper.clock import SystemClock
from bt_lstm_rotation.paper.days import EveryDay
from bt_lstm_rotation.paper.watching import Backoff, watch

class Done:
    waiting = ""
    def __str__(self):
        return "recorded"

def step():
    print("begun", flush=True)
    end = time.monotonic() + float(sys.argv[1])
    while time.monotonic() < end:
        time.sleep(0.01)
    return Done()

def tell(line):
    print(line, flush=True)

try:
    watch(
        step, EveryDay(), SystemClock(), stop=threading.Event(),
        retry=Backoff(np.random.default_rng(1)), tell=tell,
    )
except KeyboardInterrupt:
    sys.exit(130)
print("left")
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no signals")
@pytest.mark.parametrize(
    ("number", "lasting", "seen", "code", "rest"),
    [
        (signal.SIGTERM, 0, 2, 0, ["left"]),
        (signal.SIGTERM, 0.5, 1, 0, ["recorded; stopped", "left"]),
        (signal.SIGINT, 0, 2, 130, []),
        (signal.SIGINT, 60, 1, 130, []),
    ],
    ids=["TERM asleep", "TERM in a step", "INT asleep", "INT in a step"],
)
def test_a_signal_ends_a_process_that_watches(number, lasting, seen, code, rest):
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, str(lasting)],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        lines = [process.stdout.readline() for _ in range(seen)]
        assert lines[0] == "begun\n"
        process.send_signal(number)
        # Sooner than any wait or step of its own would be over.
        assert process.wait(timeout=20) == code
        assert process.stdout.read().splitlines() == rest
