"""How a rebalancer trades, whatever the target."""

from __future__ import annotations

from dataclasses import dataclass

from bt_lstm_rotation.checks import (
    MOST,
    check_choice,
    check_flag,
    check_fraction,
    check_whole,
    is_number,
    plain_fields,
)
from bt_lstm_rotation.errors import SpecError

__all__ = ["SMALLEST_LOT", "Rules"]

# A satoshi: nothing that is traded is divided further.
SMALLEST_LOT = 1e-8

DELISTED = ("last_close", "write_off", "hold")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Settings of a rebalancer; `Rebalancer` says what each of them does.

    Raises
    ------
    SpecError
        If one of them is impossible.
    """

    max_attempts: int = 5
    lot: float = 1
    min_trade: float = 0.0
    band: float = 0.0
    delisted: str = "last_close"
    delisted_after: int | None = None
    shorts: bool = False

    def __post_init__(self) -> None:
        plain_fields(self)
        check_whole("Rebalancer", "max_attempts", self.max_attempts, least=1)
        if self.delisted_after is not None:
            check_whole("Rebalancer", "delisted_after", self.delisted_after, least=1)
        if not is_number(self.lot) or not SMALLEST_LOT <= self.lot <= MOST:
            self._refuse(
                "lot",
                f"a finite number of shares, {SMALLEST_LOT} or more, {MOST:g} at most",
            )
        if not is_number(self.min_trade) or not 0 <= self.min_trade <= MOST:
            self._refuse(
                "min_trade", f"a finite amount of currency, 0 or more, {MOST:g} at most"
            )
        check_fraction("Rebalancer", "band", self.band)
        check_choice("Rebalancer", "delisted", self.delisted, DELISTED)
        check_flag("Rebalancer", "shorts", self.shorts)

    def _refuse(self, field: str, valid: str) -> None:
        raise SpecError("Rebalancer", field, getattr(self, field), valid)
