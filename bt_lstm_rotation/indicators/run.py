"""What whoever builds a Cerebro can say about the forecasts of its run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting import Training, WalkForward
from bt_lstm_rotation.prices import PricePanel

__all__ = ["ForecastRun", "GivenBars", "RestatedBars"]


@dataclass(frozen=True, eq=False)
class ForecastRun:
    """How a run's forecasts are made, as ``cerebro.forecast_run``.

    It reaches the forecasts of anybody's strategy, which may have no param for it.

    Parameters
    ----------
    training : Training
        How fits are made, where a forecast is not told otherwise.
    panel : PricePanel, optional
        The bars that forecasts are made from, by the names of the feeds; by default
        those that the feeds show. They are the feeds' bars, in one unit: a feed may
        split on the way.
    """

    training: Training
    panel: PricePanel | None = None


class GivenBars:
    """A panel's bars in place of those that feeds show, and what is forecast of them.

    All sessions are forecast at once, when the first is asked for.
    """

    def __init__(self, panel: PricePanel, walk: WalkForward) -> None:
        self._walk = walk
        self._made: dict[Any, NDArray[np.float64]] = {}
        for name in walk.history.symbols:
            column = panel.symbols.index(name)
            rows = panel.traded[:, column]
            bars = panel.bars[:, rows, column]
            walk.history.extend(name, panel.sessions[rows], bars)

    def now(self, name: str, session: np.datetime64) -> tuple[float, float]:
        """Return a symbol's forecast and dispersion at a session of the panel."""
        history = self._walk.history
        if not self._made:
            sessions = history.sessions()
            values = self._walk.forecast(sessions).transpose(1, 2, 0)
            self._walk.failure()  # raises, before anything is traded on
            self._made = dict(zip(sessions.tolist(), values, strict=True))
        made = self._made[session.astype(object)]
        forecast, dispersion = made[history.symbols.index(name)].tolist()
        return forecast, dispersion


class RestatedBars:
    """A panel's bars in place of those that feeds show, one by one.

    For forecasts that read other lines too, which are not known ahead.
    """

    def __init__(self, panel: PricePanel) -> None:
        self._panel = panel

    def bar(self, name: str, session: np.datetime64) -> NDArray[np.float64]:
        """Return a symbol's bar at a session of the panel, (5, 1)."""
        panel = self._panel
        row = int(np.searchsorted(panel.sessions, session))
        return panel.bars[:, row, [panel.symbols.index(name)]]
