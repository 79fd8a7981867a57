"""What moves Adj Close / Close: a dividend, a split, or a vendor's mistake."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bt_lstm_rotation.prices.adjustment import judged_adjustment
from bt_lstm_rotation.prices.bars import adjusted_bars

DAYS = pd.bdate_range("2018-01-01", periods=300)
ROW = 150


def bars_of(*, ratio: float, fall: float, seed: int = 0) -> pd.DataFrame:
    """A walk whose ratio is multiplied, and whose price is, from one row on."""
    rng = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.01, len(DAYS))))
    opened = np.append(50, close[:-1]) * np.exp(rng.normal(0, 0.004, len(DAYS)))
    bars = pd.DataFrame({"Open": opened, "Close": close}, index=DAYS)
    bars.iloc[ROW:] *= fall
    bars["High"], bars["Low"] = bars.max(axis=1) * 1.01, bars.min(axis=1) * 0.99
    bars["Adj Close"], bars["Volume"] = bars["Close"], 1e6
    bars.loc[DAYS[:ROW], "Adj Close"] /= ratio
    return bars


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("ratio", "fall"),
    [
        (1.0, 1.0),
        (1.02, 1.0),  # a dividend that cannot be told from a market's day
        (1.05, 1 / 1.05),
        (1.30, 1 / 1.30),  # a spin-off
        (2.0, 0.5),
        (10.0, 0.1),
        (0.1, 10.0),  # a reverse split
        (1.0, 0.7),  # a crash
    ],
)
def test_what_a_fall_of_close_explains_is_let_be(ratio, fall, seed):
    assert judged_adjustment("XLK", bars_of(ratio=ratio, fall=fall, seed=seed)) == []


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("ratio", "fall"),
    [
        (1.3, 1.0),  # counted twice
        (1.10, 1.0),
        (2.0, 1.0),  # a split that Close has been adjusted for
        (0.5, 1.0),
        (0.5, 0.5),  # adjusted the wrong way round
        (4.0, 0.5),  # a split applied twice
    ],
)
def test_what_no_fall_of_close_explains_is_named(ratio, fall, seed):
    bars = bars_of(ratio=ratio, fall=fall, seed=seed)
    (found,) = judged_adjustment("XLK", bars)
    assert (found.symbol, found.rule) == ("XLK", "false adjustment")
    assert found.first == found.last == DAYS[ROW].date()
    assert found.size == pytest.approx(ratio)


def test_an_ex_date_that_is_a_day_late_is_named():
    bars = bars_of(ratio=2.0, fall=0.5)
    bars.loc[DAYS[ROW], "Adj Close"] /= 2.0
    assert [f.first for f in judged_adjustment("XLK", bars)] == [DAYS[ROW + 1].date()]


def test_a_bar_without_an_adjusted_close_is_left_out_and_the_rest_adjusted():
    bars = bars_of(ratio=2.0, fall=0.5)
    bars.iloc[10, bars.columns.get_loc("Adj Close")] = np.nan
    prices, found = adjusted_bars("XLK", bars)
    assert len(prices) == len(DAYS) - 1
    (left_out,) = found
    assert (left_out.rule, left_out.first, left_out.size) == (
        "invalid bars",
        DAYS[10].date(),
        1.0,
    )
    assert "1 x Adj Close: a missing price (NaN)" in left_out.message
    np.testing.assert_allclose(prices["Close"], bars["Adj Close"].dropna(), rtol=1e-12)
