"""A Yahoo Finance in memory, for yfinance to talk to.

Mounted into a `requests.Session`, it answers the chart endpoint as Yahoo does, and the
cookie and crumb endpoints that yfinance asks first. `failure` makes it fail.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import requests
from requests.adapters import BaseAdapter

from bt_lstm_rotation.prices.yahoo import YahooPrices, fetch_yahoo

NEW_YORK = ZoneInfo("America/New_York")
OPENING = dt.time(9, 30)
FIELDS = ("Open", "High", "Low", "Close", "Volume")


def bars_of(first: str, sessions: int, close: float = 100.0) -> pd.DataFrame:
    """Make weekday bars whose close grows by 1 a session; no dividend yet."""
    dates = pd.bdate_range(first, periods=sessions)
    closes = close + np.arange(sessions, dtype=float)
    return pd.DataFrame(
        {
            "Open": closes - 0.5,
            "High": closes + 1,
            "Low": closes - 1,
            "Close": closes,
            "Adj Close": closes,
            "Volume": np.full(sessions, 1000.0),
        },
        index=dates,
    )


def with_dividend(bars: pd.DataFrame, ex_date: str, yield_: float) -> pd.DataFrame:
    """Scale Adj Close before the ex-date, as a vendor does."""
    paid = bars.copy()
    paid.loc[paid.index < ex_date, "Adj Close"] *= 1 - yield_
    return paid


def with_split(bars: pd.DataFrame, ratio: float) -> pd.DataFrame:
    """Scale the whole past, as a vendor does after a split."""
    split = bars / ratio
    split["Volume"] = bars["Volume"] * ratio
    return split


# Weekdays; the 30th is Monday, 2024-02-12.
BARS = bars_of("2024-01-02", 60)
START = dt.date(2024, 1, 2)
# Of the bars that are final on the desk's first day, a Saturday.
FRIDAY = dt.date(2024, 2, 9)


class Asked(NamedTuple):
    """One request for bars; `stop` is the date it stops before."""

    symbol: str
    start: dt.date
    stop: dt.date


class FakeYahoo(BaseAdapter):
    """Answers from `bars`, or fails as `failure` says.

    Parameters
    ----------
    bars : dict of str to DataFrame
        Symbol -> what Yahoo would have; NaN is sent as null.
    """

    def __init__(self, bars: dict[str, pd.DataFrame]) -> None:
        super().__init__()
        self.bars = bars
        # An HTTP status, or an exception to raise, for every request for a chart.
        self.failure: int | Exception | None = None
        # The symbols that it holds for; all, if empty.
        self.failing: set[str] = set()
        self.asked: list[Asked] = []
        self.requests = 0

    def session(self) -> requests.Session:
        """Open a session that reaches nothing but this."""
        session = requests.Session()
        session.mount("https://", self)
        session.mount("http://", self)
        return session

    def close(self) -> None:
        """Nothing to close."""

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Answer one request."""
        self.requests += 1
        url = urlsplit(str(request.url))
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path.startswith("/v8/finance/chart/"):
            symbol = unquote(url.path.rpartition("/")[2])
            status, body = self._chart(symbol, query)
        elif url.path == "/v1/test/getcrumb":
            status, body = 200, "crumb"
        elif url.hostname == "fc.yahoo.com":
            status, body = 200, ""
        else:
            status, body = 404, json.dumps({"finance": {"error": _not_found()}})
        response = requests.Response()
        response.status_code = status
        response._content = body.encode()
        response.url = str(request.url)
        response.request = request
        return response

    def _chart(self, symbol: str, query: dict[str, str]) -> tuple[int, str]:
        failing = not self.failing or symbol in self.failing
        if failing and isinstance(self.failure, Exception):
            raise self.failure
        if failing and self.failure is not None:
            return self.failure, "Edge: the server has failed"
        if symbol not in self.bars:
            chart = {"result": None, "error": _not_found()}
            return 404, json.dumps({"chart": chart})
        bars = self.bars[symbol]
        if "period1" in query:
            start, stop = (
                dt.datetime.fromtimestamp(int(query[name]), NEW_YORK).date()
                for name in ("period1", "period2")
            )
            self.asked.append(Asked(symbol, start, stop))
            bars = bars[(bars.index >= str(start)) & (bars.index < str(stop))]
        result = {
            "meta": {
                "currency": "USD",
                "symbol": symbol,
                "instrumentType": "ETF",
                "exchangeTimezoneName": "America/New_York",
                "timezone": "EST",
                "gmtoffset": -18000,
                "dataGranularity": "1d",
                "validRanges": ["1d", "1mo", "max"],
            },
            "indicators": {"quote": [{}], "adjclose": [{}]},
        }
        if not bars.empty:
            result["timestamp"] = [
                int(dt.datetime.combine(day.date(), OPENING, NEW_YORK).timestamp())
                for day in bars.index
            ]
            quote = {name.lower(): _nullable(bars[name]) for name in FIELDS}
            adjusted = {"adjclose": _nullable(bars["Adj Close"])}
            result["indicators"] = {"quote": [quote], "adjclose": [adjusted]}
        return 200, json.dumps({"chart": {"result": [result], "error": None}})


def _not_found() -> dict[str, str]:
    return {
        "code": "Not Found",
        "description": "No data found, symbol may be delisted",
    }


def _nullable(column: pd.Series) -> list[float | None]:
    return [None if np.isnan(value) else value for value in column.tolist()]


class Desk:
    """Somebody who loads prices: a cache, a date, a Yahoo, and waits that are noted."""

    def __init__(self, folder: Path) -> None:
        self.yahoo = FakeYahoo({"XLK": BARS, "SPY": bars_of("2024-01-02", 60, 400.0)})
        self.today = dt.date(2024, 2, 10)
        self.waits: list[float] = []
        self.while_waiting: Callable[[], None] = lambda: None
        self.prices = YahooPrices(
            folder,
            fetch=partial(fetch_yahoo, session=self.yahoo.session()),
            today=lambda: self.today,
            sleep=self._sleep,
            rng=np.random.default_rng(0),
        )
        self.load = self.prices.load

    def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.while_waiting()

    def recover(self) -> None:
        self.yahoo.failure = None

    def fails_with(self, failure: int | Exception, *symbols: str) -> None:
        """Let Yahoo fail, for some symbols or for all."""
        self.yahoo.failure = failure
        self.yahoo.failing = set(symbols)
