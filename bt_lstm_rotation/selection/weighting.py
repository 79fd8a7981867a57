"""How much of each: weightings, and a cap on every one of them.

Everything is divided exactly, in whole units of 2**-53 of equity, and rounded down
once. So the order of the symbols cannot matter, and no sum exceeds what may be
invested, in whatever order it is added up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Protocol

from bt_lstm_rotation.checks import finite_only, is_number
from bt_lstm_rotation.errors import DataError, SpecError, closest
from bt_lstm_rotation.selection.fixed_point import UNITS, invested_units
from bt_lstm_rotation.wording import in_text

__all__ = [
    "WEIGHTINGS",
    "Weighting",
    "equal_weights",
    "forecast_weights",
    "inverse_volatility_weights",
    "weighting_named",
]

NOTHING: Mapping[str, float] = MappingProxyType({})


class Weighting(Protocol):
    """How much of each chosen symbol to hold.

    Every weighting is given all that any of them needs, and uses its own part.
    """

    def __call__(
        self,
        chosen: Sequence[str],
        *,
        cash_buffer: float,
        cap: float | None = None,
        forecasts: Mapping[str, float] = NOTHING,
        volatilities: Mapping[str, float] = NOTHING,
    ) -> dict[str, float]:
        """Return symbol -> share of equity, 0 or more; empty if nothing is chosen.

        Parameters
        ----------
        chosen : sequence of str
            Symbols, each once. Their order must not change any weight.
        cash_buffer : float
            Share of equity kept in cash, 0 or more and below 1: the weights come to at
            most ``1 - cash_buffer`` in all.
        cap : float, optional
            The largest share of equity in one symbol, above 0 and at most 1.
        forecasts : mapping of str to float
            Symbol -> forecast return, as a decimal.
        volatilities : mapping of str to float
            Symbol -> deviation of its daily returns, in any one unit.

        Raises
        ------
        SpecError
            If the buffer or the cap is out of range, or a symbol is repeated.
        DataError
            If a value that it needs is not a number, or a volatility is negative.
        """


def equal_weights(
    chosen: Sequence[str],
    *,
    cash_buffer: float,
    cap: float | None = None,
    forecasts: Mapping[str, float] = NOTHING,
    volatilities: Mapping[str, float] = NOTHING,
) -> dict[str, float]:
    """Hold the same share of equity in each chosen symbol; see `Weighting`.

    It is ``(1 - cash_buffer) / len(chosen)``: if only two of three sectors have a
    forecast, each gets a half. Equal weights are hard to beat out of sample [1]_.

    References
    ----------
    .. [1] V. DeMiguel, L. Garlappi and R. Uppal, "Optimal versus naive
       diversification", Review of Financial Studies 22(5), 2009.
    """
    scores = [1.0] * len(chosen)
    return _shared_out("equal_weights", chosen, scores, cash_buffer, cap)


def forecast_weights(
    chosen: Sequence[str],
    *,
    cash_buffer: float,
    cap: float | None = None,
    forecasts: Mapping[str, float] = NOTHING,
    volatilities: Mapping[str, float] = NOTHING,
) -> dict[str, float]:
    """Hold each chosen symbol in proportion to its forecast; see `Weighting`.

    A symbol whose forecast is not above 0 gets nothing; if none is, all stays in cash.
    """
    known = finite_only("forecast", forecasts)
    scores = [max(known.get(symbol, 0.0), 0.0) for symbol in chosen]
    return _shared_out("forecast_weights", chosen, scores, cash_buffer, cap)


def inverse_volatility_weights(
    chosen: Sequence[str],
    *,
    cash_buffer: float,
    cap: float | None = None,
    forecasts: Mapping[str, float] = NOTHING,
    volatilities: Mapping[str, float] = NOTHING,
) -> dict[str, float]:
    """Hold each chosen symbol in proportion to 1 / volatility; see `Weighting`.

    A symbol whose volatility is unknown (missing, NaN or infinite) or 0 is taken to
    have the smallest positive one among the chosen; if none has any, the weights are
    equal. Were all correlations the same, each would add as much to the portfolio's
    risk [1]_.

    References
    ----------
    .. [1] S. Maillard, T. Roncalli and J. Teiletche, "The properties of equally
       weighted risk contribution portfolios", Journal of Portfolio Management 36(4),
       2010.
    """
    known = finite_only("volatility", volatilities)
    for symbol, volatility in known.items():
        if volatility < 0:
            valid = "a deviation of returns, 0 or more"
            raise DataError(
                "a volatility below 0", symbol=symbol, value=volatility, valid=valid
            )
    positive = [known[symbol] for symbol in chosen if known.get(symbol)]
    smallest = min(positive, default=1.0)
    # Not 1 / volatility, which is infinite for the smallest numbers there are.
    scores = [smallest / (known.get(symbol) or smallest) for symbol in chosen]
    return _shared_out("inverse_volatility_weights", chosen, scores, cash_buffer, cap)


WEIGHTINGS: Mapping[str, Weighting] = MappingProxyType(
    {
        "equal": equal_weights,
        "forecast": forecast_weights,
        "inverse_volatility": inverse_volatility_weights,
    }
)


def weighting_named(name: str) -> Weighting:
    """Return the weighting of that name, a key of `WEIGHTINGS`.

    Raises
    ------
    SpecError
        If there is none; the closest known name is given.
    """
    if not isinstance(name, str) or name not in WEIGHTINGS:
        known = closest(in_text(name), WEIGHTINGS)
        raise SpecError("Selection", "weighting", name, f"a known name ({known})")
    return WEIGHTINGS[name]


def _shared_out(
    owner: str,
    chosen: Sequence[str],
    scores: Sequence[float],
    cash_buffer: float,
    cap: float | None,
) -> dict[str, float]:
    """Share out what may be invested in proportion to scores of 0 or more.

    What the cap cuts off goes to the others in proportion, or stays in cash.
    """
    units = invested_units(owner, cash_buffer)
    if cap is not None and not (is_number(cap) and 0 < cap <= 1):
        raise SpecError(owner, "cap", cap, "above 0 and at most 1, or None")
    if len(set(chosen)) < len(chosen):
        raise SpecError(owner, "chosen", list(chosen), "symbols, each once")
    most = units if cap is None else int(float(cap) * UNITS)
    weights = dict.fromkeys(chosen, 0.0)
    exact = {
        symbol: Fraction(score)
        for symbol, score in zip(chosen, scores, strict=True)
        if score
    }
    left, score_left = units, sum(exact.values(), Fraction(0))
    # The largest score meets the cap first. Once one does not, no smaller one will.
    for symbol in sorted(exact, key=exact.__getitem__, reverse=True):
        score = exact[symbol]
        if left * score > most * score_left:
            weights[symbol] = most / UNITS
            left, score_left = left - most, score_left - score
        else:
            weights[symbol] = left * score // score_left / UNITS
    return weights
