"""Forecasts -> chosen symbols -> target weights.

Two pure steps, told apart so that either can be replaced: a selection says which
symbols are held, a weighting says how much of each. Neither knows of brokers, orders
or feeds; what is not invested stays in cash.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from types import MappingProxyType
from typing import Protocol

from bt_lstm_rotation.errors import DataError, SpecError, closest

__all__ = ["WEIGHTINGS", "Weighting", "equal_weights", "select_top", "weighting_named"]

# Between 0 and 1 every multiple of 2**-53 is a float64, so sums of such multiples are
# exact there: the same in any order, and by any way of summing.
GRID = 2**53


class Weighting(Protocol):
    """How much of each chosen symbol to hold."""

    def __call__(
        self, chosen: Sequence[str], *, cash_buffer: float
    ) -> dict[str, float]:
        """Return symbol -> share of equity, 0 or more, at most 1 - cash_buffer in all.

        The order of the symbols must not change any of the weights.
        """


def select_top(forecasts: Mapping[str, float], top: int) -> list[str]:
    """Choose the symbols with the highest forecasts.

    Parameters
    ----------
    forecasts : mapping of str to float
        Symbol -> forecast return over the horizon, as a decimal. NaN and infinities
        mean that there is no forecast; such a symbol is never chosen.
    top : int
        How many to choose, at least 1.

    Returns
    -------
    list of str
        The best first, and of equal forecasts the first by name; fewer than `top` where
        fewer have a forecast.

    Raises
    ------
    SpecError
        If `top` is not a whole number of 1 or more.
    DataError
        If a forecast is not a number at all.
    """
    if isinstance(top, bool) or not isinstance(top, int) or top < 1:
        raise SpecError("select_top", "top", top, "a whole number, 1 or more")
    for symbol, forecast in forecasts.items():
        if not isinstance(forecast, Real):
            raise DataError(
                "a forecast that is not a number",
                symbol=symbol,
                value=forecast,
                valid="a decimal return, or NaN for none",
            )
    known = [symbol for symbol, value in forecasts.items() if math.isfinite(value)]
    return sorted(known, key=lambda symbol: (-forecasts[symbol], symbol))[:top]


def equal_weights(chosen: Sequence[str], *, cash_buffer: float) -> dict[str, float]:
    """Hold the same share of equity in each chosen symbol.

    Parameters
    ----------
    chosen : sequence of str
        Symbols, each once.
    cash_buffer : float
        Share of equity kept in cash, 0 or more and below 1, as a decimal.

    Returns
    -------
    dict of str to float
        Symbol -> ``(1 - cash_buffer) / len(chosen)``; empty if nothing is chosen.

    Raises
    ------
    SpecError
        If the buffer is out of range or a symbol is repeated.

    Notes
    -----
    The invested share is divided by the number *chosen*, not by the number asked for:
    if only two of three sectors have a forecast, each gets a half. Cash is a decision,
    made with `cash_buffer`, and not a by-product of a sector without a forecast.

    Weights are rounded down to a multiple of 2**-53, so that their sum is at most
    ``1 - cash_buffer`` exactly and not only up to rounding.
    """
    if not isinstance(cash_buffer, Real) or not 0 <= cash_buffer < 1:
        raise SpecError(
            "equal_weights", "cash_buffer", cash_buffer, "0 or more and below 1"
        )
    if len(set(chosen)) < len(chosen):
        raise SpecError("equal_weights", "chosen", list(chosen), "symbols, each once")
    if not chosen:
        return {}
    weight = int((1 - cash_buffer) * GRID) // len(chosen) / GRID
    return dict.fromkeys(chosen, weight)


WEIGHTINGS: Mapping[str, Weighting] = MappingProxyType({"equal": equal_weights})


def weighting_named(name: str) -> Weighting:
    """Return the weighting of that name.

    Parameters
    ----------
    name : str
        One of `WEIGHTINGS`.

    Raises
    ------
    SpecError
        If there is none; the closest known name is given.
    """
    if not isinstance(name, str) or name not in WEIGHTINGS:
        known = closest(str(name), WEIGHTINGS)
        raise SpecError("SectorRotation", "weighting", name, f"a known name ({known})")
    return WEIGHTINGS[name]
