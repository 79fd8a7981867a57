"""What vendors do to bars: the account waits, follows, notes, and never rewrites."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from vendor import (
    DAYS,
    MARKET,
    SETTINGS,
    Vendor,
    account,
    contents,
    no_answer,
    unusable,
)

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.paper import Configuration

FIRST = 300


@pytest.fixture
def vendor():
    return Vendor()


def begun(root, vendor, days=3, **changes):
    """Start an account and let it live for some days."""
    wanted = Configuration(**SETTINGS | changes)
    account(root, FIRST, vendor).start(wanted)
    for day in range(FIRST, FIRST + days):
        account(root, day, vendor).step()
    return account(root, FIRST + days - 1, vendor)


def equity(record):
    return {day: rows[0][1] for day, rows in record.daily("account").items()}


def held(record):
    rows = record.rows[record.last]["positions"]
    return {name: size for name, size, *_ in rows}


@pytest.mark.parametrize("fault", [no_answer(), unusable()])
def test_a_vendor_without_an_answer_is_waited_for(tmp_path, vendor, fault):
    mine = begun(tmp_path, vendor)
    before = contents(mine.record())
    vendor.fault = fault
    for _ in range(2):
        outcome = account(tmp_path, FIRST + 4, vendor).step()
        assert outcome.sessions == ()
        assert str(fault) in outcome.waiting
        assert contents(mine.record()) == before
    vendor.fault = None
    outcome = account(tmp_path, FIRST + 4, vendor).step()
    assert outcome.sessions == (DAYS[FIRST + 3], DAYS[FIRST + 4])
    assert outcome.waiting == ""


def test_a_day_that_is_not_there_yet_is_waited_for(tmp_path, vendor):
    mine = begun(tmp_path, vendor)
    late = {(name, DAYS[FIRST + 3]) for name in MARKET.symbols}
    # The calendar of weekdays knows that there was a session.
    mine.declare_version()
    vendor.late = late
    outcome = account(tmp_path, FIRST + 3, vendor).step()
    assert outcome.sessions == ()


def test_one_symbol_of_four_is_waited_for_until_the_deadline(tmp_path, vendor):
    begun(tmp_path, vendor, deadline=48.0)
    vendor.late = {("S2", DAYS[FIRST + 3])}
    outcome = account(tmp_path, FIRST + 3, vendor).step()
    assert outcome.sessions == ()
    assert "S2 has none" in outcome.waiting
    assert "4 of 5" in outcome.waiting
    assert str(DAYS[FIRST + 3]) in outcome.waiting
    # Three days later, 48 hours have passed since that close.
    outcome = account(tmp_path, FIRST + 6, vendor).step()
    assert outcome.sessions == tuple(DAYS[FIRST + 3 : FIRST + 7])
    record = account(tmp_path, FIRST + 6, vendor).record()
    notes = [row[1:] for row in record.tables["notes"][1:]]
    assert notes == [("missing", "S2", "has none")]
    assert "S2" not in {
        row[2] for row in record.tables["bars"] if row[1] == str(DAYS[FIRST + 3])
    }
    # When it comes after all, it is noted, once, and not used.
    vendor.late = set()
    for day in (FIRST + 7, FIRST + 8):
        account(tmp_path, day, vendor).step()
    record = account(tmp_path, FIRST + 8, vendor).record()
    assert [row[1:3] for row in record.tables["notes"][1:]] == [
        ("missing", "S2"),
        ("late", "S2"),
    ]


def test_a_symbol_that_is_gone_is_settled_and_no_longer_waited_for(tmp_path, vendor):
    begun(tmp_path, vendor, deadline=24.0)
    gone = next(iter(held(account(tmp_path, FIRST, vendor).record())))
    vendor.late = {(gone, day) for day in DAYS[FIRST + 3 :]}
    account(tmp_path, FIRST + 14, vendor).step()
    record = account(tmp_path, FIRST + 14, vendor).record()
    assert gone not in held(record)
    kinds = [row[1] for row in record.tables["events"] if row[2] == gone]
    assert "delisted" in kinds
    outcome = account(tmp_path, FIRST + 15, vendor).step()
    assert outcome.sessions == (DAYS[FIRST + 15],)  # at once


@pytest.mark.parametrize(("factor", "shares"), [(0.5, 2.0), (0.1, 10.0), (3.0, 1 / 3)])
def test_a_split_changes_shares_and_no_record(tmp_path, vendor, factor, shares):
    plain = begun(tmp_path / "plain", Vendor(), days=3)
    mine = begun(tmp_path / "split", vendor, days=3)
    before = contents(mine.record())[1]
    name = next(iter(held(mine.record())))
    vendor.restate(name, DAYS[-1], factor, 1 / factor)
    for day in range(FIRST + 3, FIRST + 8):
        account(tmp_path / "plain", day).step()
        account(tmp_path / "split", day, vendor).step()
        if day == FIRST + 3:
            # To the day's pending orders, too; parts of a share are paid out.
            whole = held(plain.record())[name] * shares
            assert held(mine.record())[name] == pytest.approx(whole, abs=2.0)
    record = mine.record()
    for table, rows in contents(record)[1].items():
        assert rows[: len(before[table])] == before[table]
    ((_, symbol, price, ratio, cash),) = record.tables["actions"]
    assert (symbol, price, cash) == (name, pytest.approx(factor), 0.0)
    assert ratio == pytest.approx(shares)
    # Worth the same as without, to what is paid out for parts of a share.
    for day, value in equity(plain.record()).items():
        assert equity(record)[day] == pytest.approx(value, rel=2e-4)
    forecasts = record.daily("forecasts")
    for day, rows in plain.record().daily("forecasts").items():
        for mine_row, row in zip(forecasts[day], rows, strict=True):
            assert mine_row[1] == row[1]
            assert mine_row[2] == pytest.approx(row[2], rel=1e-9)


def test_a_dividend_is_paid_in_cash(tmp_path, vendor):
    plain = begun(tmp_path / "plain", Vendor(), days=3)
    mine = begun(tmp_path / "paid", vendor, days=3)
    name = next(iter(held(mine.record())))
    had = held(mine.record())[name]
    last = float(mine.record().panel.frame(name)["Close"].iloc[-1])
    vendor.restate(name, DAYS[FIRST + 3], 0.995)
    account(tmp_path / "plain", FIRST + 3).step()
    account(tmp_path / "paid", FIRST + 3, vendor).step()
    record, other = mine.record(), plain.record()
    assert held(record) == held(other)
    paid = (
        record.rows[record.last]["account"][0][0]
        - other.rows[other.last]["account"][0][0]
    )
    assert paid == pytest.approx(had * last * 0.005, rel=1e-6)
    assert record.tables["actions"][0][1] == name
    status = mine.status()
    assert status.equity == pytest.approx(
        other.rows[other.last]["account"][0][1] + paid
    )


def test_a_split_that_is_applied_late_is_waited_for(tmp_path, vendor):
    mine = begun(tmp_path, vendor, days=3, deadline=72.0)
    name = next(iter(held(mine.record())))
    # Bars from today on are in new units, and the past is still in old ones.
    column = MARKET.symbols.index(name)
    bars = MARKET.bars.copy()
    bars[:4, FIRST + 3 :, column] /= 2
    vendor.panel = replace(MARKET, bars=bars)
    outcome = account(tmp_path, FIRST + 3, vendor).step()
    assert outcome.sessions == ()
    assert f"{name} is doubted" in outcome.waiting
    # The next evening the vendor has applied it.
    bars[:4, : FIRST + 3, column] /= 2
    outcome = account(tmp_path, FIRST + 4, vendor).step()
    assert len(outcome.sessions) == 2
    assert held(mine.record())[name] % 2 == 0
    values = list(equity(mine.record()).values())
    assert np.abs(np.diff(np.log(values))).max() < 0.1


def test_a_doubtful_bar_can_be_accepted(tmp_path, vendor):
    mine = begun(tmp_path, vendor, days=3)
    bars = MARKET.bars.copy()
    bars[:4, FIRST + 3 :, MARKET.symbols.index("S2")] /= 2
    vendor.panel = replace(MARKET, bars=bars)
    assert account(tmp_path, FIRST + 3, vendor).step().sessions == ()
    outcome = account(tmp_path, FIRST + 3, vendor).step(accepted=["S2"])
    assert outcome.sessions == (DAYS[FIRST + 3],)
    assert mine.record().tables["actions"] == []


def test_corrections_of_the_past_are_noted_and_not_followed(tmp_path, vendor):
    mine = begun(tmp_path, vendor, days=3)
    before = contents(mine.record())[1]["bars"]
    bars = MARKET.bars.copy()
    for day in (FIRST + 1, FIRST + 2):
        bars[:4, day, MARKET.symbols.index("S3")] *= 1.01
    vendor.panel = replace(MARKET, bars=bars)
    for day in (FIRST + 3, FIRST + 4):
        account(tmp_path, day, vendor).step()
    record = mine.record()
    assert [row[1:3] for row in record.tables["notes"][1:]] == [("revised", "S3")]
    assert "2 bars" in record.tables["notes"][1][3]
    assert contents(record)[1]["bars"][: len(before)] == before


def test_a_past_that_fits_nothing_is_waited_for(tmp_path, vendor):
    mine = begun(tmp_path, vendor, days=3)
    before = contents(mine.record())
    bars = MARKET.bars.copy()
    noise = np.random.default_rng(1).uniform(0.8, 1.2, len(DAYS))
    bars[:4, :, MARKET.symbols.index("S3")] *= noise
    vendor.panel = replace(MARKET, bars=bars)
    outcome = account(tmp_path, FIRST + 3, vendor).step()
    assert "S3" in outcome.waiting
    assert contents(mine.record()) == before


def test_bars_of_a_day_that_is_not_over_are_not_looked_at(tmp_path, vendor):
    begun(tmp_path, vendor, days=2)
    record = account(tmp_path, FIRST + 1, vendor).record()
    assert record.panel.sessions[-1] == np.datetime64(DAYS[FIRST + 1])
    assert account(tmp_path, FIRST + 1, vendor).step().sessions == ()


def test_status_says_what_is_left_out_and_what_was_done(tmp_path, vendor):
    vendor.late = {("S2", DAYS[FIRST + 2])}
    begun(tmp_path, vendor, days=6, deadline=24.0)
    status = account(tmp_path, FIRST + 5, vendor).status()
    assert any("price" in part for part in status.left_out)
    assert [note for _, note in status.notes] == ["S2: missing, has none"]


def test_a_symbol_that_is_missing_twice_is_noted_twice(tmp_path, vendor):
    begun(tmp_path, vendor, deadline=24.0)
    vendor.late = {("S2", DAYS[FIRST + 3]), ("S2", DAYS[FIRST + 5])}
    account(tmp_path, FIRST + 8, vendor).step()
    record = account(tmp_path, FIRST + 8, vendor).record()
    days = dict(record.sessions)
    missing = [days[row[0]] for row in record.tables["notes"] if row[1] == "missing"]
    assert missing == [DAYS[FIRST + 3], DAYS[FIRST + 5]]


def test_only_a_symbol_of_the_account_can_be_accepted(tmp_path, vendor):
    begun(tmp_path, vendor)
    with pytest.raises(SpecError, match=r"--accept must be a symbol.*S1, S2, S3"):
        account(tmp_path, FIRST + 3, vendor).step(accepted=["S2", "S9"])
