"""Checks of what callers hand in; what fails raises, and says what would be valid."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from numbers import Real
from typing import TypeGuard

from bt_lstm_rotation.errors import DataError, SpecError

__all__ = [
    "all_finite",
    "check_choice",
    "check_date",
    "check_flag",
    "check_fraction",
    "check_positive",
    "check_range",
    "check_whole",
    "finite_only",
    "is_number",
    "is_whole",
]


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a number to compute with, which a truth value is not."""
    return isinstance(value, Real) and not isinstance(value, bool | Fraction)


def is_whole(value: object) -> TypeGuard[int]:
    """Whether it is a Python int, which a truth value is not."""
    return isinstance(value, int) and not isinstance(value, bool)


def check_whole(owner: str, field: str, value: object, *, least: int) -> None:
    """Raise SpecError unless ``value`` is a whole number of at least ``least``."""
    if not is_whole(value) or value < least:
        raise SpecError(owner, field, value, f"a whole number of at least {least}")


def check_fraction(owner: str, field: str, value: object) -> None:
    """Raise SpecError unless ``value`` is a number from 0 up to, but not, 1."""
    if not is_number(value) or not 0 <= value < 1:
        raise SpecError(owner, field, value, "a number from 0 up to, but not, 1")


def check_positive(owner: str, field: str, value: object) -> None:
    """Raise SpecError unless ``value`` is a finite number above 0."""
    if not is_number(value) or not 0 < value < math.inf:
        raise SpecError(owner, field, value, "a finite number above 0")


def check_range(
    owner: str, field: str, value: object, least: float, most: float
) -> None:
    """Raise SpecError unless ``value`` is a number from ``least`` to ``most``."""
    if not is_number(value) or not least <= value <= most:
        raise SpecError(owner, field, value, f"a number from {least:g} to {most:g}")


def check_flag(owner: str, field: str, value: object) -> None:
    """Raise SpecError unless ``value`` is True or False."""
    if not isinstance(value, bool):
        raise SpecError(owner, field, value, "True or False")


def check_choice(owner: str, field: str, value: object, choices: Sequence[str]) -> None:
    """Raise SpecError unless ``value`` is one of some texts."""
    if not isinstance(value, str) or value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise SpecError(owner, field, value, f"one of {listed}")


def check_date(owner: str, field: str, value: object) -> None:
    """Raise SpecError unless ``value`` is a date or None."""
    # pandas' NaT is a date to isinstance, and no day.
    if value is not None and (not isinstance(value, dt.date) or value != value):
        raise SpecError(owner, field, value, "a datetime.date, or None")


def finite_only(what: str, values: Mapping[str, float]) -> dict[str, float]:
    """Return the finite ones of symbol -> number; NaN and infinities mean none.

    Raises DataError if it is no mapping, or a value is not a number at all.
    """
    if not isinstance(values, Mapping):
        raise DataError(
            "no mapping", field=what, value=values, valid=f"symbol -> {what}"
        )
    numbers = {symbol: _number(what, symbol, values[symbol]) for symbol in values}
    return {symbol: value for symbol, value in numbers.items() if math.isfinite(value)}


def all_finite(what: str, values: Mapping[str, float]) -> dict[str, float]:
    """Return the values; raise DataError if one is not finite, or as `finite_only`."""
    numbers = finite_only(what, values)
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
