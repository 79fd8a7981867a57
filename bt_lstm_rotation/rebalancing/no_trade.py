"""Which changes of a new target are too small to be made."""

from __future__ import annotations

from typing import Any

from bt_lstm_rotation.rebalancing.rules import Rules
from bt_lstm_rotation.rebalancing.target import ROUNDING, Target

__all__ = ["no_trade_region"]


def no_trade_region(target: Target, rules: Rules) -> dict[Any, str]:
    """Return the feeds to leave as they are -> why, for sizes of the deciding close.

    Never in it: selling out, changing sides, and feeds without a close to decide at.
    """
    account, found = target.account, {}
    for feed in account.ordered(target.weights):
        close, lots, held = (
            account.close(feed),
            target.missing(feed),
            account.held(feed),
        )
        size = target.sizes.get(feed)
        if close is None or not lots or not size or size * held < 0:
            continue
        share = account.shares_held(feed) * close / target.equity
        weight, worth = target.weights[feed], abs(account.shares(feed, lots)) * close
        if held and rules.band and abs(share - weight) <= rules.band + ROUNDING:
            found[feed] = f"share {share:.4f} is within the band of {weight:.4f}"
        elif worth < rules.min_trade:
            found[feed] = f"a change worth {worth:.2f} is under min_trade"
    return found
