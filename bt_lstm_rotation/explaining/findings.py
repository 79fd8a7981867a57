"""What there is to say of one forecast."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.inside.attribution import Attribution
from bt_lstm_rotation.forecasting.inside.time_constants import Memories

__all__ = ["CellView", "Findings", "Situation"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CellView:
    """How far back a cell looks, that was trained on the same window.

    Parameters
    ----------
    forecast : float
        Its own, a decimal return.
    gradient : (lookback,) float64
        By lag, the latest bar first: how much the forecast moves, a decimal return, for
        a move of one deviation of what is read of that bar (the norm over it).
    half_life : int
        Latest bars that half of that belongs to.
    norms : (lookback,) float64
        Norm of the last state's gradient by lag, whatever the head makes of it.
    keeps : float
        The share of it that is left from one bar to the one before, as it ends.
    """

    forecast: float
    gradient: Array
    half_life: int
    norms: Array
    keeps: float


@dataclass(frozen=True)
class Situation:
    """A past bar that left the network in a state like this one.

    Parameters
    ----------
    symbol, session
        Whose bar, and when.
    distance : float
        Between the states, in deviations of a unit.
    followed : float
        The decimal return over the horizon that followed; less the mean over symbols if
        that is what the network learns.
    """

    symbol: str
    session: dt.date
    distance: float
    followed: float


@dataclass(frozen=True, eq=False)
class Findings:
    """One forecast, opened: what there is to say of it.

    Parameters
    ----------
    symbol : str
    session, fitted_at : date
        Of the forecast, and of the fit that made it.
    source : str
        Where the bars are from.
    cell : str
        The network's.
    horizon : int
        Bars ahead that are forecast.
    relative : bool
        Whether the network learns returns less the mean over symbols.
    dates : (lookback,) datetime64[D]
        The bars that the forecast reads, oldest first.
    features : mapping of str to (lookback,) float64
        What it reads of them, in their own units: features, inputs, whether one was
        missing, and the log returns of context. NaN where one is missing.
    kinds : mapping of str to str
        By the same names, "feature", "input" or "context".
    gates : mapping of str to (lookback, units) float64
        States and gates of the last layer, units by their time constants, the shortest
        first; of an ensemble, its first member's.
    context_gates : mapping of str to (lookback, units) float64
        The same of the network that reads context; empty without any.
    memories, memories_at_start : Memories
        Time constants with what the head gives each, after training and before.
    filtered : float, optional
        The decimal return of the forecast that filters of the daily returns expect;
        None if it has none.
    attribution : Attribution
        The forecast shared out among all that is read of each bar, in that order.
    cells : mapping of str to CellView
        The network's own cell first.
    responses : mapping of str to (lookback,) float64
        By lag, the latest first: what an extra return of one adds to the forecast, of
        the network at the mean bar and at these bars, and of two linear filters.
    situations : tuple of Situation
        The nearest first.
    """

    symbol: str
    session: dt.date
    fitted_at: dt.date
    source: str
    cell: str
    horizon: int
    relative: bool
    dates: NDArray[np.datetime64] = field(repr=False)
    features: Mapping[str, Array] = field(repr=False)
    kinds: Mapping[str, str] = field(repr=False)
    gates: Mapping[str, Array] = field(repr=False)
    context_gates: Mapping[str, Array] = field(repr=False)
    memories: Memories = field(repr=False)
    memories_at_start: Memories = field(repr=False)
    filtered: float | None
    attribution: Attribution = field(repr=False)
    cells: Mapping[str, CellView] = field(repr=False)
    responses: Mapping[str, Array] = field(repr=False)
    situations: tuple[Situation, ...] = field(repr=False)

    @property
    def forecast(self) -> float:
        """Decimal return over the horizon."""
        return self.attribution.forecast

    @property
    def half_life(self) -> int:
        """Latest bars that half of the forecast's gradient belongs to."""
        return self.cells[self.cell].half_life
