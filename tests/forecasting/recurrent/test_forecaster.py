"""The LSTM as a forecaster: what a fit is made of, and the one law on whole walks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fakes import random_panel, same_bytes, shocked, unchecked, without

from bt_lstm_rotation.errors import FitsError
from bt_lstm_rotation.forecasting import (
    BarHistory,
    ForecastSpec,
    WalkForward,
    walk_forward,
)
from bt_lstm_rotation.forecasting.features import compute
from bt_lstm_rotation.forecasting.recurrent.part import Scaler
from bt_lstm_rotation.forecasting.recurrent.series import Series
from bt_lstm_rotation.forecasting.window import Window

TINY = ForecastSpec(
    units=4,
    steps=2,
    lookback=10,
    horizon=3,
    train_size=40,
    features=("log_return", "relative_return", "volatility", "volume", "rank"),
)
SPECS = {
    "pooled, relative": TINY,
    "pooled, plain": replace(TINY, target="plain"),
    "a network each, relative": replace(TINY, pooled=False, layers=2, dropout=0.2),
    "a network each, plain": replace(
        TINY, pooled=False, target="plain", features=("log_return", "volume")
    ),
}
each_spec = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)


def last_window(panel, n_bars):
    symbols = sorted(panel.symbols)
    window = BarHistory.from_panel(panel).window(symbols, panel.sessions[-1:], n_bars)
    return Window(window.symbols, window.dates[0], window.bars[:, 0])


def fitted(spec, window):
    return spec.forecaster().fit(window, window.dates.max())


def weights(fit):
    return b"".join(
        array.tobytes()
        for part in fit.model.parts
        for network in part.networks
        for array in network.keras_weights()
    )


@each_spec
def test_nothing_up_to_a_session_moves_when_every_later_bar_does(spec):
    panel = without(random_panel("CAB", 135), "B", [50, 100])
    whole = walk_forward(panel, spec)
    assert len(whole.fits) == 3
    fit_at = [int(np.searchsorted(panel.sessions, f.session)) for f in whole.fits]
    for row in (fit_at[0] - 1, fit_at[1] - 1, fit_at[1], 118):
        other = walk_forward(shocked(panel, row, seed=row), spec)
        past = slice(0, row + 1)
        assert same_bytes(other.values[past], whole.values[past])
        assert not np.isclose(other.values[row + 1 :], whole.values[row + 1 :]).all()


@each_spec
def test_neither_start_nor_end_nor_first_bar_moves_a_forecast(spec):
    panel = random_panel("CAB", 135)
    whole = walk_forward(panel, spec)
    early = walk_forward(panel.rows(0, 110), spec)
    assert same_bytes(early.values, whole.values[:110])
    late = walk_forward(panel, spec, start=panel.sessions[108])
    assert same_bytes(late.values[108:], whole.values[108:])
    assert len(late.fits) < len(whole.fits)
    cut = walk_forward(panel.rows(20, 135), spec)
    there = ~np.isnan(cut.values)
    assert there.any(axis=0).all()
    assert cut.values[there].tobytes() == whole.values[20:][there].tobytes()
    turned = walk_forward(panel.select(["B", "C", "A"]), spec)
    assert same_bytes(turned.values[:, [1, 2, 0]], whole.values)


def test_the_seed_and_the_session_are_all_that_is_random():
    window = last_window(random_panel("AB", 70), TINY.fit_bars)
    forecaster = TINY.forecaster()
    session = window.dates.max()
    first = forecaster.fit(window, session)
    assert weights(first) == weights(forecaster.fit(window, session))
    assert first.losses == fitted(TINY, window).losses
    assert len(first.losses) == TINY.steps
    assert weights(first) != weights(
        forecaster.fit(window, session + np.timedelta64(1, "D"))
    )
    assert weights(first) != weights(fitted(replace(TINY, seed=1), window))


@pytest.mark.parametrize("target", ["plain", "relative"])
def test_the_close_that_ends_a_fit_is_the_last_targets_and_nothing_elses(target):
    spec = replace(TINY, target=target, features=("log_return",))
    panel = random_panel("AB", 70)
    window = last_window(panel, spec.fit_bars)
    higher = Window(window.symbols, window.dates, window.bars.copy())
    higher.bars[3, 0, -1] *= 1.01
    first, second = (
        fitted(spec, one).model.parts[0].scaler for one in (window, higher)
    )
    # The inputs end `horizon` bars earlier, so their scaler cannot have moved.
    assert (first.feature_mean == second.feature_mean).all()
    assert (first.feature_scale == second.feature_scale).all()
    # One of 2 x 40 plain returns rose by a hundredth of its ratio of closes.
    close = window.close[0]
    rise = 0.01 * close[-1] / close[-1 - spec.horizon] / (2 * spec.train_size)
    moved = (second.target_mean + second.level) - (first.target_mean + first.level)
    np.testing.assert_allclose(moved, rise, rtol=1e-9)
    assert weights(fitted(spec, window)) != weights(fitted(spec, higher))


def test_the_scaler_knows_the_window_and_nothing_else():
    spec = replace(TINY, features=("log_return",))
    window = last_window(random_panel("AB", 70), spec.fit_bars)
    (part,) = fitted(spec, window).model.parts
    scaler = part.scaler
    change = np.diff(np.log(window.close), axis=1)[:, : spec.train_size]
    ahead = window.close[:, 1 + spec.horizon :] / window.close[:, 1 : -spec.horizon] - 1
    assert ahead.shape == change.shape == (2, 40)
    np.testing.assert_allclose(scaler.feature_mean, change.mean(), rtol=1e-9)
    np.testing.assert_allclose(scaler.feature_scale, change.std(), rtol=1e-9)
    np.testing.assert_allclose(scaler.level, ahead.mean(), rtol=1e-9)
    np.testing.assert_allclose(scaler.target_mean, 0.0, atol=1e-12)
    relative = ahead - ahead.mean(axis=0)
    np.testing.assert_allclose(scaler.target_scale, relative.std(), rtol=1e-9)


@pytest.mark.parametrize("target", ["plain", "relative"])
def test_held_out_bars_teach_the_scaler_nothing(target):
    # 10 of 40 bars are held out, and the horizon of 3 before them reaches into them.
    spec = replace(TINY, features=("log_return",), target=target, validation=0.25)
    window = last_window(random_panel("AB", 70), spec.fit_bars)
    (part,) = fitted(spec, window).model.parts
    scaler = part.scaler
    close = window.close
    change = np.diff(np.log(close), axis=1)[:, :27]
    ahead = (close[:, 1 + spec.horizon :] / close[:, 1 : -spec.horizon] - 1)[:, :27]
    np.testing.assert_allclose(scaler.feature_mean, change.mean(), rtol=1e-9)
    np.testing.assert_allclose(scaler.feature_scale, change.std(), rtol=1e-9)
    level = scaler.target_mean + scaler.level
    np.testing.assert_allclose(level, ahead.mean(), rtol=1e-9)
    learned = ahead - ahead.mean(axis=0) if target == "relative" else ahead
    np.testing.assert_allclose(scaler.target_scale, learned.std(), rtol=1e-9)


def test_a_half_life_halves_what_a_bar_weighs_from_the_latest_back():
    spec = replace(TINY, features=("log_return",), half_life=10.0)
    scaler = Scaler(np.zeros(1), np.ones(1), 0.0, 1.0, 0.0)
    zeros = np.zeros((1, spec.train_size))
    data = spec.forecaster()._series(scaler, zeros[..., None], zeros).cut(10)
    # Four sequences of ten bars, oldest first: each weighs half of the next.
    assert data.weights[-1].tolist() == [0.125, 0.25, 0.5, 1.0]
    assert (np.diff(data.weights, axis=0) > 0.0).all()


def test_targets_are_compared_by_date_and_not_by_row():
    spec = replace(TINY, features=("log_return",))
    panel = without(random_panel("AB", 70), "B", [40, 41, 55])
    window = last_window(panel, spec.fit_bars)
    (part,) = fitted(spec, window).model.parts
    scaler = part.scaler
    ahead = window.close[:, 1 + spec.horizon :] / window.close[:, 1 : -spec.horizon] - 1
    table = pd.DataFrame(
        {"date": window.dates[:, 1:41].ravel(), "ahead": ahead.ravel()}
    )
    relative = table.ahead - table.groupby("date").ahead.transform("mean")
    np.testing.assert_allclose(scaler.target_scale, relative.std(ddof=0), rtol=1e-9)
    np.testing.assert_allclose(scaler.target_mean, relative.mean(), atol=1e-12)


def test_a_forecast_is_the_networks_output_in_the_windows_own_returns():
    spec = replace(TINY, features=("log_return", "volume"), mirrored=False)
    panel = random_panel("AB", 80)
    model = fitted(spec, last_window(panel.rows(0, 70), spec.fit_bars)).model
    (part,) = model.parts
    (network,), scaler = part.networks, part.scaler
    now = last_window(panel, spec.forecast_bars)
    features = compute(spec.features, now)
    scaled = (features - scaler.feature_mean) / scaler.feature_scale
    output = network.run(scaled.astype(np.float32)).astype(np.float64)
    expected = output * scaler.target_scale + scaler.target_mean + scaler.level
    assert scaler.level != 0.0
    stacked = Window(now.symbols, now.dates[None], now.bars[:, None])
    np.testing.assert_allclose(model.forecast(stacked)[0, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("pooled", [True, False])
def test_what_is_said_of_a_rise_is_said_of_a_fall_with_the_sign_changed(pooled):
    spec = replace(TINY, features=("log_return", "volume"), pooled=pooled, members=2)
    panel = random_panel("AB", 80)
    model = fitted(spec, last_window(panel.rows(0, 70), spec.fit_bars)).model
    now = last_window(panel, spec.forecast_bars)
    # Closes whose log returns lie as far on the other side of the mean of the window.
    turned = Window(now.symbols, now.dates[None], now.bars[:, None].copy())
    means = [model.parts[row if not pooled else 0].scaler for row in range(2)]
    mean = np.array([scaler.feature_mean[0] for scaler in means])[:, None]
    change = np.diff(np.log(now.close), axis=1)
    path = np.cumsum(2.0 * mean - change, axis=1)
    turned.bars[3, 0, :, 1:] = now.close[:, :1] * np.exp(path)
    there = Window(now.symbols, now.dates[None], now.bars[:, None])
    straight = model.forecast(there)
    level = np.array([scaler.target_mean + scaler.level for scaler in means])
    assert (abs(straight - level) > 1e-5).all()
    np.testing.assert_allclose(
        model.forecast(turned) - level, level - straight, rtol=1e-4
    )
    plain = replace(model, spec=replace(spec, mirrored=False))
    even = plain.forecast(there) + plain.forecast(turned) - 2.0 * level
    assert (abs(even) > 1e-6).all()


def test_a_symbol_keeps_its_own_network_when_others_pause():
    spec = SPECS["a network each, plain"]
    panel = random_panel("ABCD", 125)
    model = fitted(spec, last_window(panel, spec.fit_bars)).model
    history, sessions = BarHistory.from_panel(panel), panel.sessions[-9:]
    (whole,) = model.forecast(
        history.window(list("ABCD"), sessions, spec.forecast_bars)
    )
    (some,) = model.forecast(history.window(["B", "D"], sessions, spec.forecast_bars))
    assert some.tobytes() == whole[:, [1, 3]].tobytes()


@each_spec
def test_a_session_has_the_same_bytes_alone_and_among_others(spec):
    panel = random_panel("ABCD", 125)
    model = fitted(spec, last_window(panel, spec.fit_bars)).model
    history = BarHistory.from_panel(panel)
    for symbols in (["A", "B", "C", "D"], ["B", "D"]):
        sessions = panel.sessions[-32:]
        (together,) = model.forecast(
            history.window(symbols, sessions, spec.forecast_bars)
        )
        assert together.shape == (32, len(symbols))
        for row, session in enumerate(sessions):
            at = np.array([session])
            (alone,) = model.forecast(history.window(symbols, at, spec.forecast_bars))
            assert alone.tobytes() == together[row].tobytes()


def test_constant_prices_are_forecast_to_stay():
    panel = random_panel("AB", 125)
    panel.bars[:4] = 20.0
    result = walk_forward(panel, TINY)
    there = result.values[~np.isnan(result.values)]
    assert len(there) > 50
    # Every target is 0, so what the network says of the scaled one is added to 0: its
    # size is that of a network after two steps.
    assert (np.abs(there) < 1.0).all()
    assert {fit.status for fit in result.fits} == {"ok"}


def test_a_training_window_is_cut_into_whole_sequences_from_its_end():
    # 5 bars of 2 symbols in sequences of 3: the older of each is filled up in front.
    inputs = np.arange(1, 11, dtype=np.float32).reshape(2, 5, 1)
    targets, ones = -np.arange(1.0, 11.0).reshape(2, 5), np.ones((2, 5))
    data = Series(inputs, targets, ones, 2 * ones).cut(3)
    assert data.inputs[..., 0].T.tolist() == [
        [0, 1, 2],
        [3, 4, 5],
        [0, 6, 7],
        [8, 9, 10],
    ]
    assert (data.targets == -data.inputs[..., 0]).all()
    assert data.weights.T.tolist() == [[0, 1, 1], [1, 1, 1], [0, 1, 1], [1, 1, 1]]
    assert (data.held_out == 2 * data.weights).all()
    three = np.ones((2, 3))
    whole = Series(inputs[:, :3], three, three, three).cut(3)
    assert whole.inputs.shape == (3, 2, 1)
    assert (whole.weights == 1.0).all()


def test_a_real_fit_that_diverges_is_thrown_away_and_says_so():
    panel = random_panel("AB", 135)
    spec = unchecked(TINY, learning_rate=1e30, steps=4)
    walk = WalkForward(spec, BarHistory.from_panel(panel))
    assert np.isnan(walk.forecast(panel.sessions)).all()
    assert [fit.status for fit in walk.fits_] == ["the loss is not finite"] * 3
    assert np.isnat([fit.served_by for fit in walk.fits_]).all()
    with pytest.raises(FitsError, match=r"all 3 fits .*: the loss is not finite"):
        walk_forward(panel, spec)


def test_a_fit_whose_only_step_diverges_is_thrown_away_too():
    window = last_window(random_panel("AB", 70), TINY.fit_bars)
    fit = fitted(unchecked(TINY, learning_rate=1e300, steps=1), window)
    assert np.isfinite(fit.losses).all()
    assert fit.model is None
    assert fit.problem == "the loss is not finite"
