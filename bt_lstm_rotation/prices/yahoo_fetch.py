"""The one place that knows of yfinance: daily bars, or an error that says why not.

``yfinance.download`` never raises. ``Ticker.history(raise_errors=True)`` does, but asks
for the exchange's time zone first, and takes a lost connection there for an unknown
symbol. With ``config.debug.hide_exceptions`` off both failures can be seen.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pandas as pd

from bt_lstm_rotation.errors import SourceError
from bt_lstm_rotation.wording import in_words

__all__ = ["UnknownHostError", "fetch_yahoo", "is_not_found"]

logger = logging.getLogger(__name__)

# yfinance's settings are one for the process, so only one fetch at a time changes them.
_settings = threading.Lock()

# curl's codes of a proxy's name and a host's that cannot be looked up.
NAMELESS = (5, 6)


class UnknownHostError(ConnectionError):
    """A server whose name cannot be looked up."""


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
    # What it has to say reaches us as an error, and is said in our words.
    theirs = logging.getLogger("yfinance")
    level = theirs.level
    if level == logging.NOTSET:
        theirs.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        debug.hide_exceptions = hidden
        theirs.setLevel(level)


def is_not_found(error: BaseException | None) -> bool:
    """Whether the server's name could not be looked up, as without a network."""
    kinds = (socket.gaierror, UnknownHostError)
    return any(
        isinstance(one, kinds)
        or type(one).__name__ == "NameResolutionError"  # of urllib3, below `requests`
        or _curl_code(one) in NAMELESS
        for one in _chain(error)
    )


def _http_status(error: BaseException) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


def _translated(symbol: str, error: Exception) -> Exception:
    """Turn whatever yfinance raised into OSError, if it may pass, or SourceError."""
    from yfinance.exceptions import YFDataException, YFRateLimitError

    if isinstance(error, YFRateLimitError):
        return ConnectionError("Yahoo refuses so many requests (HTTP 429)")
    if isinstance(error, YFDataException):
        return ConnectionError(f"Yahoo has no data just now: {_short(error)}")
    if isinstance(error, json.JSONDecodeError):
        return ConnectionError("Yahoo sends a page instead of data (HTTP 5xx)")
    if is_not_found(error):
        return UnknownHostError("Yahoo's server cannot be found; is there a network?")
    # The time-outs and lost connections of both HTTP libraries are OSErrors. Without
    # curl_cffi, yfinance 1.7 trips over one while it handles it, and the OSError is
    # only the context of an AttributeError.
    cause = next((one for one in _chain(error) if isinstance(one, OSError)), None)
    if cause is None:
        return SourceError(
            f"{symbol}: Yahoo's answer cannot be read ({in_words(error)})"
        )
    if (status := _http_status(cause)) is not None:
        return ConnectionError(f"Yahoo fails (HTTP {status})")
    if "timeout" in type(cause).__name__.lower():
        return ConnectionError(f"Yahoo does not answer in time ({_short(cause)})")
    # What the system says is shorter than what libraries make of it.
    plain = [one.strerror for one in _chain(error) if isinstance(one, OSError)]
    reason = next((text for text in plain if text), _short(cause))
    return ConnectionError(f"Yahoo cannot be reached ({reason})")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Give an error and those it came of, which may be in a circle, each once."""
    seen: set[int] = set()
    left: list[object] = [error]
    while left:
        one = left.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            # `requests` also hands on what went wrong as an argument, or a reason.
            left += [one.__cause__, one.__context__, *one.args]
            left.append(getattr(one, "reason", None))


def _curl_code(error: BaseException) -> int | None:
    code = getattr(error, "code", None)
    return (
        int(code) if type(error).__module__.startswith("curl_cffi") and code else None
    )


def _short(error: BaseException) -> str:
    """Cut off what libraries say around a reason."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = text.partition(" See http")[0].rpartition("curl: ")[2]
    return text.rstrip(".")[:120]
