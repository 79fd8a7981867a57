"""Shares of equity whose sums are exact, in any order and however they are added."""

from __future__ import annotations

from fractions import Fraction

from bt_lstm_rotation.checks import check_fraction

__all__ = ["UNITS", "invested_units", "rounded_down"]

# Between -1 and 1 every multiple of 2**-53 is a float64, and so is every sum of such
# multiples that stays there: nothing is rounded.
UNITS = 2**53


def invested_units(owner: str, cash_buffer: float) -> int:
    """Return how much may be invested, in units of 2**-53 of equity.

    `owner` is named in the SpecError for a buffer below 0, or 1 and above.
    """
    check_fraction(owner, "cash_buffer", cash_buffer)
    return int((1 - float(cash_buffer)) * UNITS)


def rounded_down(share: Fraction) -> float:
    """Round a share of equity, -1 to 1, towards 0 to a multiple of 2**-53."""
    return int(share * UNITS) / UNITS
