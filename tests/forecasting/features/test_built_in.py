"""Features of the literature against pandas and by hand, causal, odd or even."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fakes import random_panel, shocked, without
from windows import history_of, whole

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting import ForecastSpec, WalkForward
from bt_lstm_rotation.forecasting.features import FEATURES, compute, mirror, warmup

NAMES = tuple(FEATURES)
REACH = warmup(NAMES)
ONE_SIDED = ("drawdown", "high_52_week")


def gappy():
    panel = random_panel("ABCM", 420, first="2017-03-01")
    panel = without(panel, "B", [300, 301, 380])
    return without(panel, "M", [330, 331, 400])


ALIGNED = random_panel("ABM", 420, first="2017-03-01")
PANELS = {"aligned": ALIGNED, "with missing days": gappy()}


def in_pandas(name, symbol, window):
    """One symbol's column, made of its own bars and the benchmark's beside them."""
    opened, high, low, close, volume, market = (
        pd.Series(row[symbol]) for row in window.bars
    )
    change, of_market = np.log(close).diff(), np.log(market).diff()
    match name:
        case "overnight_return":
            return np.log(opened / close.shift(1))
        case "intraday_return":
            return np.log(close / opened)
        case "garman_klass":
            variance = 0.5 * np.log(high / low) ** 2
            variance -= (2 * np.log(2) - 1) * np.log(close / opened) ** 2
            return variance.rolling(21).mean() ** 0.5
        case "amihud":
            impact = change.abs() / (close * volume)
            return np.log(impact.rolling(21).mean() / impact.rolling(252).mean())
        case "drawdown":
            return close / close.rolling(252).max() - 1
        case "high_52_week":
            return close / high.rolling(252).max()
        case "momentum_12_1":
            return np.log(close.shift(21) / close.shift(252))
        case "beta":
            return slope(change, of_market)
        case "residual_return":
            return change - slope(change, of_market) * of_market
    raise AssertionError(name)


def slope(change, of_market):
    """Least squares over a year of the bars on which the benchmark has a return."""
    values = pd.Series(np.nan, index=change.index)
    for last in range(252, len(change)):
        pair = pd.DataFrame({"y": change, "x": of_market}).iloc[last - 251 : last + 1]
        pair = pair.dropna()
        values[last] = np.polyfit(pair["x"], pair["y"], 1)[0]
    return values


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
@pytest.mark.parametrize(
    "name",
    [
        *("overnight_return", "intraday_return", "garman_klass", "amihud", "drawdown"),
        *("high_52_week", "momentum_12_1", "beta", "residual_return"),
    ],
)
def test_a_feature_is_what_pandas_makes_of_it(name, panel):
    window, skip = whole(panel), warmup([name])
    expected = np.stack(
        [in_pandas(name, symbol, window) for symbol in range(len(window.symbols))]
    )
    assert np.isnan(expected[:, :skip]).all()
    values = compute([name], window)[..., 0]
    np.testing.assert_allclose(values, expected[:, skip:], rtol=1e-8, atol=1e-13)


def test_night_and_day_add_up_to_the_log_return():
    window = whole(ALIGNED)
    night, day, both = (
        compute([name], window)[:, -300:, 0]
        for name in ("overnight_return", "intraday_return", "log_return")
    )
    np.testing.assert_allclose(night + day, both, atol=1e-15)


def test_the_turn_of_the_month_is_its_last_session_and_the_first_three():
    panel = random_panel("AM", 25, first="2020-12-28")
    # New Year's Day is no session: the first three of January are the 4th to the 6th.
    window = whole(without(panel, "A", [4]))
    turn = compute(["turn_of_month"], window)[0, :, 0]
    days = window.dates[0, 3:][turn == 1.0].astype(str)
    assert list(days) == [
        *("2020-12-31", "2021-01-04", "2021-01-05", "2021-01-06", "2021-01-29")
    ]
    assert set(turn) == {0.0, 1.0}


def test_the_last_session_is_told_by_weekdays_and_not_by_the_next_bar():
    # Good Friday 2018 was the last weekday of March: nobody traded on it, and nobody
    # is told on Thursday.
    panel = random_panel("AM", 40, first="2018-02-26")
    window = whole(without(panel, "A", [24]))
    turn = compute(["turn_of_month"], window)[0, :, 0]
    at = list(window.dates[0, 3:].astype(str))
    assert "2018-03-30" not in at
    assert turn[at.index("2018-03-29")] == 0.0
    assert turn[at.index("2018-04-02")] == 1.0


def test_bars_without_volume_are_left_out_of_illiquidity():
    panel = random_panel("AM", 260, first="2019-01-02")
    panel.bars[4, 250:255, 0] = 0.0
    window = whole(panel)
    close, volume = window.close[0], window.volume[0]
    impact = np.abs(np.diff(np.log(close))) / np.where(volume, close * volume, 1)[1:]
    traded = volume[1:] > 0
    month, year = (impact[-n:][traded[-n:]].mean() for n in (21, 252))
    value = compute(["amihud"], window)[0, -1, 0]
    np.testing.assert_allclose(value, np.log(month / year), rtol=1e-12)
    panel.bars[4, -30:, 0] = 0.0
    assert compute(["amihud"], whole(panel))[0, -1, 0] == 0.0


def test_prices_that_do_not_move_say_nothing():
    panel = random_panel("ABM", 320)
    panel.bars[:4], panel.bars[4] = 10.0, 0.0
    values = dict(
        zip(NAMES, np.moveaxis(compute(NAMES, whole(panel)), -1, 0), strict=True)
    )
    assert (values.pop("high_52_week") == 1.0).all()
    values.pop("turn_of_month")
    assert all((column == 0.0).all() for column in values.values())


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_no_feature_changes_when_later_bars_do(panel):
    n_bars = 410
    before = whole(panel, n_bars)
    row = 390
    after = whole(shocked(panel, row), n_bars)
    past = before.dates[:, REACH:] <= panel.sessions[row]
    first, second = compute(NAMES, before), compute(NAMES, after)
    assert first[past].tobytes() == second[past].tobytes()
    changed = (first[~past] != second[~past]).any(axis=0)
    assert list(np.array(NAMES)[~changed]) == ["turn_of_month"]


@pytest.mark.parametrize("size", [1, 7])
@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_a_session_has_the_same_bytes_alone_and_among_others(size, panel):
    history, sessions = history_of(panel), panel.sessions[-size:]
    together = compute(NAMES, history.window(history.symbols, sessions, REACH + 9))
    for row in range(size):
        window = history.window(history.symbols, sessions[[row]], REACH + 9)
        alone = compute(NAMES, window)[0]
        assert alone.tobytes() == together[row].tobytes()
        short = replace(window, dates=window.dates[..., 5:], bars=window.bars[..., 5:])
        assert compute(NAMES, short)[0].tobytes() == alone[:, 5:].tobytes()


def test_rises_and_falls_change_places_in_reciprocal_prices():
    window = whole(ALIGNED)
    bars = window.bars.copy()
    bars[:4], bars[5] = 1.0 / bars[[0, 2, 1, 3]], 1.0 / bars[5]
    turned = replace(window, bars=bars)
    names = [name for name in NAMES if name not in (*ONE_SIDED, "amihud", "volume")]
    straight, reciprocal = compute(names, window), compute(names, turned)
    expected = straight * mirror(names)
    np.testing.assert_allclose(reciprocal, expected, rtol=1e-9, atol=1e-12)
    assert mirror(ONE_SIDED).tolist() == [1.0, 1.0]
    # As much money has changed hands at each price as before.
    bars[4] = window.volume * window.close / bars[3]
    amihud = [
        compute(["amihud"], bars) for bars in (window, replace(window, bars=bars))
    ]
    np.testing.assert_allclose(*amihud, rtol=1e-9)
    assert mirror(["amihud", "volume"]).tolist() == [1.0, 1.0]


def test_what_counts_from_the_high_counts_from_the_low_in_a_mirror():
    window = whole(ALIGNED)
    bars = window.bars.copy()
    bars[:4] = 1.0 / bars[[0, 2, 1, 3]]
    in_mirror = compute(ONE_SIDED, replace(window, bars=bars))[0]
    close, low = pd.Series(window.close[0]), pd.Series(window.bars[2, 0])
    expected = np.stack(
        [close.rolling(252).min() / close - 1, low.rolling(252).min() / close], axis=-1
    )
    np.testing.assert_allclose(in_mirror, expected[251:], rtol=1e-12, atol=1e-15)


def test_without_a_benchmark_it_is_said_how_to_give_one():
    spec = ForecastSpec(features=("relative_return", "beta"))
    panel = random_panel("AB", 30)
    bare = type(history_of(random_panel("AM", 30)))(panel.symbols)
    with pytest.raises(SpecError, match=r"benchmark= of LSTMForecast.pooled") as caught:
        WalkForward(spec, bare)
    assert caught.value.value == "beta"
    window = replace(whole(random_panel("AM", 300)), extra=("vix",))
    with pytest.raises(SpecError, match="needs no benchmark"):
        compute(["beta"], window)


def test_a_day_without_the_benchmark_leaves_beta_and_takes_the_residual():
    panel = random_panel("AM", 330)
    panel.bars[:, 320, 1] = np.nan
    beta, residual = np.moveaxis(
        compute(["beta", "residual_return"], whole(panel))[0], -1, 0
    )
    assert np.isfinite(beta).all()
    assert list(np.flatnonzero(np.isnan(residual)) + REACH) == [320, 321]
