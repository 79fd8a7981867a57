"""What all forecasters share: fit on a window, forecast a session.

A forecaster never sees the market, only windows that end where they have to, so it
cannot look ahead. To add one, write a `Spec` (a frozen dataclass) whose `forecaster()`
can fit; everything in the package takes it as it takes the LSTM.
``docs/forecasters.md`` shows one whole.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.periods import Period

__all__ = [
    "Fit",
    "Forecaster",
    "Model",
    "Preparable",
    "Spec",
    "Storable",
    "WarmStartable",
]


class Model(Protocol):
    """A fitted forecaster."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols that it can forecast, sorted."""
        ...

    def forecast(self, window: Window) -> NDArray[np.float64]:
        """Forecast the return over the horizon from the close that ends each window.

        Parameters
        ----------
        window : Window
            ``(n_sessions, n_symbols, spec.forecast_bars)``, some of `symbols`.

        Returns
        -------
        (n_members, n_sessions, n_symbols) float64
            Decimal simple returns, of each member of an ensemble; most forecasters
            have one. NaN means no forecast. What is forecast for a session depends on
            that session's bars alone: of ours to the last bit, of others but for
            rounding.
        """
        ...


@dataclass(frozen=True)
class Fit:
    """The result of a fit.

    Parameters
    ----------
    model : Model or None
        None if the fit was thrown away.
    losses : tuple of float
        Mean squared error of the scaled target, one a training step; empty for a
        forecaster that does not iterate.
    problem : str
        Why the fit was thrown away; empty if it was not.
    trace : str
        Where it went wrong, line by line, if an error was raised.
    note : str
        What a reader should know of a model that was made all the same; it is logged.
    held_out_losses, gradient_norms : tuple of float
        Beside the losses: that of what is held out, and the gradient's norm before it
        was clipped; empty where there are none.
    clipped : float
        Share of the steps whose gradient was clipped; NaN where there are none.
    """

    model: Model | None
    losses: tuple[float, ...] = field(default=(), repr=False)
    problem: str = ""
    trace: str = field(default="", repr=False)
    note: str = ""
    held_out_losses: tuple[float, ...] = field(default=(), repr=False)
    gradient_norms: tuple[float, ...] = field(default=(), repr=False)
    clipped: float = math.nan


class Forecaster(Protocol):
    """Something that can be fitted on a window."""

    def fit(self, window: Window, session: np.datetime64) -> Fit:
        """Fit on each symbol's last bars.

        Parameters
        ----------
        window : Window
            ``(n_symbols, spec.fit_bars)``; no bar is after `session`.
        session : datetime64[D]
            When the fit is made. With the spec's seed it seeds all that is random.
        """
        ...


@runtime_checkable
class Preparable(Protocol):
    """A forecaster that has something to do once in a process, before any fit."""

    def prepare(self) -> None:
        """Do it; a second call does nothing."""
        ...


@runtime_checkable
class WarmStartable(Protocol):
    """A forecaster that can begin where an earlier fit of its kind ended.

    It is asked to if its spec has a true attribute `warm_start`.
    """

    def starting_from(self, model: Model) -> Forecaster:
        """Return a forecaster that begins at the weights of a model of its own."""
        ...


@runtime_checkable
class Storable(Protocol):
    """A forecaster whose fits can be kept as arrays.

    If they are made by other libraries than NumPy and TensorFlow, it names these in an
    attribute `libraries`, a tuple of str: another version may round otherwise.
    """

    @property
    def spec(self) -> Spec:
        """What describes it."""
        ...

    def to_arrays(self, fit: Fit) -> dict[str, NDArray[Any]]:
        """Turn a fit that has a model into plain arrays."""
        ...

    def from_arrays(
        self, symbols: tuple[str, ...], arrays: Mapping[str, NDArray[Any]]
    ) -> Fit:
        """Turn the arrays of a fit of these symbols back, to the last bit."""
        ...


@runtime_checkable
class Spec(Protocol):
    """What describes a forecaster: frozen, validated, hashable."""

    @property
    def horizon(self) -> int:
        """Sessions ahead that are forecast."""
        ...

    @property
    def retrain(self) -> Period:
        """How often it is fitted."""
        ...

    @property
    def fit_bars(self) -> int:
        """Bars of each symbol that a fit is made of."""
        ...

    @property
    def forecast_bars(self) -> int:
        """Bars of each symbol that a forecast is made of, at most `fit_bars`."""
        ...

    @property
    def min_symbols(self) -> int:
        """Fewest symbols that it can forecast: 2 if it compares them."""
        ...

    def forecaster(self) -> Forecaster:
        """Make the forecaster."""
        ...
