"""Features against pandas, causal, and the same in any company to the last bit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from fakes import random_panel, shocked, without
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.forecasting import BarHistory
from bt_lstm_rotation.forecasting.features import (
    FEATURES,
    compute,
    deviation,
    forward_return,
    mirror,
    warmup,
)

EXAMPLES = settings(max_examples=30, deadline=None, derandomize=True, database=None)
# Those that reach back a month; tests of the others are in `test_built_in`.
NAMES = ("log_return", "relative_return", "volatility", "volume", "rank")


def whole(panel, n_bars=None):
    """Every symbol's last bars at the end of a panel, without a leading axis."""
    n_bars = n_bars or int(panel.traded.sum(axis=0).min())
    symbols = sorted(panel.symbols)
    window = BarHistory.from_panel(panel).window(symbols, panel.sessions[-1:], n_bars)
    return type(window)(window.symbols, window.dates[0], window.bars[:, 0])


def by_date(window, series):
    """One column a symbol, indexed by date, NaN where a symbol has no bar."""
    return pd.DataFrame(
        {
            symbol: pd.Series(values, index=dates)
            for symbol, values, dates in zip(
                window.symbols, series, window.dates, strict=True
            )
        }
    )


def back(window, frame):
    return np.stack(
        [
            frame.loc[dates, symbol].to_numpy()
            for symbol, dates in zip(window.symbols, window.dates, strict=True)
        ]
    )


def with_pandas(name, window):
    close = [pd.Series(prices) for prices in window.close]
    change = [np.log(prices).diff() for prices in close]
    if name == "log_return":
        return np.stack(change)
    if name == "relative_return":
        frame = by_date(window, [series.to_numpy() for series in change])
        return back(window, frame.sub(frame.mean(axis=1), axis=0))
    if name == "volatility":
        return np.stack([(r**2).rolling(21).mean() ** 0.5 for r in change])
    if name == "volume":
        logs = [pd.Series(np.log1p(volume)) for volume in window.volume]
        return np.stack([log - log.rolling(21).mean() for log in logs])
    month = [(prices / prices.shift(21)).to_numpy() for prices in close]
    frame = by_date(window, month)
    rivals = frame.notna().sum(axis=1) - 1
    share = frame.rank(axis=1).sub(1).div(rivals.clip(lower=1), axis=0)
    return back(window, share.sub((rivals > 0) * 0.5, axis=0))


def gappy(symbols="ABCD", n_sessions=90):
    panel = random_panel(symbols, n_sessions)
    panel = without(panel, "B", [40, 41, 70])
    return without(panel, "C", slice(50, 53))


