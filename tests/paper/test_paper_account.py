"""A paper account is the backtest of its own bars, however it came by them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from vendor import DAYS, SETTINGS, SMALL_LSTM, Vendor, account, backtest, contents

from bt_lstm_rotation.errors import (
    ClockError,
    HistoryError,
    JournalError,
    SpecError,
    StrategyError,
)
from bt_lstm_rotation.paper import Configuration, rerun

FIRST, LAST = 300, 330

TRENDS = '''
import backtrader as bt
from levels import PERIOD


class Trends(bt.Strategy):
    """Limit orders, cancelled ones, and an indicator with a long memory."""

    params = (("share", 0.3),)

    def __init__(self):
        self.average = {d: bt.ind.EMA(d, period=PERIOD) for d in self.datas[1:]}
        self.waiting = {}

    def next(self):
        for data, average in self.average.items():
            if data in self.waiting and self.waiting[data].alive():
                self.cancel(self.waiting.pop(data))
            if data.close[0] > average[0]:
                if not self.getposition(data):
                    size = int(self.p.share * self.broker.getvalue() / data.close[0])
                    price = data.close[0] * 0.995
                    self.waiting[data] = self.buy(
                        data=data, size=size, exectype=bt.Order.Limit, price=price
                    )
            elif self.getposition(data):
                self.close(data=data)
'''


@pytest.fixture
def trends(tmp_path):
    """Write a user's strategy with a module beside it; return its name."""
    (tmp_path / "trends.py").write_text(TRENDS)
    (tmp_path / "levels.py").write_text("PERIOD = 20\n")
    return f"{tmp_path / 'trends.py'}:Trends"


def settings(which, trends):
    """Return the settings of one of three strategies."""
    return (
        SETTINGS
        | {
            "momentum": {},
            "lstm": SMALL_LSTM,
            "own": {"strategy": trends, "settings": ("share=0.25",)},
        }[which]
    )


def lived(root, wanted, days, vendor=None):
    """Start an account, do its steps on some days, and return it."""
    vendor = vendor or Vendor()
    account(root, days[0], vendor).start(Configuration(**wanted))
    for day in days:
        now = account(root, day, vendor)
        now.step()
    return now


@pytest.mark.parametrize("which", ["momentum", "lstm", "own"])
def test_an_account_that_lived_day_by_day_is_the_backtest(tmp_path, trends, which):
    wanted = settings(which, trends)
    mine = lived(tmp_path / "accounts", wanted, range(FIRST, LAST))
    live = mine.replayed().result
    expected = backtest(Configuration(**wanted), FIRST, LAST - 1)
    for name in ("account", "weights", "positions", "orders", "forecasts", "events"):
        found, wanted_frame = getattr(live, name), getattr(expected, name)
        pd.testing.assert_frame_equal(found, wanted_frame, check_exact=True)
    assert len(live.account) == LAST - FIRST
    assert (live.orders["status"] == "Completed").sum() > 3
    assert live.summary["metrics"] == expected.summary["metrics"]


@pytest.mark.parametrize("which", ["momentum", "own"])
def test_late_steps_and_repeated_steps_leave_the_same_journal(tmp_path, trends, which):
    wanted = settings(which, trends)
    daily = lived(tmp_path / "daily", wanted, range(FIRST, LAST))
    late = lived(
        tmp_path / "late",
        wanted,
        [FIRST, FIRST, FIRST + 5, FIRST + 20, FIRST + 20, FIRST + 21, LAST - 1],
    )
    assert contents(daily.record()) == contents(late.record())
    before = daily.record().transactions[-1].hash
    for _ in range(3):
        assert account(tmp_path / "daily", LAST - 1).step().sessions == ()
    assert daily.record().transactions[-1].hash == before


