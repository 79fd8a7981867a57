"""What a walk forward leaves: forecasts, and a record of every fit."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["FitRecord", "Forecasts"]


@dataclass(frozen=True)
class FitRecord:
    """One row of ``retrains.csv``.

    Parameters
    ----------
    session : datetime64[D]
        The close at which the fit was made.
    first_bar, last_target : datetime64[D]
        The oldest bar among its inputs, and the close at which its last target matured.
    symbols : tuple of str
        Its members.
    n_bars : int
        Bars of each of them.
    first_loss, last_loss : float
        Mean squared error of the scaled target before the first and the last step; NaN
        for a forecaster that does not iterate.
    seconds : float
        How long it took.
    origin : str
        ``"trained"``, from seeded weights; ``"stored"``, found and not made; or
        ``"warm start"``, from the weights of the last good fit.
    status : str
        ``"ok"``, or why it was thrown away.
    served_by : datetime64[D]
        The fit that serves from here on: this one, or the last good one; NaT if there
        is none.
    drift : float
        How far a network's forecasts for the same bars have moved from those of the one
        before, as a share of their spread (`walkforward.drift`); NaN if none was.
    clipped : float
        Share of the training steps whose gradient was longer than ``clip_norm``; NaN
        where no step was taken.
    losses, held_out_losses, gradient_norms : tuple of float
        The loss before each training step, the held-out one, and the gradient's norm
        before it was clipped; empty where there are none.
    """

    session: np.datetime64
    first_bar: np.datetime64
    last_target: np.datetime64
    symbols: tuple[str, ...]
    n_bars: int
    first_loss: float
    last_loss: float
    seconds: float
    origin: str
    status: str
    served_by: np.datetime64
    drift: float = math.nan
    clipped: float = math.nan
    losses: tuple[float, ...] = field(default=(), repr=False)
    held_out_losses: tuple[float, ...] = field(default=(), repr=False)
    gradient_norms: tuple[float, ...] = field(default=(), repr=False)


@dataclass(frozen=True, eq=False)
class Forecasts:
    """Forecasts of a whole panel.

    Parameters
    ----------
    sessions : (n_sessions,) datetime64[D]
    symbols : tuple of str
    values : (n_sessions, n_symbols) float64
        Decimal returns over the horizon; NaN where there is no forecast.
    dispersion : (n_sessions, n_symbols) float64
        Deviation of the members of the ensemble; 0 where there is one.
    fits : tuple of FitRecord
    """

    sessions: NDArray[np.datetime64]
    symbols: tuple[str, ...]
    values: NDArray[np.float64]
    dispersion: NDArray[np.float64]
    fits: tuple[FitRecord, ...]
