"""How much there would have had to be, for these data to show it.

A test of size s finds an effect δ with the chance P(T' > c), T' being a noncentral t of
noncentrality δ / error and c the critical value. The smallest effect that it finds with
the chance of its power is [1]_, but for a part of a per cent,

    δ* = (t[1 - s] + t[power]) error

with quantiles of the test's degrees of freedom. "Nothing was found" says only that the
effect is probably not larger than that. The error falls with the square root of the
sessions, and so an effect that is measured at m and holds would be found in

    years (δ* / m)².

References
----------
.. [1] H. S. Bloom, "Minimum detectable effects: a simple way to report the statistical
   power of experimental designs", Evaluation Review 19(5), 1995.
"""

from __future__ import annotations

import math

from bt_lstm_rotation.checks import check_range
from bt_lstm_rotation.measures.inference.mean_test import MeanTest
from bt_lstm_rotation.measures.inference.student import t_quantile

__all__ = ["smallest_detectable", "years_needed"]


def smallest_detectable(
    test: MeanTest, *, size: float = 0.025, power: float = 0.8
) -> float:
    """Return the smallest true mean above 0 that the test would find.

    Parameters
    ----------
    test : MeanTest
    size : float
        The chance to find something where there is nothing, on the upper side alone.
    power : float
        The chance to find what there is, 0.5 to 0.999.

    Returns
    -------
    float
        In the unit of the mean; NaN where the test is not defined.
    """
    check_range("smallest_detectable", "size", size, 1e-9, 0.5)
    check_range("smallest_detectable", "power", power, 0.5, 0.999)
    if not test.is_defined:
        return math.nan
    reach = t_quantile(1 - size, test.degrees) + t_quantile(power, test.degrees)
    return reach * test.error


def years_needed(measured: float, detectable: float, years: float) -> float:
    """Return how many years a test would need, if the effect is as it was measured.

    Parameters
    ----------
    measured, detectable : float
        In one unit; `detectable` is that of a test over `years`.

    Returns
    -------
    float
        Infinite for an effect of 0 or less, NaN where one is not known.
    """
    if math.isnan(measured) or math.isnan(detectable):
        return math.nan
    return years * (detectable / measured) ** 2 if measured > 0 else math.inf
