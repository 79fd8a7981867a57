"""What short positions need: cash that is not free to be spent.

Backtrader's broker adds the proceeds of a short sale to cash and asks for nothing in
return. Here they are held, with half as much again, as a broker under Regulation T
holds them (12 CFR 220.12(c): 150% of the current value of the securities sold short).
When prices have risen until less than 130% is left (FINRA rule 4210(c)(3): 30% of the
value, over and above the proceeds), shorts are cut back.
"""

from __future__ import annotations

import math
from typing import Any

from bt_lstm_rotation.rebalancing.account import Account

__all__ = ["EXTRA", "called", "free_cash", "free_cash_flow"]

EXTRA = 0.5  # of a short position's value, besides its proceeds
INITIAL, MAINTENANCE = 1.0 + EXTRA, 1.3

GAP = 1.1  # what is sold to pay for shorts may open lower, and they higher


def free_cash(account: Account) -> float:
    """Cash that no short position needs, in currency; it may be negative."""
    return account.cash - INITIAL * _short_value(account)


def free_cash_flow(account: Account, feed: Any, lots: int) -> float:
    """Free cash that an order brings at the last close seen, net of its commission.

    `lots` are bought, or sold if negative. In currency: buying back a short position
    brings some, selling short takes some.
    """
    held = account.shares_held(feed)
    after = held + account.shares(feed, lots)
    more = max(-after, 0.0) - max(-held, 0.0)
    return account.cash_flow(feed, lots) - INITIAL * more * account.last_close(feed)


def called(account: Account) -> dict[Any, int]:
    """Return feed -> lots that may stay, negative for shorts; empty at 130% and above.

    Shorts are cut by the same share each, to what leaves 150% of their value in cash.
    If cash is less than their value, all of them go, and longs are sold to pay for
    that, with a tenth to spare; without shorts, if cash is below 0.
    """
    value, cash = _short_value(account), account.cash
    if cash >= MAINTENANCE * value:
        return {}
    # cash - x value = 150% (1 - x) value
    missing = (INITIAL * value - cash) / (EXTRA * value) if value else 0.0
    shorts_stay = 1.0 - min(1.0, missing)
    held = {feed: account.held(feed) for feed in account.traded}
    longs = {feed: lots for feed, lots in held.items() if lots > 0}
    worth = math.fsum(
        account.shares_held(feed) * account.last_close(feed) for feed in longs
    )
    sold = min(1.0, GAP * max(0.0, value - cash) / worth) if worth else 0.0
    stay = {f: -math.floor(shorts_stay * -n) for f, n in held.items() if n < 0}
    if sold:
        stay |= {feed: math.floor((1.0 - sold) * lots) for feed, lots in longs.items()}
    return stay


def _short_value(account: Account) -> float:
    shorts = ((feed, account.shares_held(feed)) for feed in account.feeds)
    return math.fsum(
        -size * account.last_close(feed) for feed, size in shorts if size < 0
    )
