"""One target: its weights, the lots they come to, and what is still missing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any

from bt_lstm_rotation.checks import MOST
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.rebalancing.account import Account
from bt_lstm_rotation.rebalancing.margin import EXTRA

if TYPE_CHECKING:
    from bt_lstm_rotation.prices.corporate_actions import CorporateAction

__all__ = ["Target", "checked_weights"]

# Room for the rounding of weights that are meant to add up to 1.
ROUNDING = 1e-9


@dataclass
class Target:
    """Where positions should be, and how far the work towards it has come.

    Parameters
    ----------
    weights : dict of feed to float
        Share of equity, negative for a short position, 0 for feeds to be sold out. A
        feed that is given up is taken out.
    equity : float
        The snapshot that weights are shares of, in currency.
    sizes : dict of feed to int
        Lots; a feed is not in it before its first close to size at.
    fixed : set of feeds
        Those whose size was not made from their weight, and is not made again.
    failures : Counter of feed
        Sessions on which it failed.
    short_of_cash : bool
        Whether a buy was rejected for cash since the last sizing.
    cash_rejections : int
        How often everything was sized again for that.
    too_dear : set of feeds
        Those whose weight did not come to one lot.
    begun, staged, gave_up : bool
        Whether any order was sent, any part of a buy left for a second session, any
        feed given up.
    """

    account: Account
    weights: dict[Any, float] = field(default_factory=dict)
    equity: float = 0.0
    sizes: dict[Any, int] = field(default_factory=dict)
    fixed: set[Any] = field(default_factory=set)
    failures: Counter[Any] = field(default_factory=Counter)
    short_of_cash: bool = False
    cash_rejections: int = 0
    too_dear: set[Any] = field(default_factory=set)
    begun: bool = False
    staged: bool = False
    gave_up: bool = False

    def __post_init__(self) -> None:
        # Selling out takes no price.
        self.sizes |= {feed: 0 for feed, weight in self.weights.items() if not weight}

    def missing(self, feed: Any) -> int | None:
        """Lots from the position to its target size; None before it has a size."""
        size = self.sizes.get(feed)
        return None if size is None else size - self.account.held(feed)

    def step(self, feed: Any) -> int | None:
        """Lots to trade next: what is missing, but a short is bought back first."""
        lots, held = self.missing(feed), self.account.held(feed)
        return min(lots, -held) if lots and lots > 0 > held else lots

    def reached(self) -> bool:
        """Whether every position has its target size."""
        return all(self.missing(feed) == 0 for feed in self.weights)

    def size(self, *, again: bool) -> dict[Any, str]:
        """Turn weights into lots where there is a close; `again`, even those sized.

        Returns feed -> the numbers in words, of those that turn out too dear.
        """
        found = {}
        for feed, weight in self.weights.items():
            close = self.account.close(feed)
            due = feed not in self.sizes or (again and feed not in self.fixed)
            if close is not None and due:
                slot = weight * self.equity
                self.sizes[feed] = self.account.lots_at(close, slot)
                # One lot is more than half of a slot that it fits in; less is nothing.
                empty = not self.sizes[feed] and abs(weight) > ROUNDING and slot
                if empty and feed not in self.too_dear:
                    self.too_dear.add(feed)
                    found[feed] = self.account.dearness(close, slot)
        return found

    def waits_for_cash(self, pending: Container[Any]) -> bool:
        """Whether an order that frees cash cannot be sent at this close.

        That is a sell, or the buying back of a short. `pending` are the feeds with an
        open order.
        """
        return any(
            (feed in pending or self.account.close(feed) is None) and self._is_cut(feed)
            for feed in self.weights
        )

    def _is_cut(self, feed: Any) -> bool:
        # Held and without a size: it may well turn out to be cut.
        size, held = self.sizes.get(feed, 0), self.account.held(feed)
        return size < held if held > 0 else size > held and held < 0

    def has_shorts(self) -> bool:
        """Whether any position is short, or is to be."""
        lots = [*self.sizes.values(), *map(self.account.held, self.account.traded)]
        return any(count < 0 for count in lots)

    def fix(self, feed: Any, lots: int) -> None:
        """Make so many lots the size to hold, whatever the weight."""
        self.sizes[feed] = lots
        self.fixed.add(feed)

    def restate(self, feed: Any, action: CorporateAction) -> None:
        """Count a feed's size in new shares, as the broker does what is held."""
        if feed in self.sizes:
            self.sizes[feed] = action.whole(self.sizes[feed])

    def give_up(self, feed: Any) -> None:
        """Leave a feed where it is."""
        del self.weights[feed]
        self.gave_up = True


def checked_weights(
    weights: Mapping[Any, float], account: Account, *, shorts: bool
) -> dict[Any, float]:
    """Return feed -> share of equity as a new dict, if it is a possible target.

    Raises
    ------
    SpecError
        If a key is not one of the strategy's feeds or is ignored, or a weight is
        negative without `shorts` or not finite, or more than 1 is needed: of a long
        position its weight, of a short one half of it, as margin.
    """
    if not isinstance(weights, Mapping):
        raise SpecError("Rebalancer", "weights", weights, "a mapping of feed to weight")
    for feed, weight in weights.items():
        name = feed_name(account.known("weights", feed))
        if feed in account.ignored:
            raise SpecError("Rebalancer", "weights", name, "feeds that are not ignored")
        least = -MOST if shorts else 0
        if not isinstance(weight, Real) or not least <= weight <= MOST:
            valid = "a finite share of equity" + (", 0 or more" if not shorts else "")
            raise SpecError("Rebalancer", f"weight of {name}", weight, valid)
    total = math.fsum(w if w > 0 else -EXTRA * w for w in weights.values())
    if not total <= 1 + ROUNDING:
        what = "sum of weights, of short ones half" if shorts else "sum of weights"
        raise SpecError("Rebalancer", what, total, "1 or less")
    return {feed: float(weight) for feed, weight in weights.items()}
