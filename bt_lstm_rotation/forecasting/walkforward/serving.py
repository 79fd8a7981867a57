"""The model in force, and the forecasts that it makes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.forecaster import Model
from bt_lstm_rotation.forecasting.store.forecast_store import ForecastStore
from bt_lstm_rotation.forecasting.walkforward.contract import forecast_of, is_ours
from bt_lstm_rotation.forecasting.walkforward.ensemble import mean_and_deviation
from bt_lstm_rotation.forecasting.walkforward.task import stored_forecast
from bt_lstm_rotation.forecasting.window import BarHistory, Excerpt, Window
from bt_lstm_rotation.periods import NEVER

__all__ = ["Reader", "Serving"]

# Shown a model and the windows that it has just forecast, (n_sessions, n_symbols,
# forecast_bars); each session is the last date of its window.
Reader = Callable[[Model, Window], None]

# Sessions forecast in one go: bounds the memory of long periods.
BLOCK = 32


class Serving:
    """What serves from one fit to the next.

    Attributes
    ----------
    model : Model or None
    made_at : datetime64[D]
        The session of its fit; NaT while there is none.
    key : str
        Where it is stored; empty if it is not.
    answered, has_forecast : bool
        Whether a model has been asked for forecasts, and gave one that is not NaN.
    readers : list of callable
        Shown each model with what it forecasts; see `Reader`.
    """

    def __init__(
        self, history: BarHistory, forecast_bars: int, store: ForecastStore | None
    ) -> None:
        self.model: Model | None = None
        self.made_at: np.datetime64 = NEVER
        self.key = ""
        self.answered = self.has_forecast = False
        self.readers: list[Reader] = []
        self._history = history
        self._bars = forecast_bars
        self._store = store
        self._compared: np.datetime64 = NEVER

    def fill(
        self,
        sessions: NDArray[np.datetime64],
        wanted: NDArray[np.bool_],
        values: NDArray[np.float64],
    ) -> None:
        """Fill in `values`, (2, n, n_symbols), rows with the same symbols together."""
        model = self.model
        if model is None:
            return
        rows = np.flatnonzero(wanted)
        history = self._history
        known = np.isin(history.symbols, model.symbols)
        there = (history.age(sessions[rows]) == 0) & known
        for same in np.unique(there, axis=0):
            columns = np.flatnonzero(same)
            if not len(columns):
                continue
            symbols = [history.symbols[column] for column in columns]
            alike = rows[(there == same).all(axis=1)]
            for block in np.array_split(alike, -(-len(alike) // BLOCK)):
                shown = history.excerpt(symbols, sessions[block], self._bars)
                members = self._forecast(model, shown)
                self.answered = True
                for value, into in zip(
                    mean_and_deviation(members), values, strict=True
                ):
                    into[np.ix_(block, columns)] = value
                    self.has_forecast |= bool(np.isfinite(value).any())
                for read in self.readers:
                    read(model, shown.window)

    def _forecast(self, model: Model, shown: Excerpt) -> NDArray[np.float64]:
        # Bar by bar, looking up a forecast costs as much as making it.
        several = len(shown.sessions) > 1
        store = self._store if several else None
        key, values = stored_forecast(store, self.key, model, shown)
        if values is None:
            sample = self._compared != self.made_at and not is_ours(model)
            values = forecast_of(model, shown.window, sample=sample)
            if several:
                self._compared = self.made_at
            if store is not None and key:
                store.put(key, {"values": values})
        return values
