"""Forecasts beside others that lack something, and what they lose without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.evidence.importance.groups import Group
from bt_lstm_rotation.evidence.importance.permuting import Draw, Served
from bt_lstm_rotation.measures.inference.mean_test import MeanTest, mean_test
from bt_lstm_rotation.measures.skill import MIN_PAIRS, session_ic

__all__ = ["Compared"]

Array = NDArray[np.float64]

NONE = (np.nan, np.nan)


@dataclass(frozen=True, kw_only=True, eq=False)
class Compared:
    """Forecasts that others are compared with, and what came.

    Parameters
    ----------
    sessions : (n_sessions,) datetime64[D]
        Ascending.
    symbols : tuple of str
    base, came : (n_sessions, n_symbols) float64
        Forecast and realised decimal returns over the horizon, NaN for none.
    horizon : int
        In bars.

    Raises
    ------
    DataError
        If no session has a correlation between the two.
    """

    sessions: NDArray[np.datetime64]
    symbols: tuple[str, ...]
    base: Array
    came: Array
    horizon: int

    def __post_init__(self) -> None:
        if not np.isfinite(self.ic(self.base)).any():
            raise DataError(
                "no session has a correlation between forecasts and what came",
                valid=f"at least {MIN_PAIRS} symbols with forecasts that have matured",
            )

    def ic(self, values: Array) -> Array:
        """Correlate forecasts with what came, session by session."""
        return session_ic(values, self.came)

    def skill(self) -> tuple[MeanTest, NDArray[np.datetime64]]:
        """Return the mean coefficient of the base, and the sessions that have one."""
        ic = self.ic(self.base)
        return mean_test(ic, self.horizon), self.sessions[np.isfinite(ic)]

    def permuted(
        self, groups: Sequence[Group], served: Served, draws: Sequence[Draw]
    ) -> Iterator[dict[str, Any]]:
        """Give a row a group: forecasts with its columns from elsewhere."""
        known = np.isin(served.sessions, self.sessions)
        rows = np.searchsorted(self.sessions, served.sessions[known])
        order = [served.history.symbols.index(name) for name in self.symbols]
        found = served.permuted(groups, draws)[:, :, known][..., order]
        for group, each in zip(groups, found, strict=True):
            others = np.full((len(draws), *self.base.shape), np.nan)
            others[:, rows] = each
            yield self.row(group, others)

    def row(self, group: Group, others: Array) -> dict[str, Any]:
        """Compare with others, (n_others, n_sessions, n_symbols), pair by pair."""
        base = self.base
        pairs = [
            np.where(np.isfinite(base) & np.isfinite(other), [base, other], np.nan)
            for other in others
        ]
        ics = np.array([[self.ic(own), self.ic(other)] for own, other in pairs])
        drops = (ics[:, 0] - ics[:, 1]).mean(axis=0)
        test, known = mean_test(drops, self.horizon), np.isfinite(drops)
        with_it, without = ics[:, :, known].mean(axis=(0, 2)) if known.any() else NONE
        return {
            "name": group.name,
            "kind": group.kind,
            "members": list(group.members),
            "ic": with_it,
            "ic_without": without,
            "drop": test.mean,
            "error": test.error,
            "t": test.t,
            "p": test.p_above,
            "sessions": test.sessions,
            "note": "",
        }
