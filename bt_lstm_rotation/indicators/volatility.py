"""How much a close moves a day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

__all__ = ["volatility"]

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
