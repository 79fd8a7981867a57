"""The bars that the command line loads, at a given moment."""

from __future__ import annotations

import argparse
import datetime as dt

import pytest

from bt_lstm_rotation.cli.inputs import load_bars
from bt_lstm_rotation.errors import DataError

EVENING = dt.datetime.fromisoformat("2026-01-05T22:00-05:00")  # in New York


def load(folder, *dates: str, now: dt.datetime):
    rows = "".join(f"{date},10,11,9,10,100\n" for date in dates)
    text = f"Date,Open,High,Low,Close,Volume\n{rows}"
    (folder / "XLK.csv").write_text(text, encoding="utf-8")
    arguments = argparse.Namespace(
        data=f"folder:{folder}",
        symbols=None,
        benchmark=None,
        end=None,
        seed=0,
        unadjusted=True,
    )
    return load_bars(arguments, now)[0]


def test_an_american_evening_takes_the_bar_that_asia_calls_todays(tmp_path):
    panel = load(tmp_path, "2026-01-05", "2026-01-06", now=EVENING)
    assert str(panel.sessions[-1]) == "2026-01-06"


def test_no_moment_takes_a_bar_that_is_tomorrows_everywhere(tmp_path):
    with pytest.raises(DataError, match="the latest possible session is 2026-01-06"):
        load(tmp_path, "2026-01-05", "2026-01-07", now=EVENING)