def test_a_year_has_twelve_rebalances_and_no_row_twice(tmp_path):
    days = [*range(150, 412, 9)]
    mine = lived(tmp_path, SETTINGS, days)
    record = mine.record()
    sessions = [day for _, day in record.sessions]
    assert sessions == DAYS[150 : days[-1] + 1]
    decided = [day for day, rows in record.daily("targets").items() if rows]
    months = {
        (day + dt.timedelta(days=1 if day.weekday() < 4 else 3)).strftime("%Y-%m")
        for day in decided
    }
    assert len(decided) == len(months) == 13  # the first day's, and twelve months'
    for table in ("forecasts", "positions", "account", "bars"):
        rows = [row[:3] for row in record.tables[table]]
        assert len(rows) == len(set(map(repr, rows)))


def test_what_is_recorded_is_what_was_known_that_day(tmp_path):
    mine = lived(tmp_path, SETTINGS, [FIRST, FIRST + 1])
    first = contents(mine.record())[1]
    account(tmp_path, LAST).step()
    for table, rows in contents(mine.record())[1].items():
        assert rows[: len(first[table])] == first[table]


def test_tickets_are_the_orders_that_the_next_session_fills(tmp_path):
    told = []
    vendor = Vendor()
    account(tmp_path, FIRST, vendor).start(Configuration(**SETTINGS))
    outcome = account(tmp_path, FIRST, vendor, orders=told.append).step()
    assert told == [outcome.tickets]
    assert outcome.tickets
    assert {t.side for t in outcome.tickets} == {"buy"}
    assert outcome.tickets == account(tmp_path, FIRST, vendor).tickets()
    again = account(tmp_path, FIRST, vendor, orders=told.append).step()
    assert (again.sessions, again.tickets) == ((), outcome.tickets)
    assert len(told) == 1
    record = account(tmp_path, FIRST + 1, vendor)
    record.step()
    filled = record.record().daily("outcomes")[DAYS[FIRST + 1]]
    refs = {f"mine-{ref}": size for ref, _, size, *_ in filled}
    assert refs == {t.id: t.shares for t in outcome.tickets}
    assert record.tickets() == ()


def test_an_account_begins_where_its_strategy_can_decide(tmp_path):
    with pytest.raises(HistoryError, match="sessions are needed"):
        account(tmp_path, 40).start(Configuration(**SETTINGS))
    assert not list(tmp_path.glob("*/journal.sqlite"))


def test_an_account_is_started_once_and_stopped_for_good(tmp_path):
    mine = lived(tmp_path, SETTINGS, [FIRST])
    with pytest.raises(JournalError, match="already"):
        account(tmp_path, FIRST).start(Configuration(**SETTINGS))
    assert mine.stop() == DAYS[FIRST]
    with pytest.raises(JournalError, match="was stopped"):
        account(tmp_path, FIRST + 1).step()
    assert mine.status().stopped
    assert mine.replayed().result.account.index[-1].date() == DAYS[FIRST]


def test_a_clock_that_was_set_back_is_refused(tmp_path):
    lived(tmp_path, SETTINGS, [FIRST + 5])
    with pytest.raises(ClockError):
        account(tmp_path, FIRST).step()


def test_the_journal_has_the_text_that_ran(tmp_path, trends):
    wanted = settings("own", trends)
    mine = lived(tmp_path / "accounts", wanted, [FIRST, FIRST + 1])
    (tmp_path / "levels.py").write_text("PERIOD = 10\n")
    with pytest.raises(StrategyError, match=r"trends\.py.*has changed.*paper version"):
        account(tmp_path / "accounts", FIRST + 2).step()
    (tmp_path / "levels.py").unlink()
    (tmp_path / "trends.py").unlink()
    # Without the file, the journal's text goes on.
    account(tmp_path / "accounts", FIRST + 2).step()
    assert mine.record().last == DAYS[FIRST + 2]


