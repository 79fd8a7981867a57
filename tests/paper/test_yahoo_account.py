"""A paper account on Yahoo's bars, from the command line down to the wire."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import requests
from new_york import SESSIONS
from wire import Event, Wire

from bt_lstm_rotation.cli import main
from bt_lstm_rotation.paper import Configuration, PaperSession, session

# yfinance 1.7 sorts in place, which pandas 3 says it will remove.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The inplace keyword in DataFrame.sort_index:DeprecationWarning"
)

NEW_YORK = ZoneInfo("America/New_York")
FIRST = 106
SETTINGS = {
    "data": "yahoo",
    "strategy": "momentum_12_1",
    "settings": ("lookback=63", "skip=5"),
}


NAMES = ("XLB", "XLE", "XLK", "XLV", "SPY")


@pytest.fixture(scope="module")
def begun(tmp_path_factory, _yfinance_keeps_its_files_apart):
    """Start an account, let its first orders be filled, and return its folder."""
    root, wire = tmp_path_factory.mktemp("begun"), Wire(NAMES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "YahooPrices", wire.prices)
        wire.publish(SESSIONS[FIRST])
        wanted = Configuration(**SETTINGS, symbols=NAMES[:-1])
        mine = PaperSession("mine", root=root, today=SESSIONS[FIRST]).start(wanted)
        mine.step()
        wire.publish(SESSIONS[FIRST + 1])
        PaperSession("mine", root=root, today=SESSIONS[FIRST + 1]).step()
    return root / "mine"


@pytest.fixture
def wire(monkeypatch, tmp_path, begun):
    """Put a Yahoo of our own under yfinance, and an account on it here."""
    shutil.copytree(begun, tmp_path / "mine")
    wire = Wire(NAMES)
    monkeypatch.setattr(session, "YahooPrices", wire.prices)
    return wire


@pytest.fixture
def step(tmp_path, wire, capsys):
    """Run the command on the evening of a session; return exit code and output."""

    def run(day, *words):
        today = ["--today", str(SESSIONS[day])]
        code = main(["paper", "step", "mine", "--root", str(tmp_path), *today, *words])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.fixture
def account(tmp_path):
    def found():
        return PaperSession("mine", root=tmp_path)

    return found


def journal(tmp_path):
    return hashlib.sha256((tmp_path / "mine" / "journal.sqlite").read_bytes())


def held(record):
    rows = record.rows[record.last]["positions"]
    return {name: size for name, size, *_ in rows}


def cash_and_equity(record):
    return [rows[0] for rows in record.daily("account").values()]


@pytest.mark.parametrize(
    "fault",
    [
        429,
        503,
        requests.Timeout("timed out"),
        requests.ConnectionError("no route to host"),
        "empty",
        "not yet",
    ],
    ids=str,
)
def test_a_yahoo_without_an_answer_is_waited_for(step, wire, tmp_path, fault):
    before = journal(tmp_path).digest()
    wire.publish(SESSIONS[FIRST + 2 if fault != "not yet" else FIRST + 1])
    if fault == "empty":
        wire.yahoo.bars = {n: bars.iloc[:0] for n, bars in wire.yahoo.bars.items()}
    elif fault != "not yet":
        wire.yahoo.failure = fault
    for _ in range(2):
        code, said = step(FIRST + 2)
        assert code == 4, said
        assert f"no bars of {SESSIONS[FIRST + 2]} yet" in said
        assert journal(tmp_path).digest() == before
    # Patiently for the first symbol of each step, once for the second, and no more.
    assert len(wire.waits) == (0 if isinstance(fault, str) else 2 * 4)
    assert max(wire.waits, default=0.0) <= 30.0
    wire.publish(SESSIONS[FIRST + 2])
    assert step(FIRST + 2)[0] == 0


def nan_rows(wire, name):
    bars = wire.yahoo.bars[name].copy()
    bars[bars.index > pd.Timestamp(SESSIONS[FIRST + 1])] = np.nan
    wire.yahoo.bars[name] = bars


def no_rows(wire, name):
    wire.yahoo.bars[name] = wire.yahoo.bars[name][: str(SESSIONS[FIRST + 1])]


def refused(wire, name):
    wire.yahoo.failure, wire.yahoo.failing = 503, {name}


def delisted(wire, name):
    del wire.yahoo.bars[name]


@pytest.mark.parametrize(
    ("fault", "cached"),
    [
        (nan_rows, True),
        (no_rows, True),
        (refused, True),
        (refused, False),
        (delisted, True),
        (delisted, False),
    ],
)
def test_four_of_five_are_waited_for_until_the_deadline(
    step, wire, tmp_path, account, fault, cached
):
    before = journal(tmp_path).digest()
    if not cached:
        for file in (tmp_path / "mine" / "yahoo").iterdir():
            file.unlink()
    for day in (FIRST + 2, FIRST + 3):
        wire.publish(SESSIONS[day])
        fault(wire, "XLK")
        code, said = step(day)
        assert code == 4, said
        assert f"4 of 5 symbols have bars of {SESSIONS[FIRST + 2]}: XLK" in said
        assert journal(tmp_path).digest() == before
    # A long weekend later, 48 hours have passed since both closes.
    later = SESSIONS.index(SESSIONS[FIRST + 3] + dt.timedelta(days=6))
    wire.publish(SESSIONS[later])
    fault(wire, "XLK")
    code, said = step(later)
    assert code == 0, said
    assert f"Note       {SESSIONS[FIRST + 2]} XLK: missing, has none" in said
    record = account().record()
    assert record.last > SESSIONS[FIRST + 3]
    traded = record.panel.traded[:, record.panel.symbols.index("XLK")]
    assert traded.sum() == len(record.panel) - traded[::-1].argmax()


def test_two_without_an_answer_and_nothing_cached_are_an_outage(step, wire, tmp_path):
    before = journal(tmp_path).digest()
    shutil.rmtree(tmp_path / "mine" / "yahoo")
    wire.publish(SESSIONS[FIRST + 9])
    wire.yahoo.failure = 429
    code, said = step(FIRST + 9)
    assert code == 4
    lacking = "no bars of XLB XLE XLK XLV SPY from 2024-01-02 on: Yahoo refuses"
    assert lacking in said
    assert journal(tmp_path).digest() == before
    # The first is asked for patiently, and so is each alone: two, and no more.
    assert len(wire.waits) == 3 * 4


def test_a_share_that_is_gone_is_settled(step, wire, account):
    name = next(iter(held(account().record())))
    last = FIRST + 1
    for day in range(FIRST + 2, FIRST + 14):
        wire.publish(SESSIONS[day], without=(name,))
        step(day)
    record = account().record()
    assert record.last == SESSIONS[FIRST + 13]
    assert name not in held(record)
    settled = [row for row in record.tables["events"] if row[1] == "delisted"]
    assert [row[2] for row in settled] == [name]
    bars = record.panel.frame(name)
    assert bars.index[-1].date() == SESSIONS[last]


def test_a_past_times_one_factor_is_booked_as_a_dividend(step, wire, account):
    before = account().record()
    name, *_ = held(before)
    wire.publish(SESSIONS[FIRST + 2])
    past = wire.yahoo.bars[name].index < pd.Timestamp(SESSIONS[FIRST + 2])
    wire.yahoo.bars[name].loc[past, "Adj Close"] *= 0.995
    code, said = step(FIRST + 2)
    assert code == 0
    assert f"Adjusted   {SESSIONS[FIRST + 2]} {name}: prices times 0.995" in said
    record = account().record()
    close = before.panel.frame(name)["Close"].iloc[-1]
    (cash, _), (now, equity) = cash_and_equity(record)[-2:]
    assert now - cash == pytest.approx(0.005 * close * held(before)[name])
    growth = {n: wire.growth[n][0][FIRST + 2] for n in held(record)}
    worth = sum(size * growth[n] for n, size in held(record).items())
    assert equity == pytest.approx(now + worth)


def test_a_split_that_yahoo_applies_late_is_waited_for(step, wire, account, tmp_path):
    before = account().record()
    name, *_ = held(before)
    split = Event(name, SESSIONS[FIRST + 2], ratio=2.0, applied=SESSIONS[FIRST + 3])
    wire.events = [split]
    sealed = journal(tmp_path).digest()
    wire.publish(SESSIONS[FIRST + 2])
    code, said = step(FIRST + 2)
    assert code == 4
    assert f"{name} is doubted" in said
    assert "as at a split of 2:1" in said
    assert journal(tmp_path).digest() == sealed
    wire.publish(SESSIONS[FIRST + 3])
    code, said = step(FIRST + 3)
    assert code == 0
    assert f"Adjusted   {SESSIONS[FIRST + 2]} {name}: prices times 0.5" in said
    record = account().record()
    assert held(record)[name] == 2 * held(before)[name]
    assert cash_and_equity(record)[-1][0] == cash_and_equity(before)[-1][0]


def test_splits_and_dividends_day_by_day(step, wire, account):
    first, second, third = held(account().record())
    wire.events = [
        Event(first, SESSIONS[FIRST + 3], ratio=2.0),
        Event(second, SESSIONS[FIRST + 4], cash=0.75),
        Event(third, SESSIONS[FIRST + 5], ratio=0.25, cash=0.10),
        Event("XLK", SESSIONS[FIRST + 4], ratio=3.0),
        Event("SPY", SESSIONS[FIRST + 5], cash=1.5),
        Event(first, SESSIONS[FIRST + 6], cash=0.4),
    ]
    start = held(account().record())
    recorded = {}
    for day in range(FIRST + 2, FIRST + 9):
        wire.publish(SESSIONS[day])
        code, said = step(day)
        assert code == 0, said
        record = account().record()
        assert record.last == SESSIONS[day]
        for table, rows in record.tables.items():
            kept = recorded.get(table, [])
            assert repr(list(rows[: len(kept)])) == repr(list(kept))
        recorded = {table: list(rows) for table, rows in record.tables.items()}
    record = account().record()
    assert len(record.tables["actions"]) == 6
    assert [row for row in record.tables["notes"] if row[1] != "source"] == []
    whole = int(start[third] * 0.25)
    assert held(record) == {
        first: start[first] * 2,
        second: start[second],
        third: whole,
    }
    # Cash is what was paid, and what a part of a share was worth.
    (before, _), (after, _) = (cash_and_equity(record)[at] for at in (1, -1))
    part = start[third] * 0.25 - whole
    last_close = wire.traded(third)["Close"].iloc[FIRST + 4] - 0.10
    paid = start[second] * 0.75 + start[third] * 0.10 + start[first] * 2 * 0.4
    assert part
    assert after - before == pytest.approx(paid + part * 4 * last_close, abs=1e-3)
    # The equity has moved as what is held has, and by no split or dividend.
    growth = {n: wire.growth[n][0] for n in NAMES}
    values = np.array([equity for _, equity in cash_and_equity(record)])[1:]
    expected = before + sum(
        start[n] * growth[n][FIRST + 1 : FIRST + 9] for n in (first, second, third)
    )
    np.testing.assert_allclose(values, expected, rtol=5e-4)


class Clock:
    """Says what time it is in New York."""

    def __init__(self, day, hour):
        self.time = dt.datetime.combine(SESSIONS[day], dt.time(hour), NEW_YORK)

    def now(self):
        return self.time.astimezone(dt.UTC)

    def wait(self, until, stop):
        return False


@pytest.mark.parametrize("calendar", [None, "XNYS", "bars"])
def test_a_bar_that_is_still_traded_is_never_kept(tmp_path, wire, calendar):
    wanted = Configuration(**SETTINGS, symbols=NAMES[:-1], calendar=calendar)

    def at(day, hour):
        clock = Clock(day, hour)
        return PaperSession("noon", root=tmp_path, clock=clock)

    def half_a_day(day):
        wire.publish(SESSIONS[day])
        for name in NAMES:
            bars = wire.yahoo.bars[name].copy()
            bars.iloc[-1] *= 0.97
            wire.yahoo.bars[name] = bars

    half_a_day(FIRST)
    started = at(FIRST, 11).start(wanted)
    assert started.record().last == SESSIONS[FIRST - 2]
    assert at(FIRST, 11).step().sessions == (SESSIONS[FIRST - 1],)
    half_a_day(FIRST)
    assert at(FIRST, 15).step().sessions == ()
    wire.publish(SESSIONS[FIRST])
    assert at(FIRST, 23).step().sessions == (SESSIONS[FIRST],)
    half_a_day(FIRST + 1)
    assert at(FIRST + 1, 10).step().sessions == ()
    for name in NAMES:
        kept = at(FIRST + 1, 10).record().panel.frame(name)["Close"]
        expected = wire.shown(name, SESSIONS[FIRST])["Close"]
        np.testing.assert_allclose(kept, expected)
