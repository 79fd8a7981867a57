"""The one test that a claim of skill rests on.

What is tested is the mean over sessions of the cross-sectional information coefficient,
the figure ``ic`` of every report: rotation lives on it alone. The test is two-sided and
of 5%, as is usual, so that skill is claimed where there is none in 2.5% and its
opposite, forecasts that are the wrong way round, in 2.5%. Whatever else a verdict
measures supports or qualifies that claim, and makes none of its own: the more tests may
claim, the more often one of them does by chance.

Of the best of N independent trials, the chance to claim falsely is 1 - (1 - s)^N; to
keep it, each is tested at s = 1 - (1 - 0.025)^(1 / N) [1]_.

References
----------
.. [1] Z. Šidák, "Rectangular confidence regions for the means of multivariate normal
   distributions", Journal of the American Statistical Association 62(318), 1967.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_flag, check_range
from bt_lstm_rotation.measures.inference.detectable import (
    smallest_detectable,
    years_needed,
)
from bt_lstm_rotation.measures.inference.mean_test import MeanTest, mean_test

__all__ = ["POWER", "SIZE", "SkillClaim", "claim_of_skill", "is_learned"]

SIZE = 0.025  # on each side
POWER = 0.8
# By which share the variance of the mean coefficient grows for one of 1, where expected
# returns come and go: of what learns from the bars, and of a rule whose numbers are
# given; and the share of that growth that is seen in the error of a single history.
# Measured on simulated markets, decision 32.
GROWTH, RULE_GROWTH, SEEN = 7.0, 2.0, 0.6

# As summaries name them.
RULES = ("MomentumSpec", "ReversalSpec")


@dataclass(frozen=True)
class SkillClaim:
    """What an information coefficient shows, and what it could have shown.

    Parameters
    ----------
    outcome : str
        "skill", "none", "opposite", or "untested" where there is too little to test.
    test : MeanTest
        Of the mean coefficient.
    size : float
        The chance to claim skill where there is none.
    detectable : float
        The smallest mean coefficient that would have been found with a chance of 80%.
    years : float
        That the sessions with a coefficient are.
    needed : float
        Years that the coefficient, if it is what was measured, would have to be
        measured over for a chance of 80%; infinite if it is 0 or less.
    """

    outcome: Literal["skill", "none", "opposite", "untested"]
    test: MeanTest
    size: float
    detectable: float
    years: float
    needed: float

    @property
    def figures(self) -> dict[str, float]:
        """The claim as plain numbers, by the names that files and pages have."""
        test = self.test
        return {
            "ic": test.mean,
            "error": test.error,
            "t": test.t,
            "degrees": test.degrees,
            "p_above": test.p_above,
            "p_below": test.p_below,
            "sessions": test.sessions,
            "years": self.years,
            "size": self.size,
            "power": POWER,
            "detectable": self.detectable,
            "years_needed": self.needed,
        }


def claim_of_skill(
    ic: NDArray[np.float64],
    horizon: int,
    *,
    periods_a_year: float | None,
    trials: float = 1.0,
    learned: bool = True,
) -> SkillClaim:
    """Say whether forecasts told symbols apart better than chance.

    Parameters
    ----------
    ic : (n_sessions,) float64
        As `bt_lstm_rotation.measures.skill.session_ic` returns it; NaN for none.
    horizon : int
        Sessions that forecasts look ahead over, 1 or more.
    periods_a_year : float or None
        Sessions a year; None if it is not known, and neither are years then.
    trials : float
        Of how many independent ones this is the best, 1 to 1e6.
    learned : bool
        Whether forecasts are those of something that learns from the bars. Its skill
        differs more from one history to the next than a rule's, so a smaller one is
        not found as surely. No matter to the outcome.

    Raises
    ------
    DataError, SpecError
        As `mean_test`, or if `trials` is out of range.
    """
    check_range("claim_of_skill", "trials", trials, 1, 1e6)
    check_flag("claim_of_skill", "learned", learned)
    test, growth = mean_test(ic, horizon), GROWTH if learned else RULE_GROWTH
    size = -math.expm1(math.log1p(-SIZE) / trials)
    detectable = smallest_detectable(
        test, size=size, power=POWER, growth=growth, seen=SEEN
    )
    years = test.sessions / periods_a_year if periods_a_year else math.nan
    needed = years_needed(test.mean, detectable, years, growth=growth)
    return SkillClaim(_outcome(test, size), test, size, detectable, years, needed)


def is_learned(spec: Mapping[str, Any] | None) -> bool:
    """Say whether what a summary's ``spec`` describes learns from the bars.

    So does whatever is not known to be a rule.
    """
    return (spec or {}).get("forecaster") not in RULES


def _outcome(
    test: MeanTest, size: float
) -> Literal["skill", "none", "opposite", "untested"]:
    if not test.is_defined:
        return "untested"
    if test.p_above <= size:
        return "skill"
    return "opposite" if test.p_below <= SIZE else "none"
