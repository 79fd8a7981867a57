"""What kept a rebalance from being one set of orders that filled."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass
from typing import Any, Literal

from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.rebalancing.account import Account

__all__ = ["EventLog", "Kind", "RebalanceEvent"]

_log = logging.getLogger(__name__)

Kind = Literal[
    "retry",
    "no_bar",
    "resized",
    "staged",
    "kept",
    "gave_up",
    "estimated",
    "delisted",
    "reopened",
    "too_dear",
    "margin_call",
    "invalid",
    "outdated",
    "waited",
]

WARNINGS = (
    "gave_up",
    "estimated",
    "delisted",
    "reopened",
    "too_dear",
    "margin_call",
    "outdated",
)


@dataclass(frozen=True)
class RebalanceEvent:
    """Something that kept a rebalance from being one set of orders that filled.

    Parameters
    ----------
    session : date
        When it was noticed.
    kind : str
        ``"retry"``, an order that ended unfilled and is tried again; ``"no_bar"``, a
        feed that has to wait for its bar; ``"resized"``, a buy cut to the cash there
        is; ``"staged"``, a buy of which a part waits for a session, because gaps have
        been wide; ``"kept"``, a position left as it is, because the change is too
        small; ``"gave_up"``, a feed left where it is; ``"estimated"``, a position
        valued at an old close; ``"delisted"``, a position in a feed that has ended, and
        what it is settled at; ``"reopened"``, a feed that trades again after that, and
        what the settlement was off by; ``"too_dear"``, a weight that does not come to
        one lot; ``"margin_call"``, a position cut back because a short one has risen,
        or because a feed that reopened took more than the cash there is;
        ``"invalid"``, a bar that counts as none; ``"outdated"``, no new target, because
        the network is too old; ``"waited"``, sessions before Backtrader called a
        strategy's ``next`` (`bt_lstm_rotation.backtest`).
    feed : str
        The feed's name; empty where it is about none.
    detail : str
        What happened, in words.
    """

    session: dt.date
    kind: Kind
    feed: str
    detail: str


class EventLog:
    """Keeps events, oldest first, and writes them to the log."""

    def __init__(self, account: Account) -> None:
        self.events: list[RebalanceEvent] = []
        self._account = account

    def record(self, kind: Kind, feed: Any | None, detail: str) -> None:
        """Keep an event of this session."""
        name = "" if feed is None else feed_name(feed)
        event = RebalanceEvent(self._account.today, kind, name, detail)
        self.events.append(event)
        level = logging.WARNING if kind in WARNINGS else logging.INFO
        _log.log(level, "%s %s: %s, %s", event.session, event.feed, kind, detail)
