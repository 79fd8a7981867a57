"""Whether a run's own forecasts came true."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np

from bt_lstm_rotation.analyzers.derived import DerivedAnalyzer, defined
from bt_lstm_rotation.analyzers.forecasts import ForecastHistory
from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.feeds.sessions import SessionClock
from bt_lstm_rotation.measures.skill import returns_ahead, session_ic, skill

__all__ = ["ForecastSkill"]


class ForecastSkill(DerivedAnalyzer):
    """The skill of all forecasts that the strategy's forecast indicators have shown.

    ``get_analysis()`` gives a dict:

    - ``ic``, ``rank_ic``, ``hit_ratio``, ``mse_ratio``, ``sessions``,
      ``observations``: as in ``summary.json``; see `bt_lstm_rotation.measures.skill`
    - ``horizon``: in bars of each feed, or None without a forecast indicator
    - ``by_session``: date -> ``ic`` of the forecasts made at its close, for each
      session with forecasts; None where there is no correlation, such as of fewer than
      three feeds, or where returns are not known yet

    Forecasts of several horizons in one strategy count as being of the last one.
    """

    def __init__(self) -> None:
        super().__init__()
        self._forecasts = ForecastHistory()
        self._sessions = SessionClock(self.strategy)
        self._closes: dict[dt.date, dict[str, float]] = {}

    def next(self) -> None:
        """Record the closes that forecasts are held against."""
        row = self._closes.setdefault(self._sessions.today(), {})
        for feed in self.strategy.datas:
            if self._sessions.shows_today(feed):
                close = float(feed.close[0])
                # What is no price counts as no bar.
                if 0 < close < math.inf:
                    row[feed_name(feed)] = close

    def notify_corporate_action(self, data: Any, action: Any) -> None:
        """Bring a feed's closes so far into new units."""
        name = feed_name(data)
        for row in self._closes.values():
            if name in row:
                row[name] *= action.price

    def analysis(self) -> dict[str, Any]:
        """Hold every forecast against what came of it."""
        recorded = self._forecasts.get_analysis()
        made, horizon = recorded["forecasts"], recorded["horizon"]
        names = sorted({name for row in made.values() for name in row})
        days = sorted(self._closes)
        forecast = _table(made, days, names)
        close = _table(self._closes, days, names)
        realised = np.full(close.shape, np.nan)
        if horizon is not None:
            realised = returns_ahead(close, horizon)
        found = zip(days, session_ic(forecast, realised).tolist(), strict=True)
        return {
            **skill(forecast, realised),
            "horizon": horizon,
            "by_session": {day: defined(ic) for day, ic in found if made.get(day)},
        }


def _table(
    rows: dict[dt.date, dict[str, float]], days: list[dt.date], names: list[str]
) -> Any:
    values = [[rows.get(day, {}).get(name, np.nan) for name in names] for day in days]
    return np.array(values, dtype="float64").reshape(len(days), len(names))
