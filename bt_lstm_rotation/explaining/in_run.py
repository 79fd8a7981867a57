"""``explain_forecast``: open a forecast of a strategy, with the lines that it reads."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from bt_lstm_rotation.checks import check_date
from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.explaining.explanation import Explanation
from bt_lstm_rotation.explaining.opened import explained
from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.feeds.sessions import dates_of
from bt_lstm_rotation.forecasting import ForecastSpec, Training
from bt_lstm_rotation.indicators import Forecast

__all__ = ["explain_forecast"]


def explain_forecast(
    forecast: Any,
    session: dt.date | None = None,
    *,
    training: Training | None = None,
) -> Explanation:
    """Open a forecast of an `LSTMForecast`, as `explain` does, in its run or after it.

    What it reads beside bars, such as lines of Backtrader, is there as it was read.

    Parameters
    ----------
    forecast : LSTMForecast
        A feed's, such as ``LSTMForecast(self.data)``, or one of
        ``LSTMForecast.pooled(...)``.
    session : date, optional
        When, at most the bar that the feed shows, which is the default: in ``next`` of
        a strategy that of now, and after the run its last.
    training : Training, optional
        How fits are made that are not in the store; by default as those of the run are,
        and kept where they are.

    Raises
    ------
    SpecError
        If it is no `LSTMForecast`, or its forecaster is no network.
    DataError
        If the feed shows no bar yet, there is none on the session or it is later, or
        there is no forecast yet.
    """
    owner = "explain_forecast"
    if not isinstance(forecast, Forecast):
        valid = "an LSTMForecast of a strategy; of bars alone, explain(prices, ...)"
        raise SpecError(owner, "forecast", type(forecast).__name__, valid)
    check_date(owner, "session", session)
    pool, feed = forecast.pool, forecast.data
    if not isinstance(pool.spec, ForecastSpec):
        valid = "that of a ForecastSpec: networks have gates"
        raise SpecError(owner, "forecast", type(pool.spec).__name__, valid)
    symbol = feed_name(feed)
    if not len(feed):
        raise DataError("the feed shows no bar yet", symbol=symbol)
    now = dates_of(feed).session(feed.lines.datetime[0]).astype(object)
    if session is not None and session > now:
        raise DataError(
            "later than the bar that the feed shows",
            symbol=symbol,
            session=str(session),
            valid=f"at most {now}",
        )
    if training is None:
        # What hears of the run's fits need not hear of these.
        training = replace(pool.training, journal=None, served=None, announce=None)
    return explained(
        pool.history,
        pool.spec,
        symbol,
        now if session is None else session,
        training=training,
        source="",
    )
