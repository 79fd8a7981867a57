"""How far to go: a limit on what is traded at once."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from bt_lstm_rotation.checks import all_finite, is_number
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.selection.fixed_point import UNITS, invested_units, rounded_down

__all__ = ["limit_turnover"]


def limit_turnover(
    targets: Mapping[str, float],
    held: Mapping[str, float],
    max_turnover: float | None,
    *,
    cash_buffer: float,
) -> dict[str, float]:
    """Go from what is held towards the targets, as far as the limit allows.

    Parameters
    ----------
    targets : mapping of str to float
        Symbol -> share of equity wanted, shorts negative; in absolute terms at most
        ``1 - cash_buffer`` in all.
    held : mapping of str to float
        Symbol -> share of equity now, shorts negative; where it has no target, that is
        0.
    max_turnover : float, optional
        Above 0 and at most 2, two-sided: the sum over symbols of ``|new - held|``. To
        move 10% of equity from one symbol to another is a turnover of 0.2. None is no
        limit.
    cash_buffer : float
        Share of equity kept in cash, 0 or more and below 1.

    Returns
    -------
    dict of str to float
        ``held + part * (target - held)``, with the same part of at most 1 for all
        symbols; first the targets' symbols, then the others held, by name.

    Raises
    ------
    SpecError
        If a setting is out of range.
    DataError
        If a share is not a finite number.

    Notes
    -----
    The cash buffer wins: holdings that have risen above ``1 - cash_buffer`` are scaled
    down to it, even where that takes more trading. Shares are rounded towards 0 to
    multiples of 2**-53, so their sum is kept exactly.
    """
    units = invested_units("limit_turnover", cash_buffer)
    if max_turnover is None:
        return dict(targets)
    if not is_number(max_turnover) or not 0 < max_turnover <= 2:
        valid = "above 0 and at most 2, or None"
        raise SpecError("limit_turnover", "max_turnover", max_turnover, valid)
    wanted, before = all_finite("target", targets), all_finite("held share", held)
    symbols = [*wanted, *sorted(before.keys() - wanted.keys())]
    now = {symbol: Fraction(before.get(symbol, 0.0)) for symbol in symbols}
    way = {
        symbol: Fraction(wanted.get(symbol, 0.0)) - now[symbol] for symbol in symbols
    }
    limit, turnover = Fraction(float(max_turnover)), _total(way)
    if turnover <= limit:
        return wanted
    new = {symbol: now[symbol] + limit / turnover * way[symbol] for symbol in symbols}
    most = Fraction(units, UNITS)
    scale = most / max(most, _total(new))
    return {symbol: rounded_down(scale * share) for symbol, share in new.items()}


def _total(shares: Mapping[str, Fraction]) -> Fraction:
    return sum(map(abs, shares.values()), Fraction(0))
