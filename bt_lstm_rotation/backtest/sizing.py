"""How many shares a plain ``buy()`` or ``sell()`` is for.

Backtrader asks a sizer, and its own default is one share an order. A strategy that says
a size with each order, or works towards target weights, asks none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import backtrader as bt

from bt_lstm_rotation.checks import check_positive, is_number
from bt_lstm_rotation.errors import SpecError, StrategyError, closest
from bt_lstm_rotation.periodic import PeriodicRebalance
from bt_lstm_rotation.wording import in_text

__all__ = ["add_sizer", "check_sizer", "described", "fixed_stake", "share_of_cash"]


def fixed_stake(shares: float) -> tuple[Any, dict[str, Any]]:
    """Return the sizer that orders so many shares, above 0, each time."""
    check_positive("sizing", "stake", shares)
    # 100.0 as typed is 100 shares.
    stake = int(shares) if shares == int(shares) else shares
    return bt.sizers.FixedSize, {"stake": stake}


def share_of_cash(share: float) -> tuple[Any, dict[str, Any]]:
    """Return the sizer that spends this share, above 0 and at most 1, of the cash.

    Fractions of shares are ordered too. Orders of one session are all sized by the cash
    before any of them: of six of a fifth, the last is rejected. Of a feed that is held
    already, an order is for as much as is held: a sell closes the position, and a buy
    doubles it.
    """
    if not is_number(share) or not 0 < share <= 1:
        valid = "a share of the cash, above 0 and at most 1"
        raise SpecError("sizing", "sizer", share, valid)
    return bt.sizers.PercentSizer, {"percents": 100 * share}


def check_sizer(strategy: Any, sizer: Any) -> None:
    """Check that a sizer is one, and that a strategy's orders would go by it.

    Parameters
    ----------
    strategy : type of bt.Strategy
    sizer : type of bt.Sizer, or tuple of one and a mapping of its parameters, or None

    Raises
    ------
    SpecError
        If it is no sizer, or a parameter is unknown.
    StrategyError
        If the strategy works towards target weights: it would change nothing.
    """
    if sizer is None:
        return
    kind, _ = _split(sizer)
    if issubclass(strategy, PeriodicRebalance):
        raise StrategyError(
            f"{strategy.__name__} sizes its own orders, by target weights, so the "
            f"sizer {kind.__name__} would change nothing; --stake, --sizer and "
            "sizer=... are for strategies that just buy()"
        )


def add_sizer(cerebro: Any, sizer: Any) -> None:
    """Give a Cerebro the sizer, if there is one, that `check_sizer` has passed."""
    if sizer is not None:
        kind, given = _split(sizer)
        cerebro.addsizer(kind, **given)


def described(sizer: Any) -> dict[str, Any]:
    """Return a sizer and all of its parameters, for ``summary.json``."""
    kind, given = _split(sizer)
    return {"name": kind.__name__, "params": dict(kind.params._getitems()) | given}


def _split(sizer: Any) -> tuple[Any, dict[str, Any]]:
    kind, given = sizer if isinstance(sizer, tuple) and len(sizer) == 2 else (sizer, {})
    is_sizer = isinstance(kind, type) and issubclass(kind, bt.Sizer)
    if not is_sizer or not isinstance(given, Mapping):
        valid = "a bt.Sizer class, or a tuple of one and a dict of its parameters"
        raise SpecError("run_backtest", "sizer", sizer, valid)
    # Backtrader takes a misspelled one without a word.
    known = set(kind.params._getkeys())
    for name in given:
        if name not in known:
            valid = f"known ({closest(in_text(name), known)})"
            raise SpecError(kind.__name__, "parameter", name, valid)
    return kind, dict(given)
