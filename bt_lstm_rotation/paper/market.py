"""When sessions close: what a market answers, by what name, and which fits some bars.

A session is finished once its close and a delay for settling have passed. A step of
paper trading reads the bars of finished sessions and no others.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from bt_lstm_rotation.paper.days import EveryDay, GivenSessions, Weekdays
from bt_lstm_rotation.paper.exchange import ExchangeMarket
from bt_lstm_rotation.paper.moments import FIRST_DAY, LAST_DAY
from bt_lstm_rotation.periods import MONTH

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bt_lstm_rotation.prices import PricePanel

__all__ = [
    "NEW_YORK",
    "EveryDay",
    "ExchangeMarket",
    "GivenSessions",
    "Market",
    "Weekdays",
    "market_named",
    "market_of",
]

NEW_YORK = "XNYS"

# A year of bars shows which calendar they keep; 1% is two or three of them, for days on
# which an exchange closed or a vendor failed.
JUDGED, ENOUGH = 250, 0.99


class Market(Protocol):
    """When sessions close.

    A date in the wrong form or out of reach is a SpecError, naming what is in reach.
    """

    @property
    def name(self) -> str:
        """What `market_named` makes it from."""

    @property
    def settle(self) -> dt.timedelta:
        """How long after a close its bars are corrected."""

    @property
    def zone(self) -> dt.tzinfo:
        """Local time where it trades."""

    def sessions(self, first: dt.date, last: dt.date) -> tuple[dt.date, ...]:
        """Return the sessions from ``first`` to ``last``, both included."""

    def close(self, session: dt.date) -> dt.datetime:
        """Return when a session closes, in UTC; SpecError if it is none."""

    def finished(self, now: dt.datetime) -> dt.date:
        """Return the last session that has closed and settled at ``now``."""

    def next_close(self, now: dt.datetime) -> dt.datetime:
        """Return the close of the first session that is not finished at ``now``.

        While that session settles, its close has passed.
        """

    def following(self, session: dt.date) -> dt.date:
        """Return the first session after a date."""


def market_named(
    text: str,
    *,
    settle: dt.timedelta | None = None,
    dates: Iterable[dt.date] | NDArray[np.datetime64] = (),
) -> Market:
    """Return the market that ``--calendar`` names.

    Parameters
    ----------
    text : str
        ``"24/7"``, ``"weekdays"``, ``"bars"``, or an exchange's code.
    settle : timedelta, optional
        In place of the market's own: 0 for bars, half an hour for others.
    dates : iterable of date, or (n,) datetime64[D]
        The dates that have bars; read for ``"bars"`` alone.

    Raises
    ------
    SpecError
        For an unknown name; it tells the closest.
    MissingExtraError
        For an exchange's code without the extra ``paper``.
    """
    own = {} if settle is None else {"settle": settle}
    name = text.casefold() if isinstance(text, str) else text
    if name == GivenSessions.name:
        return GivenSessions(dates, **own)
    for kind in (EveryDay, Weekdays):
        if name == kind.name:
            return kind(**own)
    return ExchangeMarket(text, **own)


def market_of(panel: PricePanel) -> tuple[str, str]:
    """Return the name of the market whose sessions a panel's last year keeps, and why.

    Raises MissingExtraError if that takes an exchange's calendar, without the extra.
    """
    days = panel.sessions[-JUDGED:].tolist()
    if len(days) < MONTH:
        return GivenSessions.name, f"{len(days)} sessions are too few to tell by"
    span = (days[-1] - days[0]).days + 1
    if len(days) >= ENOUGH * span:
        return EveryDay.name, f"{len(days)} of the last {span} days have bars"
    if not FIRST_DAY <= days[0] <= days[-1] <= LAST_DAY:
        return GivenSessions.name, "no exchange's calendar goes that far"
    expected = ExchangeMarket(NEW_YORK).sessions(days[0], days[-1])
    common = len(set(days) & set(expected))
    fits = common >= ENOUGH * max(len(days), len(expected))
    return (NEW_YORK if fits else GivenSessions.name), (
        f"{common} of the last {len(days)} sessions are among New York's "
        f"{len(expected)} of that time"
    )