PANELS = {
    "aligned": random_panel("ABC", 60),
    "with missing days": gappy(),
    "alone": random_panel("A", 50),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_a_feature_is_what_pandas_makes_of_it(name, panel):
    window = whole(panel)
    skip = warmup([name])
    expected = with_pandas(name, window)
    assert np.isnan(expected[:, :skip]).any(axis=0).all()
    values = compute([name], window)[..., 0]
    np.testing.assert_allclose(values, expected[:, skip:], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_a_feature_has_a_meaning_from_its_first_bar_on(name):
    assert np.isfinite(compute([name], whole(random_panel("ABC", 60)))).all()


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_several_features_begin_where_the_longest_can(panel):
    window = whole(panel)
    values = compute(NAMES, window)
    assert values.shape == (*window.close.shape[:1], window.n_bars - 21, len(NAMES))
    for number, name in enumerate(NAMES):
        tail = compute([name], window)[:, 21 - warmup([name]) :, 0]
        assert values[..., number].tobytes() == tail.tobytes()


def test_two_features_compare_symbols_and_none_can_be_changed():
    compares = [name for name, each in FEATURES.items() if each.cross_sectional]
    assert compares == ["relative_return", "rank"]
    assert all(each.name == name for name, each in FEATURES.items())
    with pytest.raises(dataclasses.FrozenInstanceError):
        FEATURES["rank"].warmup = 1


def test_ties_share_their_rank():
    panel = random_panel("ABCD", 22)
    panel.bars[3, 0], panel.bars[3, 21] = 100.0, [110.0, 105.0, 110.0, 90.0]
    # A and C each beat two and tie with one of three others.
    expected = [2.5 / 3 - 0.5, 1 / 3 - 0.5, 2.5 / 3 - 0.5, -0.5]
    np.testing.assert_allclose(
        compute(["rank"], whole(panel))[:, 0, 0], expected, atol=1e-15
    )


def test_constant_prices_and_no_volume_say_nothing():
    panel = random_panel("AB", 40)
    panel.bars[:4], panel.bars[4] = 10.0, 0.0
    assert (compute(NAMES, whole(panel)) == 0.0).all()


@EXAMPLES
@given(row=st.integers(22, 58), seed=st.integers(1, 99), gaps=st.booleans())
def test_no_feature_changes_when_later_bars_do(row, seed, gaps):
    panel = random_panel("ABC", 60)
    if gaps:
        panel = without(panel, "B", [25, 40])
    n_bars = len(panel) - 2
    before, after = whole(panel, n_bars), whole(shocked(panel, row, seed=seed), n_bars)
    past = before.dates[:, 21:] <= panel.sessions[row]
    first, second = compute(NAMES, before), compute(NAMES, after)
    assert first[past].tobytes() == second[past].tobytes()
    assert (first[~past] != second[~past]).any()


@pytest.mark.parametrize("size", [1, 7, 32])
@pytest.mark.parametrize("symbols", ["A", "ABC", "ABCDEFGHI"])
@pytest.mark.parametrize("gaps", [False, True])
def test_a_session_has_the_same_bytes_alone_and_among_others(size, symbols, gaps):
    panel = random_panel(symbols, 90)
    if gaps and len(symbols) > 1:
        panel = without(panel, "B", [50, 75])
    history, sessions = BarHistory.from_panel(panel), panel.sessions[-size:]
    together = compute(NAMES, history.window(list(symbols), sessions, 37))
    for row in range(size):
        window = history.window(list(symbols), sessions[[row]], 37)
        assert compute(NAMES, window)[0].tobytes() == together[row].tobytes()


def test_aligned_sessions_have_the_same_bytes_beside_misaligned_ones():
    panel = without(random_panel("ABC", 90), "B", [50])
    history = BarHistory.from_panel(panel)
    window = history.window(list("ABC"), panel.sessions[[49, 60]], 28)
    assert (window.dates[0] == window.dates[0, :1]).all()
    assert not (window.dates[1] == window.dates[1, :1]).all()
    alone = history.window(list("ABC"), panel.sessions[[49]], 28)
    assert compute(NAMES, window)[0].tobytes() == compute(NAMES, alone)[0].tobytes()


@EXAMPLES
@given(data=st.data(), n_symbols=st.integers(1, 4), n_bars=st.integers(1, 8))
def test_deviation_is_from_the_mean_of_a_date(data, n_symbols, n_bars):
    rows = [
        sorted(data.draw(st.sets(st.integers(0, 12), min_size=n_bars, max_size=n_bars)))
        for _ in range(n_symbols)
    ]
    dates = np.array(rows).astype("M8[D]")
    values = np.random.default_rng(0).normal(size=dates.shape)
    table = pd.DataFrame({"date": dates.ravel(), "value": values.ravel()})
    expected = table.value - table.groupby("date").value.transform("mean")
    result = deviation(values, dates)
    np.testing.assert_allclose(result.ravel(), expected, atol=1e-14)
    stacked = deviation(np.stack([values, values]), np.stack([dates, dates]))
    assert stacked[1].tobytes() == result.tobytes()


def test_forward_return_is_from_close_to_close():
    panel = random_panel("A", 5)
    panel.bars[3, :, 0] = [100.0, 110.0, 99.0, 120.0, 60.0]
    window = whole(panel)
    expected = np.array([99.0 / 100.0, 120.0 / 110.0, 60.0 / 99.0]) - 1.0
    np.testing.assert_allclose(forward_return(window, 2)[0], expected, rtol=1e-14)
    np.testing.assert_allclose(forward_return(window, 4), [[-0.4]], rtol=1e-14)
    assert forward_return(window, 1).shape == (1, 4)


def test_rises_and_falls_change_places_in_reciprocal_prices():
    window = whole(random_panel("ABC", 60))
    turned = type(window)(window.symbols, window.dates, window.bars.copy())
    turned.bars[:4] = 1.0 / turned.bars[:4]
    straight, reciprocal = compute(NAMES, window), compute(NAMES, turned)
    np.testing.assert_allclose(reciprocal, straight * mirror(NAMES), atol=1e-12)
    assert list(mirror(NAMES)) == [-1, -1, 1, 1, -1]
