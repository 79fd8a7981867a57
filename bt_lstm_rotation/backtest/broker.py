"""What trading costs, and with how much it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bt_lstm_rotation.checks import check_range, is_number, plain_fields
from bt_lstm_rotation.errors import SpecError

__all__ = ["Broker"]


@dataclass(frozen=True, kw_only=True)
class Broker:
    """What trading costs, and how much cash it begins with.

    Parameters
    ----------
    cash : float
        In currency, above 0.
    commission : float or bt.CommInfoBase
        Share of an order's value, as a decimal; or a commission scheme of your own,
        such as one per share, or per order with a minimum, for all feeds.
    slippage : float
        Share of the price by which a fill is worse than the open, as a decimal; never
        beyond the bar's range.

    Raises
    ------
    SpecError
        If a value is impossible.
    """

    cash: float = 100_000.0
    commission: Any = 0.0005
    slippage: float = 0.0002

    def __post_init__(self) -> None:
        plain_fields(self)
        check_range("Broker", "cash", self.cash, 0.01, 1e15)
        if self._is_share:
            check_range("Broker", "commission", self.commission, 0.0, 0.5)
        else:
            _check_scheme(self.commission)
        check_range("Broker", "slippage", self.slippage, 0.0, 0.5)

    @property
    def _is_share(self) -> bool:
        return is_number(self.commission)

    def set_up(self, cerebro: Any) -> None:
        """Set a Cerebro's broker up."""
        cerebro.broker.setcash(self.cash)
        if self._is_share:
            cerebro.broker.setcommission(commission=self.commission)
        else:
            cerebro.broker.addcommissioninfo(self.commission)
        if self.slippage:
            cerebro.broker.set_slippage_perc(self.slippage)

    def described(self) -> dict[str, Any]:
        """Return the settings as plain values, for ``summary.json``."""
        commission = self.commission
        if not self._is_share:
            scheme = type(commission).__name__
            commission = {"scheme": scheme, **commission.params._getkwargs()}
        return {"cash": self.cash, "commission": commission, "slippage": self.slippage}


def _check_scheme(commission: Any) -> None:
    # Here and not above: the command line asks for the defaults, and for no more.
    import backtrader as bt

    if not isinstance(commission, bt.CommInfoBase):
        valid = "a number from 0 to 0.5, or an instance of a bt.CommInfoBase"
        raise SpecError("Broker", "commission", commission, valid)
