"""All the rules of a selection together, from forecasts to weights."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bt_lstm_rotation.checks import (
    all_finite,
    check_whole,
    finite_only,
    is_number,
    plain_fields,
)
from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.selection.fixed_point import UNITS, invested_units
from bt_lstm_rotation.selection.ranking import choose, quantile_slots, ranked
from bt_lstm_rotation.selection.turnover import limit_turnover
from bt_lstm_rotation.selection.weighting import NOTHING, weighting_named

__all__ = ["ROUND_TRIP", "Selection"]

ROUND_TRIP = "round_trip"


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which symbols to hold, how much of each, and how far to go at once.

    Parameters
    ----------
    top : int
        Slots: how many symbols to hold, at least 1.
    quantile : float, optional
        In place of `top`: the share of the symbols with a forecast that is held, above
        0 and at most 1; ``max(1, floor(quantile * n))`` of n.
    weighting : str
        How a side is shared out: a name of `bt_lstm_rotation.selection.WEIGHTINGS`.
    cap : float, optional
        The most one symbol may get, as a share of equity, above 0 and at most 1. What
        it cuts off goes to the others in proportion; what none can take stays in cash.
    threshold : float or "round_trip", optional
        Forecast, as a decimal return, below which a chosen symbol leaves its slot in
        cash. ``"round_trip"`` is what it costs to buy the symbol and to sell it again.
    rank_buffer : int
        A held symbol is kept while its rank is within the slots and this many more; 0
        or more.
    shorts : int
        How many of the worst-ranked symbols are held short; 0 is long only.
    max_turnover : float, optional
        The most that is traded at once, as a share of equity, above 0 and at most 2:
        the sum of ``|new - held|`` over symbols.

    Raises
    ------
    SpecError
        If a value is impossible.

    Notes
    -----
    ``docs/decisions/0010-how-weights-are-chosen.md`` says why each rule is as it is.

    Where fewer symbols have a forecast than there are slots, the invested share is
    divided among those chosen. Where a forecast is below the threshold, its slot is
    cash. With shorts, each side has half of the invested share, and the rules are those
    for longs with negated forecasts, among the symbols that the long side leaves.

    Under a turnover limit, a position above the cap or below the threshold may take
    several rebalances to get where it belongs.
    """

    top: int = 3
    quantile: float | None = None
    weighting: str = "equal"
    cap: float | None = None
    threshold: float | Literal["round_trip"] | None = None
    rank_buffer: int = 0
    shorts: int = 0
    max_turnover: float | None = None

    def __post_init__(self) -> None:
        plain_fields(self)
        check_whole("Selection", "top", self.top, least=1)
        check_whole("Selection", "rank_buffer", self.rank_buffer, least=0)
        check_whole("Selection", "shorts", self.shorts, least=0)
        weighting_named(self.weighting)
        for name, most in (("quantile", 1), ("cap", 1), ("max_turnover", 2)):
            value = getattr(self, name)
            if value is not None and not (is_number(value) and 0 < value <= most):
                valid = f"a number above 0 and at most {most}, or None"
                raise SpecError("Selection", name, value, valid)
        threshold: object = self.threshold
        by_name = isinstance(threshold, str) and threshold == ROUND_TRIP
        by_number = is_number(threshold) and abs(threshold) <= sys.float_info.max
        if not (threshold is None or by_name or by_number):
            valid = f"a finite decimal return, {ROUND_TRIP!r}, or None"
            raise SpecError("Selection", "threshold", threshold, valid)

    @property
    def needs_volatilities(self) -> bool:
        """Whether `weights` goes by volatilities."""
        return self.weighting == "inverse_volatility"

    @property
    def needs_costs(self) -> bool:
        """Whether `weights` goes by costs."""
        return self.threshold == ROUND_TRIP

    def weights(
        self,
        forecasts: Mapping[str, float],
        *,
        cash_buffer: float,
        held: Mapping[str, float] = NOTHING,
        volatilities: Mapping[str, float] = NOTHING,
        costs: Mapping[str, float] = NOTHING,
    ) -> dict[str, float]:
        """Choose by forecast, weigh what was chosen, and go as far as is allowed.

        Parameters
        ----------
        forecasts : mapping of str to float
            As `ranked` takes them.
        cash_buffer : float
            Share of equity kept in cash, 0 or more and below 1.
        held : mapping of str to float
            Symbol -> share of equity now, shorts negative.
        volatilities : mapping of str to float
            Symbol -> deviation of its daily returns; read if `needs_volatilities`.
        costs : mapping of str to float
            Symbol -> cost of buying it and selling it again, as a decimal; read if
            `needs_costs`.

        Returns
        -------
        dict of str to float
            Symbol -> share of equity, shorts negative, the best-ranked first. Chosen
            symbols that get nothing have 0; held ones that are left out are to be sold.
            Empty if no symbol has a forecast.

        Raises
        ------
        SpecError
            If `cash_buffer` is out of range.
        DataError
            If a forecast, a share or a volatility is not a number, a volatility is
            negative, or the cost of a symbol is needed and missing.
        """
        known, costs = finite_only("forecast", forecasts), finite_only("cost", costs)
        now = all_finite("held share", held)
        units = invested_units("Selection", cash_buffer)
        each_side = units // 2 if self.shorts else units

        longs = self._choose(known, self._slots(len(known)), now)
        if not longs:
            return {}
        against = _negated({s: known[s] for s in known if s not in longs})
        shorts = self._choose(against, self.shorts, _negated(now))

        targets = self._weigh(longs, known, each_side, volatilities, costs)
        targets |= _negated(
            self._weigh(shorts, against, each_side, volatilities, costs)
        )
        return limit_turnover(targets, now, self.max_turnover, cash_buffer=cash_buffer)

    def _slots(self, n_known: int) -> int:
        if self.quantile is None:
            return self.top
        return quantile_slots(n_known, self.quantile)

    def _choose(
        self, forecasts: Mapping[str, float], n_slots: int, now: Mapping[str, float]
    ) -> list[str]:
        held = [symbol for symbol, share in now.items() if share > 0]
        ranking = ranked(forecasts)
        return choose(ranking, n_slots, held=held, rank_buffer=self.rank_buffer)

    def _weigh(
        self,
        chosen: Sequence[str],
        forecasts: Mapping[str, float],
        units: int,
        volatilities: Mapping[str, float],
        costs: Mapping[str, float],
    ) -> dict[str, float]:
        """Share out a side among those of its symbols that are worth it."""
        weights = dict.fromkeys(chosen, 0.0)
        worth_it = [
            symbol
            for symbol in chosen
            if forecasts[symbol] >= self._hurdle(symbol, costs)
        ]
        units = units * len(worth_it) // max(len(chosen), 1)
        if units:
            weigh = weighting_named(self.weighting)
            weights |= weigh(
                worth_it,
                # What is not for them is cash to the weighting. It is exact.
                cash_buffer=1 - units / UNITS,
                cap=self.cap,
                forecasts=forecasts,
                volatilities=volatilities,
            )
        return weights

    def _hurdle(self, symbol: str, costs: Mapping[str, float]) -> float:
        """Return the forecast below which a symbol is not held."""
        if self.threshold is None:
            return -math.inf
        if not isinstance(self.threshold, str):
            return self.threshold
        if symbol not in costs:
            raise DataError(
                "no cost of a round trip",
                symbol=symbol,
                valid=f"threshold={ROUND_TRIP!r} needs one of each symbol chosen",
            )
        return costs[symbol]


def _negated(values: Mapping[str, float]) -> dict[str, float]:
    return {symbol: 0.0 - value for symbol, value in values.items()}
