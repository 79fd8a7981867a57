"""How a rebalancer trades, whatever the target."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bt_lstm_rotation.errors import SpecError

__all__ = ["Rules"]

# A satoshi: nothing that is traded is divided further.
SMALLEST_LOT = 1e-8


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Settings of a rebalancer; `Rebalancer` says what each of them does.

    Parameters
    ----------
    max_attempts : int
        Sessions, 1 or more.
    lot : float
        Shares, 1e-8 or more.

    Raises
    ------
    SpecError
        If one of them is impossible.
    """

    max_attempts: int = 5
    lot: float = 1

    def __post_init__(self) -> None:
        if type(self.max_attempts) is not int or self.max_attempts < 1:
            self._refuse("max_attempts", "a whole number, 1 or more")
        if not _is_number(self.lot) or not SMALLEST_LOT <= self.lot < math.inf:
            self._refuse("lot", f"a finite number of shares, {SMALLEST_LOT} or more")

    def _refuse(self, field: str, valid: str) -> None:
        raise SpecError("Rebalancer", field, getattr(self, field), valid)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
