"""The rivals of the network: each against its formula, and all against the one law."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fakes import random_panel, same_bytes, shocked, without

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting import (
    ArimaSpec,
    BarHistory,
    EWMASpec,
    FiltersSpec,
    KalmanSpec,
    MeanSpec,
    ReversalSpec,
    RidgeSpec,
    TreeSpec,
    WalkForward,
    Window,
    ZeroSpec,
    walk_forward,
)
from bt_lstm_rotation.forecasting.baselines.ewma import HALF_LIVES, smoothed
from bt_lstm_rotation.forecasting.baselines.ridge import PENALTIES, ridge

SMALL = {"horizon": 5, "train_size": 40, "retrain": "weekly"}
SPECS = [
    ZeroSpec(horizon=5),
    MeanSpec(**SMALL),
    EWMASpec(lookback=20, **SMALL),
    EWMASpec(lookback=20, half_life=4.0, target="plain", **SMALL),
    ReversalSpec(lookback=5, horizon=5),
    KalmanSpec(lookback=20, **SMALL),
    FiltersSpec(lookback=20, **SMALL),
    FiltersSpec(lookback=20, target="plain", **SMALL),
    RidgeSpec(lookback=12, **SMALL),
    RidgeSpec(lookback=12, inputs="lags", **SMALL),
    ArimaSpec(lookback=20, **{**SMALL, "retrain": "quarterly"}),
    ArimaSpec(lookback=20, order=(0, 2, 1), **{**SMALL, "retrain": "quarterly"}),
    TreeSpec(
        **{**SMALL, "train_size": 30, "lookback": 8},
        trees=2,
        leaf_size=5,
        features=("relative_return", "volume"),
    ),
]
IDS = [f"{type(spec).__name__}-{number}" for number, spec in enumerate(SPECS)]


@pytest.mark.parametrize("spec", SPECS, ids=IDS)
def test_a_forecast_depends_on_bars_up_to_its_session_alone(spec):
    panel = without(random_panel("ABC", 140), "B", [70, 71, 90])
    whole = walk_forward(panel, spec)
    assert np.isfinite(whole.values).sum() > 60
    for row in (80, 110, 138):
        changed = walk_forward(shocked(panel, row), spec)
        assert same_bytes(changed.values[:row], whole.values[:row])
        assert same_bytes(
            walk_forward(panel.rows(0, row), spec).values, whole.values[:row]
        )


@pytest.mark.parametrize("spec", SPECS, ids=IDS)
def test_one_session_at_a_time_gives_the_same_bytes(spec):
    panel = random_panel("ABC", 110)
    whole = walk_forward(panel, spec).values
    walk = WalkForward(spec, BarHistory.from_panel(panel))
    alone = [walk.forecast(panel.sessions[row : row + 1])[0] for row in range(110)]
    assert same_bytes(np.concatenate(alone), whole)


def test_a_smoothed_return_is_that_of_pandas():
    returns = np.random.default_rng(0).normal(0, 0.01, (3, 50))
    found = smoothed(returns, 6.0)
    # pandas begins at the first value, and this at 0: one more value makes them alike.
    padded = pd.DataFrame(np.column_stack([np.zeros(3), returns]).T)
    expected = padded.ewm(halflife=6.0, adjust=False).mean().to_numpy().T[:, 1:]
    assert found == pytest.approx(expected, rel=1e-12)


def test_the_half_life_is_that_with_the_least_error_in_the_window():
    spec = EWMASpec(lookback=20, horizon=5, train_size=300)
    panel = random_panel("ABCD", spec.fit_bars)
    history = BarHistory.from_panel(panel)
    stack = history.window("ABCD", panel.sessions[-1:], spec.fit_bars)
    window = Window(stack.symbols, stack.dates[0], stack.bars[:, 0])
    model = spec.forecaster().fit(window, panel.sessions[-1]).model
    logs = np.diff(np.log(window.close), axis=1)
    returns = logs - logs.mean(axis=0)
    ahead = window.close[:, 6:] / window.close[:, 1:-5] - 1
    targets = ahead - ahead.mean(axis=0)
    errors = {}
    for half_life in HALF_LIVES:
        shown = smoothed(returns, half_life)[:, : targets.shape[1]]
        slope = (shown * targets).sum() / (shown**2).sum()
        errors[half_life] = ((targets - slope * shown) ** 2).mean(), slope
    best = min(errors, key=errors.get)
    assert model.half_life == best
    assert model.slope == pytest.approx(errors[best][1], rel=1e-9)
    assert model.level == pytest.approx(ahead.mean(), rel=1e-12)


def test_ridge_is_the_penalised_least_squares_with_the_least_gcv():
    rng = np.random.default_rng(3)
    x = rng.normal(2.0, 1.0, (80, 5)) * [1, 2, 3, 4, 5]
    y = x @ [0.3, 0.0, -0.1, 0.0, 0.05] + rng.normal(1.0, 0.8, 80)
    coefficients, offset = ridge(x, y)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    n, best = len(y), None
    for penalty in PENALTIES:
        hat = z @ np.linalg.solve(z.T @ z + n * penalty * np.eye(5), z.T)
        hat = hat + np.full((n, n), 1 / n)
        score = ((y - hat @ y) ** 2).sum() / (1 - np.trace(hat) / n) ** 2
        if best is None or score < best[0]:
            beta = np.linalg.solve(
                z.T @ z + n * penalty * np.eye(5), z.T @ (y - y.mean())
            )
            best = (score, beta / x.std(axis=0))
    assert coefficients == pytest.approx(best[1], rel=1e-8)
    assert offset == pytest.approx(y.mean() - x.mean(axis=0) @ best[1], rel=1e-8)


def test_the_mean_is_each_symbols_own_and_zero_is_zero():
    panel = random_panel("ABC", 60)
    spec = MeanSpec(**SMALL)
    made = walk_forward(panel, spec)
    first = made.fits[0].session
    row = int(np.searchsorted(panel.sessions, first))
    close = panel.close[: row + 1][-spec.fit_bars :]
    expected = (close[5:] / close[:-5] - 1).mean(axis=0)
    assert made.values[row] == pytest.approx(expected, rel=1e-12)
    zero = walk_forward(panel, ZeroSpec(horizon=5)).values
    assert not np.nan_to_num(zero).any()


@pytest.mark.parametrize(
    ("kind", "settings", "reason"),
    [
        (EWMASpec, {"half_life": 0.0}, "EWMASpec: half_life must be"),
        (KalmanSpec, {"lookback": 0}, "KalmanSpec: lookback must be"),
        (MeanSpec, {"train_size": 1}, "MeanSpec: train_size must be"),
        (RidgeSpec, {"inputs": "all"}, "RidgeSpec: inputs must be"),
        (ReversalSpec, {"horizon": 1.5}, "ReversalSpec: horizon must be"),
        (ZeroSpec, {"target": "both"}, "ZeroSpec: target must be"),
        (KalmanSpec, {"retrain": "daily"}, "KalmanSpec: retrain must be"),
    ],
)
def test_impossible_settings_are_refused(kind, settings, reason):
    with pytest.raises(SpecError, match=reason):
        kind(**settings)
