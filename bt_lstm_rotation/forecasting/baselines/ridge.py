"""Ridge regression of the targets on past returns.

The inputs are either the last `lookback` returns themselves, the same that a network
reads, or exponentially weighted means of them at several half-lives. Coefficients
minimise |y - X b|² + n k |b|² over standardised inputs; of `PENALTIES`, the k is taken
with the least generalised cross-validation error |y - X b|² / (1 - trace(H) / n)², H
being the matrix that turns y into the fit.

Sources: A. E. Hoerl and R. W. Kennard, "Ridge regression", Technometrics 12(1), 1970;
G. H. Golub, M. Heath and G. Wahba, "Generalized cross-validation as a method for
choosing a good ridge parameter", Technometrics 21(2), 1979, formula 1.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_choice
from bt_lstm_rotation.forecasting.baselines.ewma import smoothed
from bt_lstm_rotation.forecasting.baselines.windowed import (
    Sample,
    WindowSettings,
    daily_returns,
)
from bt_lstm_rotation.forecasting.forecaster import Fit
from bt_lstm_rotation.forecasting.window import Window

__all__ = ["RidgeSpec", "ridge"]

Array = NDArray[np.float64]

HALF_LIVES = (3.0, 6.0, 12.0, 24.0, 48.0, 96.0)
PENALTIES = np.geomspace(1e-4, 1e2, 25)


@dataclass(frozen=True, kw_only=True)
class RidgeSpec(WindowSettings):
    """A linear forecast from past returns, its coefficients shrunk.

    Parameters
    ----------
    inputs : {"means", "lags"}
        Exponentially weighted means of the returns, or the returns themselves.
    lookback, horizon, train_size, retrain, target
        See `WindowSettings`.

    Raises
    ------
    SpecError
        If a value is impossible.
    """

    lookback: int = 126
    inputs: Literal["means", "lags"] = "means"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("RidgeSpec", "inputs", self.inputs, ("means", "lags"))

    @property
    def fit_bars(self) -> int:
        """Bars of each symbol that a fit is made of; the first targets have inputs."""
        return self.train_size + self.horizon + self.lookback

    def forecaster(self) -> _Ridge:
        """Make the forecaster that this describes."""
        return _Ridge(self)


@dataclass(frozen=True, eq=False)
class _Ridge:
    spec: RidgeSpec
    symbols: tuple[str, ...] = ()
    coefficients: tuple[float, ...] = ()
    offset: float = 0.0

    def fit(self, window: Window, session: np.datetime64) -> Fit:
        spec = self.spec
        sample = Sample.of(spec, window)
        x = _inputs(spec, sample.returns)
        targets = sample.targets[:, -x.shape[1] :]
        known = np.isfinite(targets)
        coefficients, offset = ridge(x[known], targets[known])
        offset += sample.level
        return Fit(_Ridge(spec, window.symbols, tuple(coefficients.tolist()), offset))

    def forecast(self, window: Window) -> Array:
        x = _inputs(self.spec, daily_returns(self.spec, window))[..., -1, :]
        made = np.full(x.shape[:-1], self.offset)
        for place, coefficient in enumerate(self.coefficients):
            made = made + coefficient * x[..., place]
        return made[None]


def ridge(x: Array, y: Array) -> tuple[Array, float]:
    """Regress y of (n,) on x of (n, k); return coefficients and offset."""
    centre, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 0.0, scale, 1.0)
    z, middle = (x - centre) / scale, float(y.mean())
    # Of X'X, which is small, and not of X: the squares of its singular values.
    squares, axes = np.linalg.eigh(z.T @ z)
    squares = np.maximum(squares, 0.0)
    turned = axes.T @ (z.T @ (y - middle))
    total = float(((y - middle) ** 2).sum())
    best, chosen = np.inf, np.zeros_like(turned)
    for penalty in PENALTIES * len(y):
        shrunk = turned / (squares + penalty)
        error = total - float(2.0 * shrunk @ turned - squares @ shrunk**2)
        freedom = 1.0 - (float((squares / (squares + penalty)).sum()) + 1.0) / len(y)
        score = error / max(freedom, 1e-9) ** 2
        if score < best:
            best, chosen = score, shrunk
    coefficients = (axes @ chosen) / scale
    return coefficients, middle - float(centre @ coefficients)


def _inputs(spec: RidgeSpec, returns: Array) -> Array:
    """Make inputs of (..., n) returns: (..., n - lookback + 1, k)."""
    windows = np.lib.stride_tricks.sliding_window_view(returns, spec.lookback, axis=-1)
    if spec.inputs == "lags":
        return windows[..., ::-1]
    # Of the same bars wherever a forecast is made from: a mean forgets what is older.
    return np.stack(
        [_mean_of_window(windows, half_life) for half_life in HALF_LIVES], axis=-1
    )


def _mean_of_window(windows: Array, half_life: float) -> Array:
    return smoothed(windows, half_life)[..., -1]
