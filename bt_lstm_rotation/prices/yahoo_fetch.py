"""The one place that knows of yfinance: daily bars, or an error that says why not.

``yfinance.download`` never raises. ``Ticker.history(raise_errors=True)`` does, but asks
for the exchange's time zone first, and takes a lost connection there for an unknown
symbol. With ``config.debug.hide_exceptions`` off both failures can be seen.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pandas as pd

from bt_lstm_rotation.errors import SourceError

__all__ = ["fetch_yahoo"]

logger = logging.getLogger(__name__)

# yfinance's settings are one for the process, so only one fetch at a time changes them.
_settings = threading.Lock()


def fetch_yahoo(
    symbols: Sequence[str],
    start: dt.date,
    end: dt.date,
    *,
    session: Any = None,
) -> dict[str, pd.DataFrame]:
    """Fetch daily bars through yfinance, `start` and `end` included.

    Parameters
    ----------
    session : requests.Session or curl_cffi.requests.Session, optional
        What to fetch with; yfinance's own by default.

    Returns
    -------
    dict of str to DataFrame
        Columns ``Open High Low Close Adj Close Volume``, adjusted for splits but not
        for dividends, indexed by the exchange's midnight. Rows without prices are kept.
        A symbol without bars in the range is left out, and Yahoo's reason logged.

    Raises
    ------
    OSError
        If asking again may help: refused for too many requests (HTTP 429), a time-out,
        no connection, a server that fails (HTTP 5xx).
    SourceError
        If the answer cannot be read.
    """
    # Imported here, for it takes a second, and most runs find all they need in the
    # cache.
    import yfinance
    from yfinance.exceptions import YFTickerMissingError

    frames = {}
    with _settings, _errors_shown(yfinance):
        for symbol in symbols:
            try:
                bars = yfinance.Ticker(symbol, session=session).history(
                    start=start,
                    end=end + dt.timedelta(days=1),
                    auto_adjust=False,
                    actions=False,
                    keepna=True,
                )
            except YFTickerMissingError as error:
                logger.warning("Yahoo has no bars: %s", error)
            except Exception as error:
                if _http_status(error) != 404:
                    raise _translated(symbol, error) from error
                logger.warning("Yahoo does not know %s (HTTP 404)", symbol)
            else:
                if not bars.empty:
                    frames[symbol] = bars
    return frames


@contextmanager
def _errors_shown(yfinance: Any) -> Iterator[None]:
    from yfinance.data import YfData

    # It also remembers answers for as long as the process lives, a failing server's
    # among them: without this, no second attempt would ever leave the machine.
    YfData.cache_get.cache_clear()
    debug = yfinance.config.debug
    hidden = debug.hide_exceptions
    debug.hide_exceptions = False
    try:
        yield
    finally:
        debug.hide_exceptions = hidden


def _http_status(error: BaseException) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


def _translated(symbol: str, error: Exception) -> Exception:
    """Turn whatever yfinance raised into OSError, if it may pass, or SourceError."""
    from yfinance.exceptions import YFDataException, YFRateLimitError

    if isinstance(error, YFRateLimitError):
        return ConnectionError(f"{symbol}: Yahoo refuses so many requests (HTTP 429)")
    if isinstance(error, YFDataException):
        return ConnectionError(f"{symbol}: {error}")
    if isinstance(error, json.JSONDecodeError):
        return ConnectionError(f"{symbol}: a page instead of data (HTTP 5xx)")
    # The time-outs and lost connections of both HTTP libraries are OSErrors. Without
    # curl_cffi, yfinance 1.7 trips over one while it handles it, and the OSError is
    # only the context of an AttributeError.
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            return ConnectionError(f"{symbol}: {type(cause).__name__}: {cause}")
        cause = cause.__context__
    return SourceError(
        f"{symbol}: Yahoo's answer cannot be read ({type(error).__name__}: {error})"
    )
