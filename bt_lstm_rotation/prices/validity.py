"""Which bars are valid: one rule, for files, Yahoo, frames and running feeds.

A row without any price is no bar, and an invalid bar counts as none. A volume is not a
price: where it is not known, it counts as 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError

__all__ = [
    "FAULTS",
    "POSITIVE",
    "BarValidator",
    "check_carried",
    "describe_invalid",
    "first_fault",
    "has_price",
    "is_carried",
    "is_uncarried",
    "is_valid",
    "known_volume",
]

Array = NDArray[np.float64]
Verdict = NDArray[np.bool_]

# Vendors round adjusted prices field by field (Yahoo stores 32-bit floats), which can
# leave High an ulp under Close. A relative 1e-6 is ten such ulps, and far below a tick.
ROUNDING = 1e-6

# Beyond these no market trades. Vendors keep prices as 32-bit floats, which end a bit
# further out, and a 64-bit float has room for the squares of a return between them.
SMALLEST, LARGEST = 1e-35, 1e35


def is_carried(price: Array) -> Verdict:
    """Tell which prices, (...), are above 0 and of a size that floats can carry."""
    with np.errstate(invalid="ignore"):
        carried: Verdict = (price >= SMALLEST) & (price <= LARGEST)
    return carried


def is_uncarried(price: Array) -> Verdict:
    """Tell which prices, (...), are finite, above 0 and yet of no size to carry."""
    uncarried: Verdict = np.isfinite(price) & (price > 0) & ~is_carried(price)
    return uncarried


FAULTS: tuple[tuple[str, Callable[[Array], Verdict]], ...] = (
    ("a missing price (NaN)", np.isnan),
    ("an infinite price", np.isinf),
    ("a price of zero or below", lambda price: price <= 0),
    ("a price of a size that floats cannot carry", is_uncarried),
)
POSITIVE = "a price is a finite number above 0"


def check_carried(
    symbol: str, sessions: Sequence[Any] | NDArray[Any], prices: Mapping[str, Array]
) -> None:
    """Refuse prices so small or large that no figure made of them would be true.

    Parameters
    ----------
    sessions : (n,) dates
    prices : mapping of str to (n,) float64
        By the name of their field.

    Raises
    ------
    DataError
        With the first of them.
    """
    for field, numbers in prices.items():
        for row in np.flatnonzero(is_uncarried(numbers))[:1]:
            raise DataError(
                "a price of a size that floats cannot carry",
                symbol=symbol,
                session=str(sessions[row])[:10],
                field=field,
                value=float(numbers[row]),
                valid=f"a price is from {SMALLEST:g} to {LARGEST:g}",
            )


def has_price(bars: Array) -> Verdict:
    """Tell which rows, (4 or more, ...) from the open on, have a price: (...) bool."""
    there: Verdict = np.any(~np.isnan(bars[:4]), axis=0)
    return there


def known_volume(volume: Array) -> Verdict:
    """Tell which volumes are known: 0 or more, and not beyond what floats carry."""
    known: Verdict = np.isfinite(volume) & (volume >= 0) & (volume <= LARGEST)
    return known


def is_valid(bars: Array) -> Verdict:
    """Tell which bars, (4 or more, ...) from the open on, are valid: (...) bool.

    Prices are above 0 and not beyond what floats carry, and Low and High enclose Open
    and Close up to rounding. The volume has no say.
    """
    prices = bars[:4]
    positive = is_carried(prices).all(axis=0)
    # A price of 1 stands in for what would warn when it is compared: inf less inf.
    opened, high, low, close = np.where(positive, prices, 1.0)
    slack = ROUNDING * high
    highest = np.maximum(np.maximum(opened, close), low)
    lowest = np.minimum(np.minimum(opened, close), high)
    enclosed = (highest <= high + slack) & (lowest >= low - slack)
    verdict: Verdict = positive & enclosed
    return verdict


def first_fault(bar: Mapping[Any, float]) -> tuple[str, str, str]:
    """Name an invalid bar's first fault: problem, field, and what would be valid.

    `bar` is field -> number; all fields but Volume are prices.
    """
    for field, price in bar.items():
        if field != "Volume":
            for problem, is_bad in FAULTS:
                if is_bad(np.array(price)):
                    return problem, field, POSITIVE
    low, high = bar["Low"], bar["High"]
    slack = ROUNDING * high
    if high < low - slack:
        return "High below Low", "High", f"at least Low, {low}"
    field = "Open" if not low - slack <= bar["Open"] <= high + slack else "Close"
    return f"{field} outside Low..High", field, f"from Low {low} to High {high}"


def describe_invalid(symbol: str, sessions: Sequence[Any] | NDArray[Any]) -> str:
    """Say of a symbol's invalid bars, one or more, which they are and what follows."""
    rest = len(sessions) - 1
    more = f", and {rest} more to {sessions[-1]}" if rest else ""
    return f"{symbol} {sessions[0]}{more}: not a valid bar, counts as none"


class BarValidator:
    """Tells which bars of one feed are valid, as they come.

    Attributes
    ----------
    has_volume : bool
        Whether a volume above 0 has been seen; a feed without any has none to miss.
    """

    def __init__(self) -> None:
        self.has_volume = False

    def is_valid(self, bars: Array) -> Verdict:
        """Tell which of the feed's next bars, (5, n), are valid: (n,) bool.

        A volume that is not known becomes 0, in `bars` itself.
        """
        bars[4] = np.where(known_volume(bars[4]), bars[4], 0.0)
        self.has_volume |= bool((bars[4] > 0).any())
        return is_valid(bars)
