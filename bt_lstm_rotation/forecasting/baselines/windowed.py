"""What rivals that are fitted share: their window, their returns and their targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_choice, check_whole
from bt_lstm_rotation.forecasting.features import compute, deviation, forward_return
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.periods import Period, check_period

__all__ = ["Sample", "WindowSettings", "daily_returns"]

Array = NDArray[np.float64]

TARGETS = ("relative", "plain")


@dataclass(frozen=True, kw_only=True)
class WindowSettings:
    """On which bars a rival is fitted, and what of, as `ForecastSpec` has them.

    Parameters
    ----------
    lookback : int
        Bars that a forecast reads.
    horizon : int
        Bars ahead that are forecast.
    train_size : int
        Bars with a matured target that a fit is made of.
    retrain : {"weekly", "monthly", "quarterly"} or int
        When a new fit is made.
    target : {"relative", "plain"}
        Whether returns less the cross-section's mean are learned, or returns.

    Raises
    ------
    SpecError
        If a value is impossible.
    """

    lookback: int = 252
    horizon: int = 21
    train_size: int = 756
    retrain: Period = "monthly"
    target: Literal["relative", "plain"] = "relative"

    def __post_init__(self) -> None:
        owner = type(self).__name__
        for name in ("lookback", "horizon"):
            check_whole(owner, name, getattr(self, name), least=1)
        check_whole(owner, "train_size", self.train_size, least=2)
        check_period(owner, "retrain", self.retrain)
        check_choice(owner, "target", self.target, TARGETS)

    @property
    def fit_bars(self) -> int:
        """Bars of each symbol that a fit is made of."""
        least = self.train_size + self.horizon + 1
        return max(least, self.forecast_bars)

    @property
    def forecast_bars(self) -> int:
        """Bars of each symbol that a forecast is made of: one more than returns."""
        return self.lookback + 1

    @property
    def min_symbols(self) -> int:
        """2 if symbols are compared with each other, 1 if not."""
        return 2 if self.target == "relative" else 1


class Sample(NamedTuple):
    """What a fit learns from.

    Parameters
    ----------
    returns : (n_symbols, n) float64
        Daily log returns, less their cross-section's mean if the target is relative.
    targets : (n_symbols, n) float64
        Returns over the horizon from the same closes, decimal; NaN where they have not
        matured within the window.
    level : float
        What is added to every forecast: the window's mean return over the horizon if
        the target is relative, else 0.
    """

    returns: Array
    targets: Array
    level: float

    @classmethod
    def of(cls, spec: WindowSettings, window: Window) -> Sample:
        """Take it out of a window of (n_symbols, fit_bars)."""
        returns = daily_returns(spec, window)
        matured = forward_return(window, spec.horizon)[:, 1:]
        level, learned = 0.0, matured
        if spec.target == "relative":
            level = float(matured.mean())
            learned = deviation(matured, window.dates[:, 1 : matured.shape[1] + 1])
        targets = np.full_like(returns, np.nan)
        targets[:, : matured.shape[1]] = learned
        return cls(returns, targets, level)


def daily_returns(spec: WindowSettings, window: Window) -> Array:
    """Return what a forecast reads of (..., n_symbols, n_bars): one return less."""
    name = "relative_return" if spec.target == "relative" else "log_return"
    return compute([name], window)[..., 0]
