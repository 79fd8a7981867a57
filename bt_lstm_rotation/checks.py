"""Checks of what callers hand in; what fails raises, and says what would be valid.

Every number has an upper bound: beyond it lie overflows, and sizes that no machine has.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from fractions import Fraction
from numbers import Integral, Real
from typing import Any, TypeGuard

from bt_lstm_rotation.errors import DataError, SpecError

__all__ = [
    "MOST",
    "all_finite",
    "check_call",
    "check_choice",
    "check_date",
    "check_flag",
    "check_fraction",
    "check_kind",
    "check_positive",
    "check_range",
    "check_whole",
    "finite_only",
    "is_number",
    "is_whole",
    "listed",
    "plain_fields",
    "plain_number",
]

# Where a setting has no tighter bound of its own.
MOST_WHOLE = 1_000_000_000
MOST = 1e15


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a number to compute with, which a truth value is not."""
    return isinstance(value, Real) and not isinstance(value, bool | Fraction)


def is_whole(value: object) -> TypeGuard[int]:
    """Whether it is an int, Python's or NumPy's, which a truth value is not."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def plain_number(value: Any) -> Any:
    """Return a number as Python has it, NumPy's too; anything else as it is.

    A key, a file and a comparison then find the same in ``np.int64(3)`` and in 3.
    """
    if type(value) in (int, float):
        return value
    if is_whole(value):
        return int(value)
    return float(value) if is_number(value) else value


def plain_fields(settings: Any) -> None:
    """Make the numbers of a frozen dataclass plain ones, before they are checked."""
    for field in fields(settings):
        value = plain_number(getattr(settings, field.name))
        object.__setattr__(settings, field.name, value)


def check_whole(
    owner: str, field: str, value: object, *, least: int, most: int = MOST_WHOLE
) -> None:
    """Raise SpecError unless it is a whole number from ``least`` to ``most``."""
    if not is_whole(value) or value < least:
        raise SpecError(owner, field, value, f"a whole number of at least {least}")
    if value > most:
        raise SpecError(owner, field, value, f"a whole number of at most {most:,}")


def check_fraction(owner: str, field: str, value: object) -> None:
    """Raise SpecError unless ``value`` is a number from 0 up to, but not, 1."""
    if not is_number(value) or not 0 <= value < 1:
        raise SpecError(owner, field, value, "a number from 0 up to, but not, 1")


def check_positive(
    owner: str, field: str, value: object, *, most: float = MOST
) -> None:
    """Raise SpecError unless it is a number above 0, and ``most`` at most."""
    if not is_number(value) or not 0 < value < math.inf:
        raise SpecError(owner, field, value, "a finite number above 0")
    if value > most:
        valid = f"a number above 0 and at most {most:,g}"
        raise SpecError(owner, field, value, valid)


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


def check_kind(owner: str, field: str, value: object, kind: Any, valid: str) -> None:
    """Raise SpecError unless ``value`` is of a kind, a type or a union of some."""
    if not isinstance(value, kind):
        raise SpecError(owner, field, value, valid)


def check_call(owner: str, field: str, value: object) -> None:
    """Raise SpecError unless ``value`` can be called."""
    if not callable(value):
        raise SpecError(owner, field, value, "something that can be called")


def listed(owner: str, field: str, values: Any, valid: str) -> list[Any]:
    """Return the values of a list of some sort; SpecError for a text or no list."""
    if not isinstance(values, str | bytes) and isinstance(values, Iterable):
        try:
            return list(values)
        except TypeError:  # an array without an axis
            pass
    raise SpecError(owner, field, values, valid)


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
