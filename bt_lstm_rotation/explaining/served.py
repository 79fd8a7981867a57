"""The network in force at a session, and the bars that it was fitted on and reads."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np

from bt_lstm_rotation.errors import DataError, closest
from bt_lstm_rotation.forecasting import (
    BarHistory,
    ForecastSpec,
    Training,
    WalkForward,
    Window,
)
from bt_lstm_rotation.forecasting.forecaster import Model
from bt_lstm_rotation.forecasting.recurrent.model import RecurrentModel
from bt_lstm_rotation.forecasting.walkforward.calendar import first_of

__all__ = ["Served", "checked_session", "serve"]


@dataclass(frozen=True, eq=False)
class Served:
    """What stands behind the forecasts of one session.

    Parameters
    ----------
    model : RecurrentModel
    made_at : datetime64[D]
        The session of its fit.
    fitted_on : Window
        ``(n_symbols, fit_bars)``.
    read : Window
        ``(n_symbols, forecast_bars)``, up to the session.
    """

    model: RecurrentModel
    made_at: np.datetime64
    fitted_on: Window
    read: Window


def checked_session(
    history: BarHistory, symbol: str, session: dt.date | None
) -> np.datetime64:
    """Return the session that is meant, a symbol's last by default.

    Raises DataError, with the nearest, unless the symbol is there and has a bar on it.
    """
    if symbol not in history.symbols:
        valid = closest(symbol, history.symbols)
        raise DataError("no such symbol among the bars", symbol=symbol, valid=valid)
    sessions = history.sessions()
    own = history.age(sessions)[:, history.symbols.index(symbol)]
    days = sessions[own == 0]
    # A bar that a forecast leaves out is none of its history.
    none = "no bar" if not history.extra else "no bar with all that is read beside it"
    if not len(days):
        raise DataError(none, symbol=symbol)
    if session is None:
        last: np.datetime64 = days[-1]
        return last
    day = np.datetime64(session, "D")
    if day not in days:
        nearest = days[np.argmin(np.abs((days - day).astype(np.int64)))]
        raise DataError(
            f"{none} on this date",
            symbol=symbol,
            session=str(day),
            valid=f"the nearest is on {nearest}",
        )
    return day


def serve(
    history: BarHistory,
    spec: ForecastSpec,
    session: np.datetime64,
    training: Training,
) -> Served:
    """Return what forecasts a session: found in the store, or fitted.

    Raises
    ------
    DataError
        If there is no forecast on it.
    """
    first = first_of(history, spec)
    if session < first:
        raise DataError(
            "no forecast yet",
            session=str(session),
            valid=f"the first is possible on {first}",
        )
    # A fit that begins where the last one ended needs all of those before.
    start = None if spec.warm_start else session
    walk = WalkForward(spec, history, start=start, training=training)
    shown: list[tuple[Model, Window]] = []
    walk.readers.append(lambda model, window: shown.append((model, window)))
    sessions = history.sessions()
    walk.forecast(sessions[sessions <= session])
    walk.failure()
    for model, window in reversed(shown):
        if isinstance(model, RecurrentModel) and window.dates[-1, 0, -1] == session:
            break
    else:
        raise DataError("no network was in force", session=str(session))
    made_at = walk.fits_[-1].served_by
    past = history.window(model.symbols, np.array([made_at]), spec.fit_bars)
    return Served(
        model,
        made_at,
        replace(past, dates=past.dates[0], bars=past.bars[:, 0]),
        replace(window, dates=window.dates[-1], bars=window.bars[:, -1]),
    )
