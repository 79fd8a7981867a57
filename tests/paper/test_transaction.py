"""What cannot be stored as it is, is refused with its place and what would be valid."""

from __future__ import annotations

import datetime as dt
import math
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from journals import FIRST_DAY, MORNING, ROWS, start

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.paper.transaction import Transaction

BAR = ("2020-01-02", "XLE", 1.0, 1.0, 1.0, 1.0, 1.0)


def bar(**changed):
    names = ("session", "symbol", "open", "high", "low", "close", "volume")
    return tuple(
        {**dict(zip(names, BAR, strict=True)), **changed}[name] for name in names
    )


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("kind", "begin", "kind must be one of 'start', 'session', 'version', 'stop'"),
        ("kind", None, "kind must be one of"),
        ("session", "2020-01-02", "session must be a datetime.date"),
        ("session", MORNING, "session must be a datetime.date"),
        ("session", pd.NaT, "session must be a datetime.date"),
        ("session", None, "session must be a datetime.date"),
        ("written", dt.datetime(2020, 1, 2), "a datetime with its time zone"),
        ("written", FIRST_DAY, "a datetime with its time zone"),
        ("version", None, "version must be a text"),
        ("rows", [], "rows must be a mapping of tables"),
        ("rows", {"barz": []}, "did you mean 'bars'"),
        ("rows", {1: []}, "rows must be tables of the journal"),
        ("rows", {"transactions": []}, "rows must be tables of the journal"),
        ("rows", {"bars": [BAR[:-1]]}, r"bars\[0\] must be a tuple of 7: session, "),
        ("rows", {"bars": [BAR, "a string"]}, r"bars\[1\] must be a tuple of 7"),
        ("rows", {"bars": [bar(open=math.inf)]}, r"bars\[0\]\.open must be a finite"),
        ("rows", {"bars": [bar(low=-math.inf)]}, r"bars\[0\]\.low must be a finite"),
        ("rows", {"bars": [bar(open=10**400)]}, r"bars\[0\]\.open must be a finite"),
        ("rows", {"bars": [bar(open="1")]}, r"bars\[0\]\.open must be a finite"),
        ("rows", {"bars": [bar(open=None)]}, r"bars\[0\]\.open must be a finite"),
        ("rows", {"bars": [bar(open=True)]}, r"bars\[0\]\.open must be a finite"),
        ("rows", {"bars": [bar(symbol=None)]}, r"bars\[0\]\.symbol must be a text"),
        ("rows", {"bars": [bar(symbol="\ud800")]}, r"bars\[0\]\.symbol must be a text"),
        ("rows", {"bars": [bar(session="20200102")]}, "must be an ISO date"),
        ("rows", {"bars": [bar(session="2020-02-30")]}, "must be an ISO date"),
        ("rows", {"bars": [bar(session=FIRST_DAY)]}, "must be an ISO date"),
        (
            "rows",
            {"orders": [(2**63, "X", "buy", 1.0, "Market", 1.0, 1.0, 1.0, None, None)]},
            r"orders\[0\]\.ref must be a whole number of 64 bits",
        ),
        (
            "rows",
            {"orders": [(1.0, "X", "buy", 1.0, "Market", 1.0, 1.0, 1.0, None, None)]},
            r"orders\[0\]\.ref must be a whole number of 64 bits",
        ),
        (
            "rows",
            {"fits": [(*ROWS["fits"][0][:-1], "text")]},
            r"fits\[0\]\.weights must be bytes, or None",
        ),
    ],
)
def test_what_cannot_be_stored_is_refused(field, value, problem):
    fields = {
        "kind": "start",
        "session": FIRST_DAY,
        "written": MORNING,
        "version": "0.1.0",
        "rows": {},
    }
    with pytest.raises(SpecError, match=problem) as raised:
        Transaction(**{**fields, field: value})
    assert raised.value.owner == "Transaction"


def test_numbers_of_numpy_and_other_bytes_are_taken_as_pythons_own():
    taken = start(
        {
            "orders": [
                [np.int64(7), "X", "buy", np.float32(0.5), "Market", 1, 2, 3, 4, None]
            ],
            "fits": [(*ROWS["fits"][0][:-1], bytearray(b"w"))],
        }
    ).rows
    assert list(map(type, taken["orders"][0][:5])) == [int, str, str, float, str]
    assert taken["orders"][0][:5] == (7, "X", "buy", 0.5, "Market")
    assert taken["orders"][0][5:] == (1.0, 2.0, 3.0, 4, None)
    assert taken["fits"][0][-1] == b"w"
    assert type(taken["fits"][0][-1]) is bytes


def test_a_time_is_kept_as_it_will_be_read_again():
    tokyo = ZoneInfo("Asia/Tokyo")
    for written in (
        dt.datetime(2020, 1, 2, 15, 30, 0, 123456, tzinfo=tokyo),
        pd.Timestamp("2020-01-02 15:30:00.123456789", tz="Asia/Tokyo"),
    ):
        kept = Transaction("start", FIRST_DAY, written, "0.1.0").written
        assert kept.isoformat() == "2020-01-02T15:30:00.123456+09:00"
        assert type(kept) is dt.datetime


def test_later_changes_by_the_caller_are_not_seen():
    rows = {"notes": [("late", None, "a")]}
    taken = start(rows)
    rows["notes"].append(("late", None, "b"))
    assert list(taken.rows["notes"]) == [("late", None, "a")]
    with pytest.raises(TypeError):
        taken.rows["notes"] = ()


def test_no_rows_and_empty_tables_are_the_same():
    assert start({"bars": [], "notes": ()}) == start({})
