"""Equal parts, month by month, without costs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bt_lstm_rotation.measures.equal_weight import equal_weight


def closes(rows, index):
    return pd.DataFrame(rows, index=pd.to_datetime(index), columns=["A", "B"])


def test_parts_drift_within_a_month_and_are_evened_out_at_its_last_close():
    days = ["2020-01-30", "2020-01-31", "2020-02-03", "2020-02-28", "2020-03-02"]
    close = closes([[10, 50], [20, 50], [20, 100], [40, 100], [40, 150]], days)
    # 1 -> (2 + 1) / 2; evened out; (1 + 2) / 2; (2 + 2) / 2; evened out; (1 + 1.5) / 2
    expected = [100.0, 150.0, 225.0, 300.0, 375.0]
    assert equal_weight(close, 100.0).to_list() == pytest.approx(expected)


def test_a_late_listing_joins_at_the_end_of_its_month():
    days = ["2020-01-30", "2020-01-31", "2020-02-03", "2020-02-28", "2020-03-02"]
    nan = np.nan
    close = closes([[10, nan], [20, nan], [20, 100], [30, 200], [30, 400]], days)
    expected = [1.0, 2.0, 2.0, 3.0, 4.5]
    assert equal_weight(close).to_list() == pytest.approx(expected)


def test_a_symbol_without_a_bar_keeps_its_last_price():
    days = ["2020-01-02", "2020-01-03", "2020-01-06"]
    close = closes([[10, 10], [np.nan, 20], [30, 20]], days)
    assert equal_weight(close).to_list() == pytest.approx([1.0, 1.5, 2.5])


@pytest.mark.parametrize("rows", [[], [[np.nan, np.nan]]])
def test_without_a_price_there_is_nothing_to_hold(rows):
    close = closes(np.reshape(rows, (-1, 2)), ["2020-01-02"] * len(rows))
    assert equal_weight(close).isna().all()


def test_one_session_is_the_capital():
    assert equal_weight(closes([[1.0, 2.0]], ["2020-01-02"]), 7.0).to_list() == [7.0]


def test_every_month_is_the_mean_of_its_symbols_returns():
    rng = np.random.default_rng(5)
    index = pd.bdate_range("2019-12-31", periods=400)
    frame = pd.DataFrame(
        np.exp(np.cumsum(rng.normal(0, 0.01, (400, 5)), axis=0)), index=index
    )
    last = frame.groupby(index.to_period("M")).last()
    by_month = 1 + last.pct_change().mean(axis=1).iloc[1:]
    worth = equal_weight(frame).groupby(index.to_period("M")).last()
    assert (worth / worth.shift()).iloc[1:].to_numpy() == pytest.approx(by_month)
