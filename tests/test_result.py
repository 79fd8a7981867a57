"""How a result is shown."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from bt_lstm_rotation import BacktestResult

NONE = pd.DataFrame()
DAYS = pd.DatetimeIndex(["2004-01-02", "2011-05-06", "2019-06-28"])
SUMMARY = {
    "strategy": {"name": "SectorRotation"},
    "metrics": {"total_return": 1.8034, "sharpe": 0.412},
}


def result(summary: dict[str, Any], days: Any = DAYS) -> BacktestResult:
    account = pd.DataFrame({"equity": 1.0}, index=days)
    return BacktestResult(account, NONE, NONE, NONE, NONE, NONE, summary)


def test_a_result_is_shown_in_one_line():
    assert repr(result(SUMMARY)) == (
        "BacktestResult(SectorRotation, 2004-01-02 to 2019-06-28, "
        "total return +180.3%, Sharpe 0.41)"
    )


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"metrics": {}}, ""),
        ({"metrics": None}, ""),
        ({"metrics": {"total_return": None, "sharpe": None}}, ""),
        ({"metrics": {"total_return": -1.0}}, ", total return -100.0%"),
        ({"metrics": {"total_return": 1234.0}}, ", total return +123,400.0%"),
        ({"metrics": {"sharpe": float("nan")}}, ", Sharpe nan"),
    ],
)
def test_what_is_not_defined_is_left_out(change, shown):
    text = repr(result(SUMMARY | change))
    days = "2004-01-02 to 2019-06-28"
    assert text == f"BacktestResult(SectorRotation, {days}{shown})"


def test_nothing_at_all_can_be_shown():
    assert repr(result({}, DAYS[:0])) == "BacktestResult(no strategy)"
    one = repr(result({"strategy": {"name": "A"}}, DAYS[:1]))
    assert one == "BacktestResult(A, 2004-01-02 to 2004-01-02)"


def test_a_name_that_cannot_be_printed_is_escaped():
    text = repr(result({"strategy": {"name": "a\nb\x1b[31m"}}))
    assert text.startswith(r"BacktestResult('a\nb\x1b[31m', 2004")
