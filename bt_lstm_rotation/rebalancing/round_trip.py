"""What it costs to buy and to sell again, as a share of what is bought."""

from __future__ import annotations

import math
from typing import Any

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.feeds.naming import feed_name

__all__ = ["round_trip_cost"]

# An order large enough for a minimum or a fee per order to show.
MANY = 10_000


def round_trip_cost(broker: Any, feed: Any, price: float) -> float:
    """Return ``2 * (commission + slippage)`` at a price in currency, as a decimal.

    A forecast return below it does not earn back what trading on it costs.

    Raises
    ------
    SpecError
        If the commission is not in proportion to the number of shares, as with a
        minimum or a fee per order: a share of it then depends on the order.

    Notes
    -----
    A commission per share is exact at this price alone: half a cent is 0.05% of 10 and
    0.005% of 100.

    Slippage counts, in full, where orders at the open have it (`slip_open`, which
    ``set_slippage_perc`` sets and the broker's own default does not), in percent or
    else in currency (``BackBroker._slip_up``, bbroker.py:994). A broker without such
    settings has none that is known beforehand.
    """
    info = broker.getcommissioninfo(feed)
    one = float(info.getcommission(1, price))
    many = float(info.getcommission(MANY, price))
    if not math.isclose(many, MANY * one, rel_tol=1e-9):
        raise SpecError(
            "SectorRotation",
            "threshold",
            "round_trip",
            "a number where commissions are not in proportion to shares "
            f"({feed_name(feed)} "
            f"at {price:g}: {one:g} for 1 share, {many:g} for {MANY:,})",
        )
    slippage = 0.0
    settings: Any = getattr(broker, "p", None)
    if getattr(settings, "slip_open", False):
        slippage = settings.slip_perc or settings.slip_fixed / price
    return 2 * (one / price + slippage)
