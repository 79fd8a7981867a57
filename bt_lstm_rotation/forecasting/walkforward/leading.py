"""Series that move before the market does, because they are dated too early.

Cutting off the future trusts the dates: a bar that is dated a day early is still there.
But what is dated early moves with tomorrow. So before a fit is made, the returns of
what is context are compared with the next returns of the symbols, and inputs with
returns to come. Thresholds are far above what forecasts reach: markets in other time
zones lead each other with about 0.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.forecasting.beside import ContextRule, InputRule, rules_of
from bt_lstm_rotation.forecasting.window import Window

__all__ = [
    "ENOUGH",
    "HORIZONS",
    "Ahead",
    "check_leads",
    "correlation",
    "how_closely",
    "lead_of",
]

Array = NDArray[np.float64]

# Correlations, and pairs of returns that one is worked out of at least.
LEAST, BEYOND, ENOUGH = 0.75, 0.3, 60
BARS_AHEAD = (1, 2, 3)
# Returns over more bars overlap, and correlate by chance sooner.
HORIZONS: Final = {1: 0.7, 5: 0.9, 21: 0.9}


class Ahead(NamedTuple):
    """By how many bars returns lead, how closely, and how closely on the same bar."""

    bars: int
    correlation: float
    same_day: float


def lead_of(first: Array, others: Sequence[Array]) -> Ahead | None:
    """Return how returns lead others of the same bars, if they do."""
    same = how_closely(first, others)
    for ahead in BARS_AHEAD:
        value = how_closely(first[:-ahead], [other[ahead:] for other in others])
        if value >= LEAST and value >= same + BEYOND:
            return Ahead(ahead, value, same)
    return None


def how_closely(target: Array, others: Sequence[Array]) -> float:
    """Return how closely others say together what one return is, 0 to 1.

    The coefficient of multiple correlation, adjusted for how many they are.
    """
    finite = np.isfinite([target, *others]).all(axis=0)
    y = target[finite]
    x = np.stack([other[finite] for other in others], axis=1)
    left = len(y) - x.shape[1] - 1
    if left < ENOUGH or not y.std():
        return 0.0
    x = x - x.mean(axis=0)
    y = y - y.mean()
    beta = np.linalg.lstsq(x, y, rcond=None)[0]
    unexplained = float(((y - x @ beta) ** 2).mean() / (y**2).mean())
    return float(np.sqrt(max(0.0, 1.0 - unexplained * (len(y) - 1) / left)))


def correlation(a: Array, b: Array) -> float:
    """Return the correlation of two series, 0 where too little is there to tell."""
    both = np.isfinite(a) & np.isfinite(b)
    a, b = a[both], b[both]
    if len(a) < ENOUGH or not a.std() or not b.std():
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def check_leads(spec: Any, window: Window) -> None:
    """Raise DataError if what stands beside the bars of a window is dated too early.

    The window is ``(n_symbols, n_bars)``.
    """
    alike = (window.dates == window.dates[0]).all(axis=1)
    logs = np.log(window.close[alike])
    rules = rules_of(spec)
    series = [rule.name for rule in rules if isinstance(rule, ContextRule)]
    for name in [*series, *({"benchmark"} & {*window.extra})]:
        with np.errstate(invalid="ignore"):
            own = np.diff(np.log(window.row(name)[0]))
        lead = lead_of(own, list(np.diff(logs, axis=1)))
        if lead is not None:
            raise DataError(
                f"is dated {_bars(lead.bars)} early: its returns go with those that "
                f"come after ({lead.correlation:.2f}) and not with those of their own "
                f"bars ({lead.same_day:.2f})",
                field=f"context {name}",
                valid="the dates on which its closes were known",
            )
    for rule in (rule for rule in rules if isinstance(rule, InputRule)):
        for row, (values, close) in enumerate(
            zip(window.row(rule.name), window.close, strict=True)
        ):
            for ahead, least in HORIZONS.items():
                value = correlation(values[:-ahead], close[ahead:] / close[:-ahead] - 1)
                if abs(value) >= least:
                    raise DataError(
                        f"knows the return of the next {_bars(ahead)}: they correlate "
                        f"by {value:.2f}",
                        symbol=window.symbols[row],
                        field=f"input {rule.name}",
                        valid="values that were known at the close of their bar",
                    )


def _bars(count: int) -> str:
    return "1 bar" if count == 1 else f"{count} bars"
