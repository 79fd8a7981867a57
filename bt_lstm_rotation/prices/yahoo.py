"""Daily bars from Yahoo Finance, kept on disk.

What is final, and how an update joins on, is in
:mod:`~bt_lstm_rotation.prices.history`. The day that decides it is New York's, not the
local one: at half past midnight in Tokyo, the American session of "yesterday" is still
trading.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import platformdirs

from bt_lstm_rotation.checks import check_call, check_kind
from bt_lstm_rotation.errors import DataError, RotationError, SourceError, SpecError
from bt_lstm_rotation.prices.bars import adjusted_bars, check_symbol, check_usable
from bt_lstm_rotation.prices.cache import BarsCache
from bt_lstm_rotation.prices.history import CoveredBars, joined
from bt_lstm_rotation.prices.panel import PricePanel
from bt_lstm_rotation.prices.symbols import distinct_symbols
from bt_lstm_rotation.prices.yahoo_calls import ATTEMPTS, Calls, Fetch
from bt_lstm_rotation.prices.yahoo_fetch import fetch_yahoo

__all__ = ["ATTEMPTS", "Fetch", "YahooPrices", "fetch_yahoo"]

logger = logging.getLogger(__name__)

# The first session Yahoo has of anything, which is ^GSPC.
EARLIEST = dt.date(1927, 12, 30)


def _new_york_date() -> dt.date:
    return dt.datetime.now(ZoneInfo("America/New_York")).date()


def _user_folder() -> Path:
    return platformdirs.user_cache_path("bt-lstm-rotation", appauthor=False) / "yahoo"


@dataclass(frozen=True)
class YahooPrices:
    """Yahoo's daily bars, adjusted for splits and dividends.

    Parameters
    ----------
    folder : Path
        The cache; by default in the user's cache folder. Processes may share it, and
        it may be deleted at any time.
    fetch : callable
        ``fetch(symbols, start, end)``, both dates included, gives a frame a symbol as
        `fetch_yahoo` does: a symbol without bars is left out, and OSError means that
        asking again may help.
    today : callable
        Gives the exchange's date; sessions before it are final.
    sleep : callable
        Waits for so many seconds.
    rng : Generator
        Spreads the waits, so that processes that failed together do not all come back
        together; hence without a seed by default. No bar depends on it.
    """

    folder: Path = field(default_factory=_user_folder)
    fetch: Fetch = fetch_yahoo
    today: Callable[[], dt.date] = _new_york_date
    sleep: Callable[[float], None] = time.sleep
    rng: np.random.Generator = field(default_factory=np.random.default_rng)

    def __post_init__(self) -> None:
        owner, valid = "YahooPrices", "the path of a folder"
        check_kind(owner, "folder", self.folder, str | os.PathLike, valid)
        object.__setattr__(self, "folder", Path(self.folder))
        for name in ("fetch", "today", "sleep"):
            check_call(owner, name, getattr(self, name))
        valid = "a numpy.random.Generator"
        check_kind(owner, "rng", self.rng, np.random.Generator, valid)

    def load(
        self,
        symbols: Iterable[str],
        start: dt.date | None = None,
        end: dt.date | None = None,
    ) -> PricePanel:
        """Bring the cache up to date and read the bars from it.

        What the cache covers costs no call. Where Yahoo gives no answer but the cache
        reaches back to `start`, its bars are returned as far as they go; a warning is
        logged, and the panel's `source` says so. A cache that cannot be written is read
        only, and one that cannot be read is done without.

        Parameters
        ----------
        symbols : iterable of str
            As Yahoo spells them; each once.
        start, end : date, optional
            Both included. By default all there are, up to the last final one.

        Raises
        ------
        DataError
            If a symbol is no ticker, is named twice, is unknown to Yahoo, has invalid
            bars or has none in the range. Bars of the others are in the cache.
        SourceError
            If Yahoo gives no answer and the cache does not reach back to `start`, or
            another process holds it for minutes.
        SpecError
            If `start` or `end` is not a date, or `start` is after `end`.
        """
        names = [check_symbol(symbol) for symbol in distinct_symbols(symbols)]
        today = self.today()
        check_kind("YahooPrices", "today", today, dt.date, "one that gives a date")
        first, last = _range(start, end, today)
        cache = BarsCache(self.folder)
        calls = Calls(self.fetch, self.sleep, self.rng, today)
        covered: dict[str, CoveredBars] = {}
        unanswered: dict[str, RotationError] = {}
        invalid: list[DataError] = []
        for symbol in names:
            with cache.locked(symbol):
                cached = cache.read(symbol)
                if cached is not None:
                    covered[symbol] = cached
                    if cached.covers(first, last):
                        continue
                try:
                    fresh = _refreshed(symbol, cached, first, last, calls)
                    check_usable(symbol, fresh.bars.loc[str(first) : str(last)])
                except SourceError as error:
                    unanswered[symbol] = error
                except DataError as error:
                    if cached is not None and cached.reaches(first):
                        unanswered[symbol] = error
                        continue
                    logger.warning("%s", error)
                    invalid.append(error)
                else:
                    cache.write(symbol, fresh)
                    covered[symbol] = fresh
        if invalid:
            raise invalid[0]
        source = _source(names, covered, unanswered, first, bool(calls.failures))
        frames, findings = {}, []
        for symbol in names:
            within = _within(symbol, covered[symbol].bars, first, last)
            frames[symbol], found = adjusted_bars(symbol, within)
            findings += found
        return PricePanel.from_frames(
            frames, today=today, source=source, findings=findings
        )


def _range(
    start: dt.date | None, end: dt.date | None, today: dt.date
) -> tuple[dt.date, dt.date]:
    for name, value in (("start", start), ("end", end)):
        # A datetime is a date to isinstance, but the two cannot be compared.
        if value is not None and type(value) is not dt.date:
            raise SpecError("YahooPrices.load", name, value, "a datetime.date or None")
    if start is not None and end is not None and start > end:
        raise SpecError("YahooPrices.load", "start", start, f"at most end, {end}")
    final = today - dt.timedelta(days=1)
    first = max(start or EARLIEST, EARLIEST)
    last = min(end or final, final)
    if first > last:
        raise DataError(
            "no final session in the range asked for",
            value=f"{start or EARLIEST} to {end or final}",
            valid=f"sessions from {EARLIEST} to {final}",
        )
    return first, last


def _refreshed(
    symbol: str,
    cached: CoveredBars | None,
    first: dt.date,
    last: dt.date,
    calls: Calls,
) -> CoveredBars:
    """Fetch what one symbol lacks of first..last, and join it to what is cached."""
    if cached is not None:
        last = max(last, cached.last)
        if cached.first <= first:
            first = cached.first
            update = calls.bars(symbol, cached.recent, last)
            if update is None:
                raise SourceError("Yahoo no longer has daily bars of it")
            both = joined(cached, update)
            if both is not None:
                return both
            logger.info("%s: re-adjusted since it was cached, fetched again", symbol)
    whole = calls.bars(symbol, first, last)
    if whole is None:
        raise DataError(
            f"Yahoo has no daily bars of it from {first} to {last}",
            symbol=symbol,
            valid="a ticker as Yahoo spells it (the S&P 500 is ^GSPC), listed by then",
        )
    return whole


def _source(
    names: list[str],
    covered: dict[str, CoveredBars],
    unanswered: dict[str, RotationError],
    first: dt.date,
    offline: bool,
) -> str:
    """Name the source, and what it lacks; SourceError if it lacks too much."""
    lost = [s for s in unanswered if s not in covered or not covered[s].reaches(first)]
    if lost:
        first_reason = next(iter(unanswered.values()))
        cached = ", ".join(
            f"{s} is cached from {covered[s].first} to {covered[s].last}"
            for s in lost
            if s in covered
        )
        raise SourceError(
            f"no bars of {' '.join(lost)} from {first} on: {first_reason}; "
            f"{cached or 'nothing of them is cached'}; try again later, or read the "
            "bars from a folder"
        )
    alike: dict[str, list[str]] = {}
    for symbol, error in unanswered.items():
        alike.setdefault(str(error), []).append(symbol)
    for reason, served in alike.items():
        logger.warning("%s: served from the cache only: %s", " ".join(served), reason)
    if not unanswered:
        return "yahoo"
    refused = any(isinstance(error, DataError) for error in unanswered.values())
    why = "offline" if offline else "unusable answer" if refused else "no longer listed"
    which = "" if set(unanswered) == set(names) else f" for {' '.join(unanswered)}"
    until = min(covered[s].last_session for s in unanswered)
    return f"yahoo ({why}{which}: cached to {until})"


def _within(
    symbol: str, bars: pd.DataFrame, first: dt.date, last: dt.date
) -> pd.DataFrame:
    within = bars.loc[pd.Timestamp(first) : pd.Timestamp(last)]
    if within.empty:
        raise DataError(
            "no session in the range asked for",
            symbol=symbol,
            value=f"{first} to {last}",
            valid=f"its bars are {bars.index[0].date()} to {bars.index[-1].date()}",
        )
    return within
