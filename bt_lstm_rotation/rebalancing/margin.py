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


def free_cash(account: Account) -> float:
    """Cash that no short position needs, in currency; it may be negative."""
    return account.cash - INITIAL * _short_value(account)


def free_cash_flow(account: Account, feed: Any, lots: int) -> float:
    """Free cash that an order brings at the last close seen, net of its commission.

    Parameters
    ----------
    account : Account
    feed : bt.DataBase
        A feed that has been seen with a close.
    lots : int
        Bought, or with a minus sold.

    Returns
    -------
    float
        In currency. Buying back a short position brings some, selling short takes some.
    """
    held = account.shares_held(feed)
    after = held + account.shares(feed, lots)
    more = max(-after, 0.0) - max(-held, 0.0)
    return account.cash_flow(feed, lots) - INITIAL * more * account.last_close(feed)


def called(account: Account) -> dict[Any, int]:
    """Say how far short positions have to be cut back at this close.

    Returns
    -------
    dict of feed to int
        Lots that may stay, 0 or below, of every feed that is short: of all the same
        share, and as much as leaves 150% of their value in cash. More where all cash
        does not buy that many back. Empty while there are 130%.
    """
    value, cash = _short_value(account), account.cash
    if cash >= MAINTENANCE * value:
        return {}
    # cash - x value = 150% (1 - x) value, and x value at most all cash
    bought = (INITIAL * value - cash) / (EXTRA * value)
    most = max(cash, 0.0) / value
    whole = math.ceil if bought > most else math.floor
    stays = 1.0 - min(bought, most)
    return {
        feed: -whole(stays * -account.held(feed))
        for feed in account.feeds
        if account.held(feed) < 0
    }


def _short_value(account: Account) -> float:
    shorts = ((feed, account.shares_held(feed)) for feed in account.feeds)
    return math.fsum(
        -size * account.last_close(feed) for feed, size in shorts if size < 0
    )
