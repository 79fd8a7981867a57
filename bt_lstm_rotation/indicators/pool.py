"""One walk-forward over several Backtrader feeds, joined by date.

Backtrader joins feeds by row: with a day missing in one of them, an indicator over
several feeds reads yesterday's bar of one beside tomorrow's of another. A pool joins
them by date. Each feed gets an indicator of its own, whose clock is that feed, so it is
on time in every mode; the indicators of a pool share its networks.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.feeds.bar_order import (
    BarOrder,
    check_one_time,
    different_times,
    loaded_numbers,
    require_daily,
)
from bt_lstm_rotation.feeds.bars import last_bar, loaded_bars
from bt_lstm_rotation.feeds.naming import feed_names
from bt_lstm_rotation.feeds.sessions import dates_of
from bt_lstm_rotation.feeds.unadjusted import warn_of_unadjusted
from bt_lstm_rotation.forecasting import BarHistory, FitRecord, Training, WalkForward
from bt_lstm_rotation.forecasting.forecaster import Spec
from bt_lstm_rotation.forecasting.walkforward.contract import check_spec
from bt_lstm_rotation.forecasting.walkforward.training import default_training
from bt_lstm_rotation.indicators.beside_feeds import BesideFeeds
from bt_lstm_rotation.indicators.run import ForecastRun, GivenBars, RestatedBars
from bt_lstm_rotation.indicators.volatility import volatilities
from bt_lstm_rotation.indicators.volumes import VolumeWatch
from bt_lstm_rotation.indicators.whole_bars import WholeBars
from bt_lstm_rotation.periods import NEVER
from bt_lstm_rotation.prices.corporate_actions import CorporateAction
from bt_lstm_rotation.prices.validity import (
    BarValidator,
    describe_invalid,
    has_price,
    known_volume,
)

__all__ = ["ForecastPool"]

logger = logging.getLogger(__name__)


class ForecastPool:
    """Forecasts for some feeds, made once a session.

    Parameters
    ----------
    feeds : sequence of bt.DataBase
        With different names.
    spec : Spec
        A forecaster's.
    start : datetime64[D], optional
        First session on which a forecast is wanted.
    training : Training, optional
        How fits are made; by default they are kept, and shown to whoever watches.
    inputs, context
        What is read beside the bars (`bt_lstm_rotation.indicators.beside`).
    benchmark : bt.DataBase, optional
        What features are measured against that need one.

    Raises
    ------
    StrategyError
        If there are no feeds, or their names are missing or repeated.
    SpecError
        If `spec` is not one, compares symbols with each other and there is only one, or
        reads bars alone and is given more.
    """

    def __init__(
        self,
        feeds: Sequence[Any],
        spec: Spec,
        *,
        start: np.datetime64 | None = None,
        training: Training | None = None,
        inputs: Mapping[str, Any] | None = None,
        context: Sequence[Any] = (),
        benchmark: Any = None,
    ) -> None:
        names = feed_names(feeds)
        require_daily(feeds)
        warn_of_unadjusted(feeds)
        check_spec(spec)
        if len(names) < spec.min_symbols:
            raise SpecError(
                type(spec).__name__,
                "target and features",
                f"{len(names)} feed and a comparison between feeds",
                "target='plain' without cross-sectional features for a single feed, "
                "or LSTMForecast.pooled(feeds) for several",
            )
        self._feeds = dict(zip(names, feeds, strict=True))
        self._names = {id(feed): name for name, feed in self._feeds.items()}
        columns = getattr(spec, "feature_columns", ())
        if not any(column.needs_benchmark for column in columns):
            benchmark = None
        self.beside = BesideFeeds(self._feeds, inputs, context, benchmark)
        spec = self.beside.read_by(spec)
        self.history = BarHistory(names, tuple(self.beside.usage))
        run: ForecastRun | None = getattr(feeds[0]._env, "forecast_run", None)
        if training is None:
            training = default_training() if run is None else run.training
        if not isinstance(training, Training):
            valid = "Training(...), or None"
            raise SpecError("Forecast", "training", training, valid)
        self._walk = WalkForward(spec, self.history, start=start, training=training)
        self.readers = self._walk.readers  # shown what serves, and forecasts
        self.training = training
        self.whole: WholeBars | None = None  # filled, if it is set before the run
        self._seen = dict.fromkeys(names, 0)
        self._series = {name: BarValidator() for name in names}
        self._dates = {name: dates_of(feed) for name, feed in self._feeds.items()}
        self._order = {
            name: BarOrder(feed, self._dates[name], daily=True)
            for name, feed in self._feeds.items()
        }
        self._volumes = VolumeWatch(self.spec, self.history, self._series)
        self._session = NEVER
        self._latest: dict[str, list[float]] = {}
        self._warned = False
        self._ahead: dict[str, NDArray[np.float64]] | None = None
        self._given: GivenBars | None = None
        self._restated: RestatedBars | None = None
        if run is not None and run.panel is not None:
            if self.beside:
                self._restated = RestatedBars(run.panel)
                self.beside.restated_by(run.panel)
            else:
                self._given = GivenBars(run.panel, self._walk)

    @property
    def spec(self) -> Spec:
        """Which forecaster."""
        return self._walk.spec

    @property
    def symbols(self) -> tuple[str, ...]:
        """The feeds' names, sorted."""
        return tuple(self.history.symbols)

    @property
    def fits(self) -> tuple[FitRecord, ...]:
        """The fits so far."""
        return tuple(self._walk.fits_)

    def now(self, feed: Any) -> tuple[float, float]:
        """Forecast from the bar that a feed shows, in a run that goes bar by bar.

        Returns
        -------
        forecast, dispersion : float
            Decimal returns over the horizon, or NaN.

        Raises
        ------
        DataError
            If a session has more than one bar, or lies before an earlier bar's.
        StrategyError
            If the feeds' bars of one session have different times of day.
        """
        name = self._names[id(feed)]
        session = self._dates[name].session(feed.lines.datetime[0])
        if self._given is not None:
            return self._given.now(name, session)
        if session == self._session and len(feed) == self._seen[name]:
            forecast, dispersion = self._latest[name]  # the first feed asked for all
            return forecast, dispersion
        news = [
            self._take(other_name, other)
            for other_name, other in self._feeds.items()
            if len(other)
            and self._dates[other_name].session(other.lines.datetime[0]) == session
        ]
        if any(news):
            if session == self._session:
                raise different_times(session)
            self._volumes.check(np.array([session]))
            values = self._walk.forecast(np.array([session]))[:, 0].T.tolist()
            self._latest = dict(zip(self.history.symbols, values, strict=True))
            self._session = session
        if session != self._session:
            return math.nan, math.nan  # a feed that shows an old bar, or invalid ones
        forecast, dispersion = self._latest[name]
        return forecast, dispersion

    def restate(self, feed: Any, action: CorporateAction) -> None:
        """Bring a feed's bars before the one that it shows into new units.

        What was forecast stays. A network that was trained on old units goes on in new
        ones: features are ratios, but for rounding and the log(1 + x) of ``volume``.
        """
        if self._given is not None or self._restated is not None:
            return  # its bars are in the last units all along
        name = self._names[id(feed)]
        session = self._dates[name].session(feed.lines.datetime[0])
        for kept in (self.history, *([self.whole.bars] if self.whole else [])):
            kept.restate(name, action, session)

    def all(self, feed: Any) -> NDArray[np.float64]:
        """Forecast all bars of a feed, in a run whose bars are loaded already.

        Returns (2, n_bars) float64: forecast and dispersion, decimal returns over the
        horizon, NaN where there is none. Raises as `now` does.
        """
        if self._ahead is None:
            self._ahead = self._forecast_ahead()
        return self._ahead[self._names[id(feed)]]

    def volatilities(self, session: np.datetime64) -> dict[str, float]:
        """Return how much each feed's close has moved a day (`volatility`)."""
        return volatilities(self.history, session)

    def overdue(self, session: np.datetime64) -> int:
        """Count the fits up to a session that have failed since the one in force."""
        return self._walk.overdue(session)

    def warn_of_failure(self) -> bool:
        """Whether fits have led to no forecast at all; the first call warns of it.

        It is asked at the end of a run. Raises FitsError if every fit has failed.
        """
        failure = self._walk.failure()
        if failure and not self._warned:
            logger.warning("%s", failure)
            self._warned = True
        return bool(failure)

    def _take(self, name: str, feed: Any) -> bool:
        """Add the bar a feed shows, unless it was added; say whether it was."""
        if len(feed) == self._seen[name]:
            return False
        self._seen[name] = len(feed)
        numbers = np.array([feed.lines.datetime[0]])
        if self._restated is None:
            bars = last_bar(feed)
        else:
            bars = self._restated.bar(name, self._dates[name].session(numbers[0]))
        return self._add(name, numbers, bars, self.beside.now(name)) > 0

    def _forecast_ahead(self) -> dict[str, NDArray[np.float64]]:
        own: dict[str, NDArray[np.datetime64]] = {}
        for name, feed in self._feeds.items():
            own[name], bars = loaded_bars(feed)
            if self._given is None:
                beside = self.beside.loaded(name)
                self._add(name, loaded_numbers(feed), bars, beside)
        check_one_time(self._feeds.values())
        sessions = self.history.sessions()
        self._volumes.check(sessions)
        values = self._walk.forecast(sessions)
        self.warn_of_failure()
        ahead = {}
        for column, name in enumerate(self.history.symbols):
            there = np.isin(own[name], sessions)  # unless its bar does not count
            row = np.searchsorted(sessions, own[name][there])
            ahead[name] = np.full((2, len(there)), np.nan)
            ahead[name][:, there] = values[:, row, column]
        return ahead

    def _add(
        self,
        name: str,
        numbers: NDArray[np.float64],
        bars: NDArray[np.float64],
        beside: NDArray[np.float64],
    ) -> int:
        """Add a feed's valid bars to the history; return how many these are."""
        self._order[name].check(numbers)
        sessions = self._dates[name].sessions(numbers)
        self._volumes.warn(name, sessions[~known_volume(bars[4])])
        good = self._series[name].is_valid(bars)
        bad = sessions[~good & has_price(bars)]
        if len(bad):
            logger.warning("%s", describe_invalid(name, bad))
        if self.whole is not None:
            came = np.concatenate([bars[:, good], beside[:, good]])
            self.whole.bars.extend(name, sessions[good], came)
        rows, kept = self.beside.join(name, beside[:, good])
        there = np.flatnonzero(good)[kept]
        whole = np.concatenate([bars[:, there], rows[:, kept]])
        self.history.extend(name, sessions[there], whole)
        return len(there)
