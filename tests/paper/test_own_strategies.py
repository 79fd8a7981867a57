"""Users' own strategies: each lives as its backtest does, and goes on after a split."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from own_strategies import BRACKETS, FAILING, OWN
from vendor import DAYS, SETTINGS, Vendor, account, backtest, contents

from bt_lstm_rotation.errors import JournalError, StrategyError
from bt_lstm_rotation.paper import Configuration, session
from bt_lstm_rotation.paper.tickets import write_tickets

FIRST, DAYS_ALIVE = 100, 10
LAST = FIRST + DAYS_ALIVE - 1


@pytest.fixture(autouse=True)
def _no_page_is_drawn(monkeypatch):
    # It takes as long as all the rest of a step.
    monkeypatch.setattr(session, "write_page", lambda *parts: None)


@pytest.fixture
def wanted(tmp_path):
    """Return a function that writes a strategy, and gives its account's settings."""

    def write(text, more):
        file = tmp_path / "mine.py"
        file.write_text(text)
        own = {"strategy": str(file), "settings": ()}
        return Configuration(**SETTINGS | own | more)

    return write


def lived(root, wanted, vendor):
    account(root, FIRST, vendor).start(wanted)
    for day in range(FIRST, LAST + 1):
        account(root, day, vendor).step()
    return account(root, LAST, vendor)


@pytest.mark.parametrize("name", OWN)
def test_a_strategy_lives_as_its_backtest_and_goes_on(tmp_path, wanted, name, capsys):
    configuration = wanted(*OWN[name])
    vendor = Vendor()
    mine = lived(tmp_path, configuration, vendor)
    live, expected = mine.replayed().result, backtest(configuration, FIRST, LAST)
    for frame in ("account", "weights", "positions", "orders", "events"):
        pd.testing.assert_frame_equal(
            getattr(live, frame), getattr(expected, frame), check_exact=True
        )
    assert (live.orders["status"] == "Completed").any()

    # Two of three splits and a dividend, of what is held.
    before = contents(mine.record())[1]
    held = [row[0] for row in mine.record().rows[DAYS[LAST]]["positions"]]
    split, paid = (held * 2 or ["S1", "S1"])[0], (held * 2 or ["S2", "S2"])[-1]
    vendor.restate(split, DAYS[-1], 2 / 3, 1.5)
    if paid != split:
        vendor.restate(paid, DAYS[LAST + 1], 0.99)
    for day in range(LAST + 1, LAST + 6):
        account(tmp_path, day, vendor).step()
    record = account(tmp_path, LAST + 5, vendor).record()
    for table, rows in contents(record)[1].items():
        assert rows[: len(before[table])] == before[table]
    equity = [rows[0][1] for rows in record.daily("account").values()]
    plain = backtest(configuration, FIRST, LAST + 1).account["equity"]
    # All but what differs in whole shares, and in a day of orders at other prices.
    assert equity[DAYS_ALIVE] == pytest.approx(plain.iloc[-1], rel=6e-3)
    assert np.isfinite(equity).all()

    # Another strategy goes on from there, or is told why it cannot.
    mine = account(tmp_path, LAST + 5, vendor)
    before = contents(mine.record())
    if name == "trailing":
        with pytest.raises(JournalError, match=r"order \d+ of 2000.*is a StopTrail"):
            mine.declare_version(Configuration(**SETTINGS))
        assert contents(mine.record()) == before
        account(tmp_path, LAST + 6, vendor).step()
        return
    if name == "fractions":
        # Of what was split, parts of a share were kept.
        with pytest.raises(JournalError, match="keeps that version"):
            mine.declare_version(Configuration(**SETTINGS))
        assert contents(mine.record()) == before
        other = (*SETTINGS["settings"], "lot=0.001")
        mine.declare_version(Configuration(**SETTINGS | {"settings": other}))
    else:
        mine.declare_version(Configuration(**SETTINGS))
    assert mine.replayed().result.account.index[-1].date() == DAYS[LAST + 5]
    for day in range(LAST + 6, LAST + 8):
        account(tmp_path, day, vendor).step()
    record = account(tmp_path, LAST + 7, vendor).record()
    assert record.last == DAYS[LAST + 7]
    for table, rows in before[1].items():
        assert contents(record)[1][table][: len(rows)] == rows
    assert "[31m" not in "".join(str(line) for line in record.transactions)
    capsys.readouterr()


def test_tickets_say_all_that_an_order_is(tmp_path, wanted):
    vendor = Vendor()
    wide = BRACKETS.replace("0.99", "0.9").replace("1.01", "1.1")
    mine = lived(tmp_path, wanted(wide, {}), vendor)
    waiting = mine.tickets()
    inactive = [ticket for ticket in waiting if ticket.parent]
    assert inactive
    parents = {ticket.parent for ticket in inactive}
    assert parents <= {ticket.id for ticket in waiting}
    active = [t for t in waiting if not t.parent and t.id not in parents]
    assert {t.type for t in active} == {"Stop", "Limit"}  # their parent is filled
    for name in {ticket.symbol for ticket in active}:
        vendor.restate(name, DAYS[-1], 2 / 3, 1.5)
    account(tmp_path, LAST + 1, vendor).step()
    now = {ticket.id: ticket for ticket in account(tmp_path, LAST + 1).tickets()}
    changed = [ticket for ticket in active if ticket.id in now]
    assert changed
    for ticket in changed:
        assert now[ticket.id].shares == ticket.shares * 1.5
        assert now[ticket.id].price == pytest.approx(ticket.price / 1.5)


def test_tickets_say_until_when_and_what_ends_an_order(tmp_path, wanted):
    vendor = Vendor()
    configuration = wanted(*OWN["stops"])
    account(tmp_path, FIRST, vendor).start(configuration)
    day = next(d for d in range(FIRST, LAST) if (d + 1) % 3 == 0)
    account(tmp_path, day, vendor).step()
    stop, limit, stop_limit, close = account(tmp_path, day, vendor).tickets()
    assert (stop.type, limit.type, stop_limit.type) == ("Stop", "Limit", "StopLimit")
    assert stop.oco == limit.oco == stop.id
    assert (stop.valid.date() - DAYS[day]).days == 4
    assert limit.valid is None
    assert (stop_limit.valid.date() - DAYS[day]).days == 2
    assert stop_limit.price < stop_limit.limit
    assert (close.type, close.price, close.oco) == ("Close", None, None)
    sheet, listed = write_tickets([stop, close], tmp_path / "tickets")
    assert json.loads(listed.read_text())[0]["valid"] == stop.valid.isoformat()
    assert f",{stop.id}," in sheet.read_text()


@pytest.mark.parametrize("name", FAILING)
def test_a_strategy_that_fails_is_no_account(tmp_path, wanted, name):
    with pytest.raises(StrategyError, match=r"mine\.py:"):
        lived(tmp_path, wanted(FAILING[name], {}), Vendor())
    assert not (tmp_path / "mine" / "report.html").exists()