def test_a_new_version_decides_from_the_next_session_on(tmp_path, trends):
    root = tmp_path / "accounts"
    mine = lived(root, settings("own", trends), range(FIRST, FIRST + 12))
    before = contents(mine.record())[1]
    (tmp_path / "levels.py").write_text("PERIOD = 5\n")
    assert mine.declare_version() == DAYS[FIRST + 11]
    for day in range(FIRST + 12, FIRST + 24):
        mine = account(root, day)
        mine.step()
    mine.declare_version(Configuration(**SETTINGS | {"symbols": SETTINGS["symbols"]}))
    for day in range(FIRST + 24, FIRST + 36):
        mine = account(root, day)
        mine.step()
    record = mine.record()
    for table in ("orders", "outcomes", "positions", "account"):
        assert contents(record)[1][table][: len(before[table])] == before[table]
    assert len(record.versions) == 3
    result = mine.replayed().result
    assert len(result.account) == 36
    decided = [day for day, rows in record.daily("targets").items() if rows]
    assert decided
    assert min(decided) >= DAYS[FIRST + 24]
    equity = result.account["equity"].to_numpy()
    assert np.isfinite(equity).all()


def test_a_version_cannot_make_another_account_of_it(tmp_path):
    mine = lived(tmp_path, SETTINGS, [FIRST])
    richer = Configuration(**SETTINGS | {"cash": 5e6})
    with pytest.raises(SpecError, match="strategy, settings"):
        mine.declare_version(richer)


def test_a_strategy_that_reads_more_than_bars_is_found_out(tmp_path):
    (tmp_path / "moody.py").write_text(
        "import pathlib\n"
        "import backtrader as bt\n\n\n"
        "class Moody(bt.Strategy):\n"
        "    def next(self):\n"
        f"        mood = pathlib.Path({str(tmp_path / 'mood')!r}).read_text()\n"
        "        if mood == 'good' and not self.position:\n"
        "            self.buy(data=self.data1, size=3)\n"
    )
    (tmp_path / "mood").write_text("good")
    wanted = SETTINGS | {"strategy": str(tmp_path / "moody.py"), "settings": ()}
    mine = lived(tmp_path / "accounts", wanted, [FIRST, FIRST + 1])
    head = mine.record().transactions[-1]
    (tmp_path / "mood").write_text("bad")
    with pytest.raises(
        JournalError, match=r"does not give what is recorded of 20.*ord"
    ):
        account(tmp_path / "accounts", FIRST + 2).step()
    assert mine.record().transactions[-1] == head


def test_another_version_of_the_package_that_decides_otherwise_is_named(
    tmp_path, monkeypatch
):
    mine = lived(tmp_path, SETTINGS, [FIRST, FIRST + 1])
    monkeypatch.setattr(rerun, "__version__", "9.9")
    # One that gives the same goes on.
    account(tmp_path, FIRST + 2).step()
    kept = Configuration.broker
    monkeypatch.setattr(
        Configuration, "broker", lambda self: replace(kept(self), commission=0.001)
    )
    with pytest.raises(JournalError) as refused:
        account(tmp_path, FIRST + 3).step()
    version = mine.record().transactions[0].version
    assert f"recorded by version {version} of this package" in str(refused.value)
    assert "this is 9.9: install that one" in str(refused.value)
    assert mine.record().last == DAYS[FIRST + 2]


def test_a_failing_strategy_writes_nothing(tmp_path):
    (tmp_path / "late.py").write_text(
        "import backtrader as bt\n\n\n"
        "class Late(bt.Strategy):\n"
        "    def next(self):\n"
        f"        assert self.data.datetime.date(0).isoformat() <= '{DAYS[FIRST]}'\n"
    )
    wanted = SETTINGS | {"strategy": str(tmp_path / "late.py"), "settings": ()}
    mine = lived(tmp_path / "accounts", wanted, [FIRST])
    with pytest.raises(StrategyError, match=r"late\.py:6: AssertionError"):
        account(tmp_path / "accounts", FIRST + 1).step()
    assert mine.record().last == DAYS[FIRST]
