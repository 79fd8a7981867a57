"""How much there would have had to be, for these data to show it.

A test of size s finds an effect δ with the chance P(T' > c), T' being a noncentral t of
noncentrality δ / error and c the critical value. The smallest effect that it finds with
the chance of its power is [1]_, but for a part of a per cent,

    δ* = (t[1 - s] + t[power]) error

with quantiles of the test's degrees of freedom. "Nothing was found" says only that the
effect is probably not larger than that.

That takes an effect for constant. One that comes and goes makes the mean vary more than
it does without any effect, and data without one cannot show by how much. If the mean's
variance grows with the effect, from error² to error² (1 + g δ), the smallest effect is
the root of δ² = (t[1 - s] + t[power])² error² (1 + g δ). Where there is an effect, a
part u of that growth is in the test's own error already; so that is divided by 1 + u g
m, m being what was measured, but no more than δ: beyond, errors hardly grow. The error
falls with the square root of the sessions, and so an effect of m that holds would be
found in

    years (δ* / m)² (1 + g m) / (1 + g δ*).

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

# Of putting the smallest effect into its own equation: each halves what is wrong.
ROUNDS = 60


def smallest_detectable(
    test: MeanTest,
    *,
    size: float = 0.025,
    power: float = 0.8,
    growth: float = 0.0,
    seen: float = 0.0,
) -> float:
    """Return the smallest true mean above 0 that the test would find.

    Parameters
    ----------
    test : MeanTest
    size : float
        The chance to find something where there is nothing, on the upper side alone.
    power : float
        The chance to find what there is, 0.5 to 0.999.
    growth : float
        By which share the mean's variance grows for an effect of 1, 0 to 1,000; 0 if an
        effect is constant.
    seen : float
        The share of that growth, 0 to 1, that an effect adds to the test's own error;
        the rest differs from one history to another. It is taken off for the mean that
        was measured, so that what is stated hardly depends on what was found.

    Returns
    -------
    float
        In the unit of the mean; NaN where the test is not defined.
    """
    check_range("smallest_detectable", "size", size, 1e-9, 0.5)
    check_range("smallest_detectable", "power", power, 0.5, 0.999)
    check_range("smallest_detectable", "growth", growth, 0, 1_000)
    check_range("smallest_detectable", "seen", seen, 0, 1)
    if not test.is_defined:
        return math.nan
    reach = t_quantile(1 - size, test.degrees) + t_quantile(power, test.degrees)
    constant, measured = reach * test.error, max(test.mean, 0.0)
    smallest = constant
    for _ in range(ROUNDS):
        grown = (1 + growth * smallest) / (1 + seen * growth * min(measured, smallest))
        smallest = constant * math.sqrt(grown)
    return smallest


def years_needed(
    measured: float, detectable: float, years: float, *, growth: float = 0.0
) -> float:
    """Return how many years a test would need, if the effect is as it was measured.

    Parameters
    ----------
    measured, detectable : float
        In one unit; `detectable` is that of a test over `years`.
    growth : float
        With which `detectable` was found.

    Returns
    -------
    float
        Infinite for an effect of 0 or less, NaN where one is not known.
    """
    check_range("years_needed", "growth", growth, 0, 1_000)
    if math.isnan(measured) or math.isnan(detectable):
        return math.nan
    if measured <= 0:
        return math.inf
    grown = (1 + growth * measured) / (1 + growth * detectable)
    return years * (detectable / measured) ** 2 * grown
