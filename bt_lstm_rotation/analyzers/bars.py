"""The bars that a run has shown, as a panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.analyzers.clock import clock_of
from bt_lstm_rotation.feeds.absurd_bars import findings_of, warn_of_findings
from bt_lstm_rotation.feeds.naming import FIELDS, FeedLabels, feed_name
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.corporate_actions import restated
from bt_lstm_rotation.prices.findings import Finding

__all__ = ["ShownBars"]

SOURCE = "feeds of a script"


class ShownBars(bt.Analyzer):
    """Every bar that a strategy's feeds have shown, one a session.

    ``get_analysis()`` gives a `PricePanel` whose symbols are the feeds' labels
    (`bt_lstm_rotation.feeds.naming.FeedLabels`); of bars shorter than a day, a session
    has the first open, the highest high, the lowest low, the last close and the sum of
    the volumes. Bars whose close is not a number are left out. Each bar is in the units
    in which it was shown: under an `AdjustingBroker` they change at splits and
    dividends.
    """

    def __init__(self) -> None:
        self._sessions = clock_of(self)
        self._short: list[Any] | None = None
        self._kept: dict[Any, dict[float, tuple[float, ...]]] = {}
        self._panel: PricePanel | None = None

    def prenext(self) -> None:
        """Look at sessions on which some feed has not begun yet as well."""
        self.next()

    def next(self) -> None:
        """Keep the bars that are gone soon, or may be restated."""
        if self._short is None:
            feeds, all_of_them = self.strategy.datas, self._restates
            self._short = [
                f for f in feeds if all_of_them or f.close.mode == f.close.QBuffer
            ]
            self._kept = {feed: {} for feed in self._short}
        for feed in self._short:
            if len(feed):
                row = tuple(getattr(feed.lines, field)[0] for field in FIELDS)
                self._kept[feed][feed.datetime[0]] = row

    def stop(self) -> None:
        """Take the bars of all other feeds, which are all there still."""
        labels = FeedLabels(self.strategy)
        feeds = self.strategy.datas
        columns = {labels[feed]: self._bars_of(feed) for feed in feeds}
        sessions = np.unique(np.concatenate([days for days, _ in columns.values()]))
        bars = np.full((len(FIELDS), len(sessions), len(columns)), np.nan)
        findings: list[Finding] = []
        for column, feed in enumerate(feeds):
            days, own = columns[labels[feed]]
            bars[:, np.searchsorted(sessions, days), column] = own
            found = findings_of(labels[feed], days, self._in_one_unit(feed, days, own))
            warn_of_findings(feed, found)
            findings += found
        self._short, self._kept = None, {}
        self._panel = PricePanel(
            sessions, tuple(columns), bars, _source(feeds), tuple(findings)
        )

    def get_analysis(self) -> Any:
        """Return the panel; None while the run lasts."""
        return self._panel

    @property
    def _restates(self) -> bool:
        return hasattr(self.strategy.broker, "applied")

    def _in_one_unit(
        self, feed: Any, days: NDArray[np.datetime64], bars: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        applied = self.strategy.broker.applied if self._restates else ()
        own = [done for done in applied if done.symbol == feed_name(feed)]
        return restated(days, bars, [(done.session, done.action) for done in own])

    def _bars_of(self, feed: Any) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
        if (kept := self._kept.get(feed)) is not None:
            numbers = np.array(list(kept), dtype="float64")
            bars = np.array(list(kept.values())).reshape(-1, len(FIELDS)).T
        else:
            # Those of a run that was stopped are loaded further than they were shown.
            lines = [feed.lines.datetime, *(getattr(feed.lines, f) for f in FIELDS)]
            table = np.array([np.array(line.array)[: len(feed)] for line in lines])
            numbers, bars = table[0], table[1:]
        known = np.isfinite(bars[3])
        days = self._sessions.dates_of(feed).sessions(numbers[known])
        return _by_session(days, bars[:, known])


def _source(feeds: Sequence[Any]) -> str:
    """Say where bars come from: frames of a panel know, and others do not."""
    frames = [getattr(getattr(feed, "p", None), "dataname", None) for feed in feeds]
    told = {str(getattr(frame, "attrs", {}).get("source", "")) for frame in frames}
    return ", ".join([*sorted(told - {""}), *([SOURCE] if "" in told else [])])


def _by_session(
    days: NDArray[np.datetime64], bars: NDArray[np.float64]
) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
    """Make one bar a session, (5, n_sessions), of bars in any number and order."""
    order = np.argsort(days, kind="stable")
    sessions, first = np.unique(days[order], return_index=True)
    if len(sessions) == len(days):
        return sessions, bars[:, order]
    if not len(days):
        return sessions, bars
    opened, high, low, close, volume = bars[:, order]
    last = np.append(first[1:], len(days)) - 1
    return sessions, np.array(
        [
            opened[first],
            np.fmax.reduceat(high, first),
            np.fmin.reduceat(low, first),
            close[last],
            np.add.reduceat(volume, first),
        ]
    )
