"""ARIMA: a series' own past values and past errors, by Box and Jenkins.

The series is a symbol's log price (less the cross-section's mean, if the target is
relative), differenced d times; with d of 1, y_t is the daily return less its mean, with
d of 2 the change of the daily return. It is an ARMA of p past values and q past errors
(`bt_lstm_rotation.forecasting.baselines.arma`), fitted to each symbol by itself.

Without an order, that of `ORDERS` is taken with the least AIC = 2 k - 2 log L, k being
the parameters. A model whose likelihood does not converge is never taken; where none is
left, the symbol's mean is forecast. Either is said in the fit's note.

Sources: G. E. P. Box and G. M. Jenkins, "Time series analysis: forecasting and
control", 1970; H. Akaike, "A new look at the statistical model identification", IEEE
Transactions on Automatic Control 19(6), 1974.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.archive import plain_array
from bt_lstm_rotation.checks import check_whole
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting.baselines.alone import alone
from bt_lstm_rotation.forecasting.baselines.arma import (
    MOST_LAGS,
    Arma,
    likeliest,
    require_statsmodels,
)
from bt_lstm_rotation.forecasting.baselines.windowed import (
    Sample,
    WindowSettings,
    daily_returns,
)
from bt_lstm_rotation.forecasting.forecaster import Fit
from bt_lstm_rotation.forecasting.window import Window

__all__ = ["ORDERS", "ArimaForecaster", "ArimaModel", "ArimaSpec"]

Array = NDArray[np.float64]

ORDERS = ((0, 1, 0), (1, 1, 0), (0, 1, 1), (1, 1, 1))


@dataclass(frozen=True, kw_only=True)
class ArimaSpec(WindowSettings):
    """An autoregressive integrated moving average for each symbol.

    Needs the extra ``arima`` to be fitted, and no library to forecast.

    Parameters
    ----------
    order : (int, int, int), optional
        Past values p (to 5), differences d of the log price (1 or 2), past errors q (to
        5), such as [1, 1, 1]; chosen in each window by AIC if None.
    lookback, horizon, train_size, retrain, target
        See `WindowSettings`.

    Raises
    ------
    SpecError
        If a value is impossible.
    """

    order: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.order is None:
            return
        if not isinstance(self.order, tuple | list) or len(self.order) != 3:
            valid = "three whole numbers p, d and q, such as [1, 1, 1], or None"
            raise SpecError("ArimaSpec", "order", self.order, valid)
        for name, value in zip("pdq", self.order, strict=True):
            least, most = (1, 2) if name == "d" else (0, MOST_LAGS)
            check_whole("ArimaSpec", f"{name} of order", value, least=least, most=most)
        p, d, q = (int(value) for value in self.order)
        object.__setattr__(self, "order", (p, d, q))
        # A second difference takes one return more.
        check_whole("ArimaSpec", "lookback", self.lookback, least=d)

    @property
    def differences(self) -> int:
        """How often the log price is differenced."""
        return 1 if self.order is None else self.order[1]

    @property
    def series_bars(self) -> int:
        """Values of the differenced series that a forecast reads."""
        return self.lookback - (self.differences - 1)

    def forecaster(self) -> ArimaForecaster:
        """Make the forecaster that this describes."""
        return ArimaForecaster(self)


@dataclass(frozen=True)
class ArimaForecaster:
    """Fits what an `ArimaSpec` describes."""

    spec: ArimaSpec
    libraries = ("statsmodels", "scipy")

    def prepare(self) -> None:
        """Raise MissingExtraError without statsmodels."""
        require_statsmodels()

    def fit(self, window: Window, session: np.datetime64) -> Fit:
        """Fit each symbol of (n_symbols, fit_bars) by itself."""
        spec = self.spec
        sample = Sample.of(spec, window)
        orders = ORDERS if spec.order is None else (spec.order,)
        with alone():
            found = [_chosen(row, orders) for row in _series(spec, sample.returns)]
        arma = Arma.of(
            [one.phi for one in found], [one.theta for one in found], spec.series_bars
        )
        mean = np.array([one.mean for one in found])
        refused = np.array([one.refused for one in found], dtype=np.int64)
        model = ArimaModel(spec, window.symbols, arma, mean, refused, sample.level)
        return Fit(model, note=model.note)

    def to_arrays(self, fit: Fit) -> dict[str, NDArray[Any]]:
        """Turn a fit into arrays; SpecError if its model is not of this kind."""
        model = fit.model
        if not isinstance(model, ArimaModel):
            raise SpecError("ArimaForecaster", "fit", fit, "one with its own model")
        return {
            "phi": model.arma.phi,
            "theta": model.arma.theta,
            "mean": model.mean,
            "refused": model.refused,
            "level": np.array([model.level]),
        }

    def from_arrays(
        self, symbols: tuple[str, ...], arrays: Mapping[str, NDArray[Any]]
    ) -> Fit:
        """Turn arrays back into the fit they were.

        Raises ValueError if they are not those of such a fit.
        """
        whole = (len(symbols), MOST_LAGS)
        arma = Arma(
            plain_array(arrays, "phi", np.float64, whole),
            plain_array(arrays, "theta", np.float64, whole),
            self.spec.series_bars,
        )
        if not arma.is_stationary:
            raise ValueError("phi are those of no stationary process")
        mean = plain_array(arrays, "mean", np.float64, whole[:1])
        refused = plain_array(arrays, "refused", np.int64, whole[:1])
        level = float(plain_array(arrays, "level", np.float64, (1,))[0])
        model = ArimaModel(self.spec, symbols, arma, mean, refused, level)
        return Fit(model, note=model.note)


@dataclass(frozen=True, eq=False)
class ArimaModel:
    """Fitted coefficients.

    Parameters
    ----------
    mean : (n_symbols,) float64
        Mean daily return; 0 if d is 2.
    refused : (n_symbols,) int64
        How many orders' likelihood did not converge.
    level : float
        Added to every forecast: the window's mean return if the target is relative.
    """

    spec: ArimaSpec
    symbols: tuple[str, ...]
    arma: Arma
    mean: Array
    refused: NDArray[np.int64]
    level: float

    @property
    def note(self) -> str:
        """Which symbols' likelihoods did not converge; empty if all did."""
        names = np.array(self.symbols)[self.refused > 0].tolist()
        if not names:
            return ""
        count, of = int(self.refused.sum()), ", ".join(names)
        return f"{count} models did not converge and were not taken ({of})"

    def forecast(self, window: Window) -> Array:
        """Forecast from windows of (n_sessions, n_symbols, forecast_bars)."""
        spec = self.spec
        rows = [self.symbols.index(symbol) for symbol in window.symbols]
        returns, mean = daily_returns(spec, window), self.mean[rows]
        series = _series(spec, returns) - mean[:, None]
        total = np.full(returns.shape[:-1], self.level)
        latest = returns[..., -1]
        for ahead in self.arma.ahead(series, rows, spec.horizon):
            # Of a second difference, what is forecast is how the return changes.
            latest = latest + ahead if spec.differences == 2 else ahead + mean
            total = total + latest
        return total[None]


class _Chosen(NamedTuple):
    """One symbol's model, and how many were refused on the way."""

    phi: Array
    theta: Array
    mean: float
    refused: int


def _chosen(series: Array, orders: tuple[tuple[int, int, int], ...]) -> _Chosen:
    """Fit the model of one series, (n,), with the least AIC."""
    nothing = np.empty(0)
    mean = float(series.mean()) if orders[0][1] == 1 else 0.0
    scale = float((series - mean).std())
    if not scale > 0.0:
        return _Chosen(nothing, nothing, mean, 0)
    best, chosen, refused = np.inf, (nothing, nothing), 0
    for p, d, q in orders:
        made = likeliest((series - mean) / scale, p, q)
        if made is None:
            refused += 1
            continue
        parameters, likelihood = made
        # Its deviation and, of a first difference, its mean are parameters too.
        criterion = 2.0 * (p + q + 1 + (d == 1)) - 2.0 * likelihood
        if criterion < best:
            best, chosen = criterion, (parameters[:p], parameters[p:])
    return _Chosen(*chosen, mean, refused)


def _series(spec: ArimaSpec, returns: Array) -> Array:
    """Difference daily returns of (..., n) as often as is left to do."""
    return np.diff(returns, n=spec.differences - 1, axis=-1)
