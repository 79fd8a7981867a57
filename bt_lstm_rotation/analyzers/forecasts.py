"""Every forecast that was shown, and the fits behind them."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import backtrader as bt

from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.feeds.sessions import SessionClock
from bt_lstm_rotation.forecasting import FitRecord
from bt_lstm_rotation.indicators import Forecast

__all__ = ["ForecastHistory"]


class ForecastHistory(bt.Analyzer):
    """Every forecast that the strategy's forecast indicators have shown.

    ``get_analysis()`` gives a dict with ``forecasts``, date -> {feed name: decimal
    return over the horizon}; ``horizon``, in bars, or None without an indicator; and
    ``fits``, a list of FitRecord.
    """

    def __init__(self) -> None:
        self.forecasts: dict[dt.date, dict[str, float]] = {}
        self.horizon: int | None = None
        self.fits: list[FitRecord] = []
        self._sessions = SessionClock(self.strategy)

    def prenext(self) -> None:
        """Record sessions on which some feed has not begun yet as well."""
        self.next()

    def next(self) -> None:
        """Record this session."""
        row = {}
        for indicator in self._indicators():
            feed = indicator.data
            if self._sessions.shows_today(feed):
                value = float(indicator.l.forecast[0])
                if math.isfinite(value):
                    row[feed_name(feed)] = value
        self.forecasts[self._sessions.today()] = row

    def stop(self) -> None:
        """Record the fits, which are known in full only now."""
        pools = {id(one.pool): one.pool for one in self._indicators()}
        for pool in pools.values():
            self.horizon = pool.spec.horizon
            self.fits.extend(pool.fits)
            pool.warn_of_failure()

    def get_analysis(self) -> Any:
        """Return the record."""
        return {
            "forecasts": self.forecasts,
            "horizon": self.horizon,
            "fits": self.fits,
        }

    def _indicators(self) -> list[Any]:
        found = self.strategy.getindicators()
        return [indicator for indicator in found if isinstance(indicator, Forecast)]
