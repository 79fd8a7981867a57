"""Numbers as callers hand them in, and what is made of NaN and infinities."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import TypeGuard

from bt_lstm_rotation.errors import DataError

__all__ = ["all_finite", "finite", "is_number"]


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a real number, which a truth value is not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def finite(what: str, values: Mapping[str, float]) -> dict[str, float]:
    """Return those of the values that are finite.

    Parameters
    ----------
    what : str
        What each of them is, for the message.
    values : mapping of str to float
        Symbol -> number; NaN and infinities mean that there is none.

    Returns
    -------
    dict of str to float

    Raises
    ------
    DataError
        If it is no mapping, or a value is not a number at all.
    """
    if not isinstance(values, Mapping):
        raise DataError(
            "no mapping", field=what, value=values, valid=f"symbol -> {what}"
        )
    numbers = {symbol: _number(what, symbol, values[symbol]) for symbol in values}
    return {symbol: value for symbol, value in numbers.items() if math.isfinite(value)}


def all_finite(what: str, values: Mapping[str, float]) -> dict[str, float]:
    """Return the values, if all of them are finite.

    Raises
    ------
    DataError
        If one is not, or as `finite` does.
    """
    numbers = finite(what, values)
    for symbol in values.keys() - numbers.keys():
        raise DataError(
            f"a {what} that is not finite",
            symbol=symbol,
            value=values[symbol],
            valid="a finite decimal number",
        )
    return numbers


def _number(what: str, symbol: str, value: object) -> float:
    if is_number(value):
        try:
            return float(value)
        except OverflowError:  # a whole number of more than 308 digits
            pass
    raise DataError(
        f"a {what} that is not a number",
        symbol=str(symbol),
        value=value,
        valid="a decimal number, or NaN for none",
    )
