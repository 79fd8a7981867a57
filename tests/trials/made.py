"""Trials made by hand, without a run."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd

from bt_lstm_rotation.trials.database import STATEMENTS
from bt_lstm_rotation.trials.packing import bar_marks, pack_returns
from bt_lstm_rotation.trials.record import TrialRecord

DAYS = np.arange("2004-01-01", "2007-01-01", dtype="datetime64[D]")
DAYS = DAYS[np.is_busday(DAYS)]


def bars(seed=0, n_symbols=2, days=DAYS):
    steps = np.random.default_rng(seed).normal(0, 0.01, (len(days), n_symbols))
    return 100 * np.exp(np.cumsum(steps, axis=0))


MARKS = bar_marks(DAYS, bars())


def returns(seed=0, days=DAYS):
    values = np.random.default_rng(seed).normal(0.0004, 0.01, len(days))
    return pd.Series(values, index=pd.DatetimeIndex(days.astype("datetime64[ns]")))


def trial(number=0, /, **changes) -> TrialRecord:
    """One whose returns, and key, are those of its number."""
    days = changes.pop("days", DAYS)
    made = {
        "kind": "backtest",
        "key": f"key-{number}",
        "configuration": f"configuration-{number}",
        "data": "d" * 64,
        "source": "memory",
        "symbols": '["A", "B"]',
        "first": str(days[0]),
        "last": str(days[-1]),
        "strategy": "Mine",
        "marks": MARKS,
        "length": len(days),
        "annual_sharpe": 0.1 * number,
        "sharpe": 0.1 * number / 252**0.5,
        "periods_a_year": 252.0,
        "returns": pack_returns(returns(number, days)),
    }
    return TrialRecord(**{**made, **changes})


def tampered(file, *statements) -> None:
    """Change a ledger as its own triggers forbid, and put these back."""
    with closing(sqlite3.connect(file)) as connection:
        triggers = [text for text in STATEMENTS if text.startswith("CREATE TRIGGER")]
        for text in triggers:
            connection.execute(f"DROP TRIGGER {text.split()[2]}")
        for statement in statements:
            connection.execute(statement)
        for text in triggers:
            connection.execute(text)
        connection.commit()
