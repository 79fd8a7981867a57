"""Which symbols are chosen: ranks by forecast, slots, and a buffer for those held."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from bt_lstm_rotation.checks import check_whole, finite_only, is_number
from bt_lstm_rotation.errors import SpecError

__all__ = ["choose", "quantile_slots", "ranked", "select_quantile", "select_top"]

# 0.29 * 100 is 28.999999999999996 in float64.
ROUNDING = 1e-9


def ranked(forecasts: Mapping[str, float]) -> list[str]:
    """Rank the symbols that have a forecast: the best first, equal ones by name.

    Parameters
    ----------
    forecasts : mapping of str to float
        Symbol -> forecast return over the horizon, as a decimal. NaN and infinities
        mean that there is no forecast; such a symbol has no rank.

    Raises
    ------
    DataError
        If a forecast is not a number at all.
    """
    known = finite_only("forecast", forecasts)
    return sorted(known, key=lambda symbol: (-known[symbol], symbol))


def select_top(forecasts: Mapping[str, float], top: int) -> list[str]:
    """Choose the symbols with the highest forecasts, fewer where fewer have one.

    Raises
    ------
    SpecError
        If `top` is not a whole number of 1 or more.
    DataError
        As `ranked` does.
    """
    check_whole("select_top", "top", top, least=1)
    return ranked(forecasts)[:top]


def select_quantile(forecasts: Mapping[str, float], quantile: float) -> list[str]:
    """Choose a share of the symbols: those with the highest forecasts.

    Parameters
    ----------
    forecasts : mapping of str to float
        As `ranked` takes them.
    quantile : float
        Above 0 and at most 1: 0.2 chooses the best fifth, see `quantile_slots`.

    Raises
    ------
    SpecError
        If `quantile` is out of range.
    DataError
        As `ranked` does.
    """
    ranking = ranked(forecasts)
    return ranking[: quantile_slots(len(ranking), quantile, owner="select_quantile")]


def quantile_slots(n_known: int, quantile: float, *, owner: str = "Selection") -> int:
    """Return ``max(1, floor(quantile * n_known))``, the slots a quantile comes to.

    A product that is a whole number but for rounding counts as one: 0.29 of 100 is 29.

    Raises
    ------
    SpecError
        If `quantile` is not above 0 and at most 1.
    """
    if not is_number(quantile) or not 0 < quantile <= 1:
        raise SpecError(owner, "quantile", quantile, "above 0 and at most 1")
    return max(1, math.floor(quantile * n_known + ROUNDING))


def choose(
    ranking: Sequence[str],
    n_slots: int,
    *,
    held: Collection[str] = (),
    rank_buffer: int = 0,
) -> list[str]:
    """Fill slots, with what is held and still ranked well enough before the best.

    Parameters
    ----------
    ranking : sequence of str
        Symbols, each once, the best first; the result keeps this order.
    n_slots : int
        How many to choose at most, 0 or more.
    held : collection of str
        Symbols that are held now.
    rank_buffer : int
        A held symbol is kept while its rank is at most ``n_slots + rank_buffer``. Those
        kept take slots first, and the best others fill the rest. It is the buy/hold
        spread of [1]_.

    References
    ----------
    .. [1] R. Novy-Marx and M. Velikov, "A taxonomy of anomalies and their trading
       costs", Review of Financial Studies 29(1), 2016.
    """
    kept = set(ranking[: n_slots + rank_buffer]).intersection(held)
    # Sorting is stable: within both groups the ranking stays.
    by_claim = sorted(ranking, key=lambda symbol: symbol not in kept)
    chosen = set(by_claim[:n_slots])
    return [symbol for symbol in ranking if symbol in chosen]
