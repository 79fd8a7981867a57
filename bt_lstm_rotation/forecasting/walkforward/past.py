"""What an account has forecast and fitted before, taken as it was made.

A backtest makes everything anew. A paper account must not: a network that was trained
by another version of TensorFlow, or on another processor, may differ in its last bits
from one that would be trained now, and it is the one that was traded on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.forecaster import Forecaster, Model, Spec, Storable
from bt_lstm_rotation.forecasting.walkforward.records import FitRecord
from bt_lstm_rotation.periods import NEVER

__all__ = ["FitJournal", "Past"]

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Past:
    """What one walk has made, up to and including a session.

    Parameters
    ----------
    until : datetime64[D]
        Sessions up to here are not forecast again, nor is a fit made for them.
    sessions : (n,) datetime64[D]
        Those that had a forecast, ascending, none after `until`.
    values : (2, n, n_symbols) float64
        Mean and deviation over the members, NaN where there was none; columns as the
        symbols are sorted.
    fits : tuple of FitRecord
        All of them, oldest first.
    weights : mapping of datetime64[D] to arrays
        Of every fit that was good, by its session.
    """

    until: np.datetime64
    sessions: NDArray[np.datetime64]
    values: NDArray[np.float64]
    fits: tuple[FitRecord, ...]
    weights: Mapping[np.datetime64, Arrays]

    def at(self, sessions: NDArray[np.datetime64]) -> NDArray[np.float64]:
        """Return (2, n, n_symbols) for some sessions, NaN where there was none."""
        found = np.full((2, len(sessions), self.values.shape[2]), np.nan)
        if len(self.sessions):
            last = len(self.sessions) - 1
            rows = np.minimum(np.searchsorted(self.sessions, sessions), last)
            there = self.sessions[rows] == sessions
            found[:, there] = self.values[:, rows[there]]
        return found

    def model(self, forecaster: Forecaster) -> Model | None:
        """Return the network in force, made of its weights; None if there is none."""
        served_by = self.fits[-1].served_by if self.fits else NEVER
        for fit in reversed(self.fits):
            if fit.session == served_by and isinstance(forecaster, Storable):
                return forecaster.from_arrays(
                    fit.symbols, self.weights[served_by]
                ).model
        return None


@runtime_checkable
class FitJournal(Protocol):
    """Keeps what walks make, and gives it back in a later run."""

    def past(self, spec: Spec, symbols: Sequence[str]) -> Past | None:
        """Return what a walk with these settings over these symbols has made."""
        ...

    def keep(
        self, spec: Spec, symbols: Sequence[str], session: np.datetime64, arrays: Arrays
    ) -> None:
        """Take the weights of a fit that was made, or found, in this run."""
        ...
