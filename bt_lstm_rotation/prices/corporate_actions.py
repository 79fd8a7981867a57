"""Splits and dividends, as they show in prices that a vendor has adjusted.

At each of them a vendor multiplies all of a symbol's past prices by a factor. What an
account holds is worth the same before and after: of a split there are more shares, and
a dividend pays what its price has lost,

    1 = shares * price + cash / last close,

with the factor `price`, new shares for each old one, and cash for each old one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import is_number
from bt_lstm_rotation.errors import DataError

__all__ = ["CorporateAction", "classified", "restated"]

# Prices are rounded, and so is a factor. Nearer to 1 than a split is a dividend.
ROUNDING = 1e-4
LEAST, MOST = 0.8, 1.25
# Of a dividend that is paid together with a split.
LEAST_BESIDE_SPLIT = 0.9

# Parts of a lot that are no more than what floats have made of whole ones.
DUST = 1e-6


@dataclass(frozen=True)
class CorporateAction:
    """What happened to a share between one session's close and the next.

    Parameters
    ----------
    price : float
        Factor on all prices before it.
    shares : float
        New shares for each old one: 2 of a split two for one, and 1 of a dividend.
    cash : float
        Currency for each old share; below 0 where a dividend is taken back.

    Raises
    ------
    DataError
        If one is not finite, or `price` or `shares` is not above 0.
    """

    price: float
    shares: float
    cash: float

    def __post_init__(self) -> None:
        for field, least in (("price", 0.0), ("shares", 0.0), ("cash", -math.inf)):
            value = getattr(self, field)
            if not is_number(value) or not least < value < math.inf:
                above = " above 0" if least == 0.0 else ""
                raise DataError(
                    "a corporate action that cannot be",
                    field=field,
                    value=value,
                    valid=f"a finite number{above}",
                )

    def whole(self, lots: float) -> int:
        """Return the whole lots that some lots become, rounded towards none."""
        exact = lots * self.shares
        nearest = round(exact)
        return nearest if abs(exact - nearest) <= DUST else math.trunc(exact)


def classified(factor: float, last_close: float) -> CorporateAction:
    """Say what a factor on past prices stands for.

    Parameters
    ----------
    factor : float
        New price over old price, of the same bar.
    last_close : float
        Currency, of the last bar before it, as it was.

    Returns
    -------
    CorporateAction
        - A split, where the factor is a ratio of small whole numbers but for rounding,
          at most 0.8 or at least 1.25. Its price is the ratio itself.
        - Else a dividend, where it lies between these two.
        - Else both at once: the split that leaves the smallest dividend, up to 10%.

    Raises
    ------
    DataError
        If it is none of them.
    """
    for field, value in (("factor", factor), ("last close", last_close)):
        if not is_number(value) or not 0 < value < math.inf:
            raise DataError(
                "no corporate action can be told from it",
                field=field,
                value=value,
                valid="a finite number above 0",
            )
    factor, last_close = float(factor), float(last_close)
    for split in SPLITS:
        if math.isclose(factor, split, rel_tol=ROUNDING):
            return CorporateAction(float(split), float(1 / split), 0.0)
    if LEAST < factor < MOST:
        return CorporateAction(factor, 1.0, (1.0 - factor) * last_close)
    left = {factor / split: split for split in COMMON_SPLITS}
    dividends = [rest for rest in left if LEAST_BESIDE_SPLIT <= rest <= 1.0]
    if not dividends:
        raise DataError(
            "past prices were multiplied by a factor that is neither a split nor a "
            "dividend",
            value=factor,
            valid=f"a ratio such as 1/2, 2/3 or 10, a number above {LEAST} and below "
            f"{MOST}, or a split less a dividend of 10% at most",
        )
    rest = max(dividends)
    return CorporateAction(factor, float(1 / left[rest]), (1.0 - rest) * last_close)


def restated(
    sessions: NDArray[np.datetime64],
    bars: NDArray[np.float64],
    actions: Iterable[tuple[Any, CorporateAction]],
) -> NDArray[np.float64]:
    """Return one symbol's bars in the units of the last.

    Parameters
    ----------
    sessions : (n,) datetime64[D]
        Ascending.
    bars : (5, n) float64
        Open, high, low, close and volume, each bar in the units of its own session.
    actions : iterable of (session, CorporateAction)
        The session is the first in new units.
    """
    bars = bars.copy()
    for session, action in actions:
        row = np.searchsorted(sessions, np.datetime64(session, "D"))
        bars[:4, :row] *= action.price
        bars[4, :row] *= action.shares
    return bars


def _splits(most: int, alone: Iterable[int]) -> tuple[Fraction, ...]:
    """Ratios of whole numbers up to `most`, and of 1 and some larger ones."""
    whole = range(1, most + 1)
    ratios = {Fraction(p, q) for p in whole for q in whole}
    ratios |= {ratio for n in alone for ratio in (Fraction(n), Fraction(1, n))}
    return tuple(sorted(r for r in ratios if not LEAST < r < MOST))


SPLITS = _splits(10, range(11, 101))
# Beside a dividend fewer can be told apart: these are what companies choose.
COMMON_SPLITS = _splits(5, (6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 40, 50, 100))
