"""Every forecast that was shown, and the fits behind them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import backtrader as bt

from bt_lstm_rotation.analyzers.clock import clock_of
from bt_lstm_rotation.feeds.naming import FeedLabels
from bt_lstm_rotation.forecasting import FitRecord
from bt_lstm_rotation.indicators import Forecast

__all__ = ["ForecastHistory", "ShownForecast", "added_up"]

# How often what was missing was left out, carried on or counted as nothing, in bars.
COUNTS = ("left_out", "carried", "zeroed")

Reading = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class ShownForecast:
    """What one indicator has forecast.

    Parameters
    ----------
    symbol : str
        Its feed's label.
    horizon : int
        In bars.
    returns : dict of date to float
        Decimal returns over the horizon, where there was a forecast.
    dispersions : dict of date to float
        Deviation of an ensemble's members, above 0; without an ensemble, empty.
    """

    symbol: str
    horizon: int
    returns: dict[dt.date, float]
    dispersions: dict[dt.date, float] = field(default_factory=dict)


class ForecastHistory(bt.Analyzer):
    """Every forecast that the strategy's forecast indicators have shown.

    Of several indicators on one feed, the first is recorded; `left_out` counts the
    others. `specs` lists the forecasters' settings, `context` the feeds that they read
    and do not forecast, `shown` has a `ShownForecast` an
    indicator.

    ``get_analysis()`` gives a dict with ``forecasts``, date -> {feed name: decimal
    return over the horizon}; ``horizon``, in bars, or None without an indicator; and
    ``fits``, a list of FitRecord. `reading` says what the forecasters have read beside
    bars, as ``summary.json`` does.
    """

    def __init__(self) -> None:
        self.forecasts: dict[dt.date, dict[str, float]] = {}
        self.fits: list[FitRecord] = []
        self.specs: list[Any] = []
        self.context: list[str] = []
        self.left_out = 0
        self._horizons: dict[str, int] = {}
        self.reading: Reading = {}
        self._dispersions: dict[str, dict[dt.date, float]] = {}
        # Feed name, feed, and the indicator's lines.
        self._watched: list[tuple[str, Any, Any, Any]] | None = None
        self._sessions = clock_of(self)

    def prenext(self) -> None:
        """Record sessions on which some feed has not begun yet as well."""
        self.next()

    def next(self) -> None:
        """Record this session."""
        if self._watched is None:
            self._watched = self._watch()
        row, today = {}, self._sessions.today()
        for name, feed, line, dispersion in self._watched:
            value = float(line[0]) if self._sessions.shows_today(feed) else math.nan
            if math.isfinite(value):
                row[name] = value
                if dispersion[0] > 0:
                    self._dispersions[name][today] = float(dispersion[0])
        self.forecasts[today] = row

    def stop(self) -> None:
        """Record the fits, which are known in full only now."""
        pools = {id(one.pool): one.pool for one in self._indicators()}
        labels = FeedLabels(self.strategy)
        for pool in pools.values():
            self.context += [labels[each.feed] for each in pool.beside.context]
            self.specs.append(pool.spec)
            self.fits.extend(pool.fits)
            pool.warn_of_failure()
        self._watched = None
        self.reading = added_up(_reading(pool.beside) for pool in pools.values())

    @property
    def shown(self) -> list[ShownForecast]:
        """What each indicator has forecast."""
        return [
            ShownForecast(
                name,
                horizon,
                {day: row[name] for day, row in self.forecasts.items() if name in row},
                self._dispersions[name],
            )
            for name, horizon in self._horizons.items()
        ]

    def get_analysis(self) -> Any:
        """Return the record."""
        horizons = [*self._horizons.values()]
        return {
            "forecasts": self.forecasts,
            "horizon": horizons[-1] if horizons else None,
            "fits": self.fits,
        }

    def _watch(self) -> list[tuple[str, Any, Any, Any]]:
        labels, watched = FeedLabels(self.strategy), dict[str, Any]()
        indicators = self._indicators()
        for indicator in indicators:
            watched.setdefault(labels[indicator.data], indicator)
        self.left_out = len(indicators) - len(watched)
        self._horizons = {n: one.pool.spec.horizon for n, one in watched.items()}
        self._dispersions = {name: {} for name in watched}
        return [
            (name, one.data, one.lines.forecast, one.lines.dispersion)
            for name, one in watched.items()
        ]

    def _indicators(self) -> list[Any]:
        found = self.strategy.getindicators()
        return [indicator for indicator in found if isinstance(indicator, Forecast)]


def added_up(readings: Iterable[Reading]) -> Reading:
    """Return several as one; of one name, the first's settings and all counts."""
    found: dict[str, dict[str, Any]] = {}
    for reading in readings:
        for name, told in reading.items():
            if name in found:
                found[name] |= {each: found[name][each] + told[each] for each in COUNTS}
            else:
                found[name] = dict(told)
    return found


def _reading(beside: Any) -> Reading:
    """Say what is read beside bars, and how often it was missing."""
    kinds = (("input", beside.input_rules), ("context", beside.context_rules))
    return {
        rule.name: {
            "kind": kind,
            "missing": rule.missing,
            **asdict(beside.usage[rule.name]),
        }
        for kind, rules in kinds
        for rule in rules
    }
