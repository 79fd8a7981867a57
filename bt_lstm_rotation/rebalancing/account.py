"""What a strategy holds and what its feeds show, read at a session's close.

Backtrader answers every question, also those that have no answer: a feed without a bar
today shows an old close, one before its first bar shows the last close of the whole
data set, and a single NaN close makes the value of the portfolio NaN. An `Account` says
None, or takes the last close that was one.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import deque
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import backtrader as bt
import numpy as np

from bt_lstm_rotation.checks import listed
from bt_lstm_rotation.errors import DataError, SpecError, StrategyError, closest
from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.feeds.sessions import SessionClock
from bt_lstm_rotation.periods import MONTH, STALE_AFTER, stale_after
from bt_lstm_rotation.rebalancing.rules import SMALLEST_LOT

if TYPE_CHECKING:
    from bt_lstm_rotation.prices.corporate_actions import CorporateAction

__all__ = ["Account"]

# What sums of fractional shares leave of a lot when a position is closed.
DUST = 1e-6


class Account:
    """One strategy's feeds, positions and money; it reads them and changes nothing.

    Positions are counted in whole lots, so that no two fractions of a share are ever
    compared. Feeds in `ignore` are never traded.
    """

    def __init__(
        self, strategy: Any, lot: float = 1, *, ignore: Iterable[Any] = ()
    ) -> None:
        self._strategy = strategy
        self._sessions = SessionClock(strategy)
        self._lot = lot
        # Feeds overload ==, so they are looked up by hash and never searched for.
        self._rank = {
            feed: (feed_name(feed), row) for row, feed in enumerate(strategy.datas)
        }
        # A feed answers to indexing, so a lone one would be walked bar by bar.
        lone = isinstance(ignore, bt.LineRoot)
        feeds = feed_name(ignore) if lone else ignore
        feeds = listed("Rebalancer", "ignore", feeds, "a list of feeds")
        self.ignored = frozenset(self.known("ignore", feed) for feed in feeds)
        #: Currency that corrections of settlements bring at the next session.
        self.due = 0.0
        self._closes: dict[Any, float] = {}
        self._observed: dict[Any, int] = {}
        self._gaps = {feed: deque[float](maxlen=MONTH) for feed in self.traded}
        self._seen: dict[Any, tuple[int, int]] = {}
        self._spacings = {feed: deque[float](maxlen=MONTH) for feed in self._rank}
        self._told = self._applied

    @property
    def today(self) -> dt.date:
        """The strategy's session."""
        return self._sessions.today()

    @property
    def cash(self) -> float:
        """Cash, in currency, less what is due to leave it at the next session."""
        # What is due to come has not come when the broker checks the next orders.
        return float(self._strategy.broker.getcash()) + min(self.due, 0.0)

    @cached_property
    def feeds(self) -> tuple[Any, ...]:
        """The strategy's feeds, by name."""
        return tuple(self.ordered(self._rank))

    @cached_property
    def traded(self) -> tuple[Any, ...]:
        """The feeds that may be traded, by name."""
        return tuple(feed for feed in self.feeds if feed not in self.ignored)

    @property
    def is_open(self) -> bool:
        """Whether this is a session of any feed that may be traded."""
        return any(self.close(feed) is not None for feed in self.traded)

    def ordered(self, feeds: Iterable[Any]) -> list[Any]:
        """Sort feeds by name, and equal names in the strategy's order."""
        return sorted(feeds, key=self._rank.__getitem__)

    def known(self, setting: str, feed: Any) -> Any:
        """Return `feed`; SpecError about `setting` if it is not the strategy's."""
        if feed not in self._rank:
            names = closest(feed_name(feed), (name for name, _ in self._rank.values()))
            valid = f"feeds of the strategy, as objects ({names})"
            raise SpecError("Rebalancer", setting, feed_name(feed), valid)
        return feed

    @property
    def _applied(self) -> int:
        """How many splits and dividends an `AdjustingBroker` has applied."""
        return len(getattr(self._strategy.broker, "applied", ()))

    def restate(self, feed: Any, action: CorporateAction) -> None:
        """Bring what is remembered of a feed into new units."""
        self._told += 1
        if feed in self._closes:
            self._closes[feed] *= action.price

    def observe(self) -> None:
        """Remember this session's closes and gaps; to be called every session.

        Raises
        ------
        StrategyError
            If the account was adjusted, and this has not been told.
        """
        if self._told < self._applied:
            raise StrategyError(
                f"{type(self._strategy).__name__} was not told of a split or a "
                "dividend: forward notify_corporate_action(data, action), as "
                "notify_order, to its Rebalancer and to super()"
            )
        closes, observed = self._closes, self._observed
        for feed in self._rank:
            lines = feed.lines
            bar = len(lines.datetime)
            if observed.get(feed) == bar:
                continue  # it has shown no other bar since
            halted = self._observe_spacing(feed, bar)
            if (close := self.close(feed)) is None:
                continue
            opened, last = float(lines.open[0]), closes.get(feed)
            night = feed in self._gaps and not halted
            if night and last is not None and math.isfinite(opened):
                self._gaps[feed].append(opened / last - 1.0)
            closes[feed], observed[feed] = close, bar

    def _observe_spacing(self, feed: Any, bars: int) -> bool:
        """Note how far a new bar is from the last; whether it had seemed the last."""
        seen, day = self._seen.get(feed, (0, 0))
        if bars <= seen:
            return False
        now = int(feed.lines.datetime[0])
        self._seen[feed] = bars, now
        if not seen:
            return False
        # Several bars at once if it was not called for each of them.
        spacing = (now - day) / (bars - seen)
        halted = spacing > STALE_AFTER and spacing > stale_after(self._spacings[feed])
        self._spacings[feed].append(spacing)
        return halted

    def overnight(self) -> float:
        """Root mean square of last month's gaps in the traded feeds, a decimal.

        It is 0 before there is any gap.
        """
        gaps = [gap for series in self._gaps.values() for gap in series]
        if not gaps:
            return 0.0
        return math.sqrt(math.fsum(gap**2 for gap in gaps) / len(gaps))

    def close(self, feed: Any) -> float | None:
        """Close of the feed's bar of this session, or None if none can be traded at."""
        if not self._sessions.shows_today(feed):
            return None
        close = float(feed.lines.close[0])
        return close if math.isfinite(close) and close > 0 else None

    def ended(self, feed: Any, days: int | None) -> bool:
        """Whether a feed that has begun shows no bar of the last so many days.

        Without `days`, they are measured by the feed's own bars as far as observed.
        """
        if not len(feed.lines.datetime):
            return False
        today = int(self._strategy.lines.datetime[0])
        age = today - int(feed.lines.datetime[0])
        if days is not None:
            return age > days
        # Most sessions the first comparison is enough, and a median takes its time.
        return age > STALE_AFTER and age > stale_after(self._spacings[feed])

    def last_session(self, feed: Any) -> dt.date:
        """Session of the last bar a feed has shown."""
        return self._sessions.date_of(feed, feed.datetime[0])

    def last_close(self, feed: Any) -> float:
        """Last close that was one; of a feed that had none, what was paid."""
        close = float(feed.close[0])
        if math.isfinite(close) and close > 0:
            return close
        paid: float = self._strategy.getposition(feed).price
        return self._closes.get(feed, paid)

    def shares_held(self, feed: Any) -> float:
        """Shares held, whether a multiple of the lot or not."""
        # In a backtest, asking for a position creates one, and 0 shares at a close of
        # NaN make the portfolio's value NaN.
        broker = self._strategy.broker
        if isinstance(broker, bt.brokers.BackBroker) and feed not in broker.positions:
            return 0
        size: float = self._strategy.getposition(feed).size
        return size

    def held(self, feed: Any) -> int:
        """Lots held."""
        return self.in_lots(self.shares_held(feed))

    def in_lots(self, shares: float) -> int:
        """Count shares in whole lots, the nearest number; a part of one lot is one."""
        # Halves always go up: `round` would count 2.5 lots and one more as 4.
        lots = math.floor(shares / self._lot + 0.5)
        if lots == 0 and abs(shares) > DUST * self._lot:
            return 1 if shares > 0 else -1
        return lots

    def lots_at(self, close: float, value: float) -> int:
        """Whole lots that a value comes to, rounded towards none."""
        return math.trunc(value / close / self._lot)

    def shares(self, feed: Any, lots: int) -> float:
        """Shares of an order for so many lots, with their sign: negative to sell.

        An order that ends a position is for exactly what is held.
        """
        held = self.held(feed)
        after = held + lots
        if after * held > 0 or not held:
            return lots * self._lot
        return after * self._lot - self.shares_held(feed)

    def shown(self, lots: int) -> str:
        """Write out how many shares so many lots are."""
        return f"{lots * self._lot:.12g}"

    def dearness(self, close: float, slot: float) -> str:
        """Say that a slot, in currency, is less than a lot, and which lot would do.

        That is a power of ten of which a slot holds a hundred at least.
        """
        one = "one share" if self._lot == 1 else f"a lot of {self._lot:.12g}"
        said = f"0 of {one} at {close:,.12g}: a slot of {abs(slot):,.2f}"
        lot = 10.0 ** math.floor(math.log10(abs(slot) / close / 100))
        if lot < SMALLEST_LOT:
            return said
        return f"{said}; lot={np.format_float_positional(lot, trim='-')} would do"

    def cash_flow(self, feed: Any, lots: int) -> float:
        """Currency that an order brings at the last close seen, net of its commission.

        `lots` are bought, or sold if negative; a buy brings less than 0.
        """
        shares, close = self.shares(feed, lots), self._closes[feed]
        costs = self._strategy.broker.getcommissioninfo(feed)
        return -shares * close - float(costs.getcommission(shares, close))

    def equity(self) -> tuple[float, dict[Any, float]]:
        """Value of the account at this close.

        Returns
        -------
        value : float
            In currency, 0 or more, never NaN.
        estimated : dict of feed to float
            Feeds held without a close today -> the last one seen, which values them.

        Raises
        ------
        DataError
            If the broker's cash is not a number.
        """
        value = float(self._strategy.broker.getvalue()) + self.due
        if math.isfinite(value):
            return max(value, 0.0), {}
        cash = float(self._strategy.broker.getcash())
        if not math.isfinite(cash):
            raise DataError(
                "the broker's cash is not a number",
                session=self.today.isoformat(),
                value=cash,
                valid="an order filled at an open of NaN does this: validate the bars",
            )
        value, estimated = cash + self.due, {}
        for feed in filter(self.shares_held, self.feeds):
            position = self._strategy.getposition(feed)
            close = self._closes.get(feed, position.price)
            value += position.size * close
            if not math.isfinite(feed.close[0]):
                estimated[feed] = close
        return max(value, 0.0), estimated
