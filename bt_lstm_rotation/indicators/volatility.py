"""How much a close moves a day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from bt_lstm_rotation.forecasting import BarHistory
from bt_lstm_rotation.periods import QUARTER

__all__ = ["volatilities", "volatility"]

# Log returns that are all the same differ by the rounding of their logarithms, 1e-15.
ROUNDING = 1e-12


def volatility(closes: Sequence[float]) -> float:
    """Sample deviation of log returns, the same to the bit wherever it is computed."""
    logs = [math.log(close) for close in closes]
    returns = [after - before for before, after in pairwise(logs)]
    mean = math.fsum(returns) / len(returns)
    square = math.fsum((value - mean) ** 2 for value in returns)
    deviation = math.sqrt(square / (len(returns) - 1))
    return deviation if deviation > ROUNDING else 0.0


def volatilities(history: BarHistory, session: np.datetime64) -> dict[str, float]:
    """Measure how much each symbol's close has moved a day, in the last quarter.

    Returns symbol -> sample deviation of the log returns over its own last 64 bars, a
    decimal a day, NaN where there are fewer. Bars after `session` are not read.
    """
    now = np.array([session])
    measured = {}
    for name, count in zip(history.symbols, history.counts(now)[0], strict=True):
        measured[name] = math.nan
        if count > QUARTER:
            window = history.window([name], now, QUARTER + 1)
            measured[name] = volatility(window.close[0, 0].tolist())
    return measured
