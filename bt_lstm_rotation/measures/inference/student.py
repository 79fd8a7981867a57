"""Student's t law, so that a test needs no library for its critical values.

With x = d / (d + t²), P(T > t) = I_x(d / 2, 1 / 2) / 2 for t of at least 0. The
regularised incomplete beta function I is a continued fraction [1]_, which modified
Lentz evaluates.

References
----------
.. [1] NIST Digital Library of Mathematical Functions, 8.17.22 and 8.17.4,
   https://dlmf.nist.gov/8.17.
"""

from __future__ import annotations

import math

from bt_lstm_rotation.checks import check_positive, check_range

__all__ = ["t_quantile", "t_tail"]

TINY = 1e-300
STEPS = 10_000


def t_tail(t: float, df: float) -> float:
    """Return P(T > t) of `df` degrees of freedom; NaN of NaN.

    SpecError unless `df` is above 0, and 1e6 at most.
    """
    check_positive("t_tail", "df", df, most=1e6)
    if math.isnan(t):
        return math.nan
    if math.isinf(t):
        return 0.0 if t > 0 else 1.0
    # Each side from where it keeps its digits.
    square = t * t
    upper = _beta(df / (df + square), square / (df + square), df / 2, 0.5) / 2
    return upper if t >= 0 else 1 - upper


def t_quantile(share: float, df: float) -> float:
    """Return the t that T is below with a chance of `share`, 1e-12 to 1 - 1e-12."""
    check_range("t_quantile", "share", share, 1e-12, 1 - 1e-12)
    if share < 0.5:
        return -t_quantile(1 - share, df)
    low, high = 0.0, 1.0
    while t_tail(high, df) > 1 - share:
        high *= 2
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return middle
        if t_tail(middle, df) > 1 - share:
            low = middle
        else:
            high = middle


def _beta(x: float, rest: float, a: float, b: float) -> float:
    """Return I_x(a, b); `rest` is 1 - x, without its rounding."""
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(rest, x, b, a)
    log_front = a * math.log(x) + b * math.log(rest)
    log_front += math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(log_front) / a * _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """Return 1 / (1 + d[1] / (1 + d[2] / (1 + ...))), DLMF 8.17.22 and 8.17.23."""
    found = upper = 1.0
    lower = 0.0
    for step in range(1, STEPS):
        m = step // 2
        if step % 2:
            d = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            d = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        lower = 1 / ((1 + d * lower) or TINY)
        upper = (1 + d / upper) or TINY
        found *= upper * lower
        if abs(upper * lower - 1) < 1e-15:
            break
    return 1 / found
