"""Errors say what was wrong, and say it in another process too."""

from __future__ import annotations

import datetime as dt
import pickle

import pytest

from bt_lstm_rotation.errors import (
    ClockError,
    DataError,
    FitsError,
    HeldError,
    HistoryError,
    JournalError,
    LookaheadError,
    MissingExtraError,
    OutputError,
    SourceError,
    SpecError,
    StrategyError,
    closest,
)


@pytest.mark.parametrize(
    "error",
    [
        DataError("a gap", symbol="XLE", session="2020-01-02", value=-1, valid="> 0"),
        HistoryError("too short", needed=778, available=500, symbol="XLC"),
        SpecError("ForecastSpec", "horizon", 0, "at least 1"),
        LookaheadError("XLK.close", 1, "the future", place="mine.py:4"),
        MissingExtraError("reading Parquet files", "parquet"),
        SourceError("no answer"),
        FitsError("ForecastSpec", 3, ["MemoryError: none", "too late"], ", at a.py:1"),
        StrategyError("no such file"),
        OutputError("disk full"),
        ClockError(dt.datetime(2024, 7, 2, tzinfo=dt.UTC), dt.datetime.now(dt.UTC)),
        JournalError(
            "a page is torn",
            name="spy",
            last_sound=dt.date(2020, 1, 2),
            restorable=True,
        ),
        HeldError("spy", pid=7, host="here", since="2020-01-02", purpose="step"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_comes_out_of_a_worker_process_as_it_was(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_a_message_names_the_place_the_value_and_what_would_be_valid():
    error = DataError(
        "a price of zero or below",
        symbol="XLE",
        session="2020-01-02",
        field="Close",
        value=0.0,
        valid="a price is above 0",
    )
    assert str(error) == (
        "XLE 2020-01-02 Close: a price of zero or below (got 0.0); a price is above 0"
    )
    short = HistoryError("no fit", needed=1778, available=5)
    assert str(short) == "no fit: 1,778 sessions are needed, there are 5"


def test_a_damaged_journal_is_answered_with_what_is_left_and_how_to_go_on():
    error = JournalError(
        "a page is torn", name="spy", last_sound=dt.date(2020, 1, 2), restorable=True
    )
    assert str(error) == (
        "the journal of 'spy': a page is torn; it is sound up to 2020-01-02; "
        "`bt-lstm-rotation paper restore spy` goes on from there"
    )
    assert str(JournalError("nothing is left")) == "nothing is left"


def test_a_misspelled_name_is_answered_with_the_closest():
    assert closest("horizn", ["horizon", "lookback"]) == (
        "did you mean 'horizon'? known: horizon, lookback"
    )
    assert closest("x", []) == "none is known"
