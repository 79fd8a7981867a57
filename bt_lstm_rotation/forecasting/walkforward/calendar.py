"""When a fit is due, and which symbols take part in it.

A fit is due at the first session of each calendar period. A session is *seasoned* for a
symbol that has a bar on it and `fit_bars` bars up to it. Only sessions seasoned for
some symbol count here, so that a listing without enough history changes nothing for the
others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import HistoryError, SpecError
from bt_lstm_rotation.forecasting.forecaster import Spec
from bt_lstm_rotation.forecasting.walkforward.contract import check_spec
from bt_lstm_rotation.forecasting.window import BarHistory
from bt_lstm_rotation.periods import NEVER, STALE_AFTER, period_of, stale_after
from bt_lstm_rotation.prices import PricePanel

__all__ = ["RetrainCalendar", "first_forecast", "first_of", "fit_members"]


class RetrainCalendar:
    """Says which fit is in force at a session, whether or not it has been made."""

    def __init__(self, spec: Spec, history: BarHistory) -> None:
        self._spec = spec
        self._history = history
        self._period: int | None = None
        self._in_force: np.datetime64 = NEVER

    def advance(self, sessions: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
        """Return when the fit in force at each of the next sessions is due.

        Parameters
        ----------
        sessions : (n,) datetime64[D]
            Ascending, all after those of the call before.

        Returns
        -------
        (n,) datetime64[D]
            NaT where none is. The very first period has no fit: whether the first
            session of the history also began it cannot be known.
        """
        counts, ages = self._history.counts(sessions), self._history.age(sessions)
        seasoned = (counts >= self._spec.fit_bars) & (ages == 0)
        rows = np.flatnonzero(seasoned.any(axis=1))
        in_force = np.full(len(sessions), NEVER)
        for row, period in zip(
            rows, period_of(sessions[rows], self._spec.retrain), strict=True
        ):
            if self._period is not None and period != self._period:
                joined = fit_members(self._spec, self._history, sessions[row])
                if len(joined) >= self._spec.min_symbols:
                    self._in_force = sessions[row]
            self._period = int(period)
            in_force[row] = self._in_force
        return in_force


def fit_members(spec: Spec, history: BarHistory, session: np.datetime64) -> list[str]:
    """Return those with `fit_bars` bars that have not stopped trading.

    Their last bar is not older than `stale_after` makes of the bars' own spacing.
    """
    at = np.array([session])
    enough = history.counts(at)[0] >= spec.fit_bars
    ages = history.age(at)[0]

    def trades(symbol: str, age: int) -> bool:
        # Mostly the first comparison is enough, and a median takes its time.
        return age <= STALE_AFTER or age <= stale_after(history.gaps(symbol, session))

    return [
        symbol
        for symbol, seasoned, age in zip(history.symbols, enough, ages, strict=True)
        if seasoned and trades(symbol, age)
    ]


def first_forecast(panel: PricePanel, spec: Spec) -> np.datetime64:
    """Return the first session that can have a forecast, as datetime64[D].

    The panel has the sectors' bars, without the benchmark.

    Raises
    ------
    HistoryError
        If there is none: how many sessions are needed, and how many there are.
    SpecError
        If it is no spec, or symbols are to be compared with each other and there are
        too few.
    """
    check_spec(spec)
    return first_of(BarHistory.from_panel(panel), spec)


def first_of(history: BarHistory, spec: Spec) -> np.datetime64:
    """Return that of a history; raises as `first_forecast` does."""
    sessions = history.sessions()
    in_force = RetrainCalendar(spec, history).advance(sessions)
    possible = np.flatnonzero(~np.isnat(in_force))
    if len(possible):
        first: np.datetime64 = sessions[possible[0]]
        return first
    counts = sorted(history.counts(sessions).max(axis=0, initial=0).tolist())[::-1]
    if len(counts) < spec.min_symbols:
        raise SpecError(
            type(spec).__name__,
            "the number of symbols",
            len(counts),
            f"at least {spec.min_symbols}, as it compares them with each other; one is "
            "enough with target='plain' and without cross-sectional features",
        )
    available = counts[spec.min_symbols - 1]
    raise HistoryError(
        f"not enough history for a fit of {type(spec).__name__}, which waits for the "
        "first session of a period",
        needed=max(spec.fit_bars, available) + 1,
        available=available,
        valid="a shorter train_size or lookback needs less",
    )
