"""A claim of skill in plain words; "no evidence" never stands alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from bt_lstm_rotation.measures.inference.skill_claim import (
    SIZE,
    claim_of_skill,
    is_learned,
)
from bt_lstm_rotation.measures.information import wide_forecasts
from bt_lstm_rotation.measures.skill import session_ic
from bt_lstm_rotation.reporting.figures import correlation, percent, ratio
from bt_lstm_rotation.result import BacktestResult

__all__ = [
    "beaten",
    "claim_sentences",
    "portfolio_sentences",
    "rival_sentences",
    "run_sentences",
    "trial_sentences",
]

NOT_ASKED = (
    "This is of one run: its rivals were not run, and how many other trials were made "
    "on these bars is not known here. The command verdict asks both."
)

# A longer time than markets have been recorded says enough.
LONG = 1_000


def run_sentences(result: BacktestResult) -> Iterator[str]:
    """Say what a run's own forecasts show; nothing of a run without forecasts."""
    if result.forecasts.empty:
        return
    made, came = wide_forecasts(result.forecasts)
    ic = session_ic(made.to_numpy(dtype="float64"), came.to_numpy(dtype="float64"))
    claim = claim_of_skill(
        ic,
        _horizon(result),
        periods_a_year=result.summary["metrics"]["periods_a_year"],
        learned=is_learned(result.summary["spec"]),
    )
    yield from claim_sentences(claim.outcome, claim.figures)
    yield NOT_ASKED


def claim_sentences(outcome: str, claim: Mapping[str, Any]) -> Iterator[str]:
    """Put a claim into words.

    Parameters
    ----------
    outcome : str
        As `bt_lstm_rotation.measures.inference.skill_claim.SkillClaim` has it.
    claim : mapping
        ``ic, t, years, size, detectable, years_needed``; None or NaN for none.
    """
    ic, years = correlation(claim["ic"]), _years(claim["years"])
    over = f" over {years}" if years else ""
    level = f"two-sided test of {100 * 2 * (claim['size'] or math.nan):.2g}%"
    if outcome == "untested":
        yield (
            "Not assessed: there are too few forecasts that have come due, or they "
            "rank nothing, for any test of skill. That says nothing for them and "
            "nothing against them."
        )
        return
    if outcome == "skill":
        yield (
            f"Evidence of skill: the forecasts' mean correlation with what came (IC) "
            f"was {ic}{over}, more than chance makes ({level}, t = {claim['t']:.1f})."
        )
    elif outcome == "opposite":
        yield (
            f"The forecasts were the wrong way round: their mean correlation with what "
            f"came (IC) was {ic}{over}, further below 0 than chance makes ({level}, "
            f"t = {claim['t']:.1f})."
        )
    else:
        yield (
            f"No evidence of skill: the forecasts' mean correlation with what came "
            f"(IC) was {ic}{over}, which is within what chance makes ({level}, "
            f"t = {claim['t']:.1f})."
        )
    yield from _what_could_be_shown(outcome, claim)


def _what_could_be_shown(outcome: str, claim: Mapping[str, Any]) -> Iterator[str]:
    detectable = claim["detectable"]
    if detectable is not None and detectable > 1:
        yield "So few forecasts could hardly have shown any skill, however large."
    else:
        yield (
            "The smallest skill that these data could have shown is an IC of "
            f"{correlation(detectable)}: one of that size would be found in four of "
            "five such histories, a smaller one less often."
        )
    if outcome == "skill":
        return
    needed = claim["years_needed"]
    if claim["ic"] is None or not claim["ic"] > 0:
        yield "An IC of 0 or less is no skill, however long it is measured."
    elif needed is not None and math.isfinite(needed):
        yield (
            f"If the IC is what was measured, it would take about {_years(needed)} to "
            "show it."
        )


def rival_sentences(
    rows: list[dict[str, Any]], seeds: Mapping[str, Any] | None
) -> Iterator[str]:
    """Say which rivals forecast better, which worse, and how far seeds are apart."""
    found: dict[str, list[str]] = {"better": [], "worse": [], "": []}
    for row in rows[1:]:
        found[beaten(row)].append(row["name"])
    if rows[1:]:
        told = [
            f"{how} than those of {', '.join(found[side])}"
            for side, how in (("better", "smaller"), ("worse", "larger"))
            if found[side]
        ]
        if found[""]:
            told.append(f"not told apart from those of {', '.join(found[''])}")
        yield f"Its squared errors are {'; '.join(told)} (5% each)."
    if seeds is not None:
        ic, sharpe = seeds["ic"], seeds["sharpe"]
        yield (
            f"Over {seeds['seeds']} seeds its IC goes from {correlation(ic['low'])} to "
            f"{correlation(ic['high'])}, and its Sharpe ratio from "
            f"{ratio(sharpe['low'])} to {ratio(sharpe['high'])}."
        )


def beaten(row: Mapping[str, Any]) -> str:
    """Whether the candidate's squared errors are "better", "worse", or neither, ""."""
    for p_value, word in ((row["dm_p"], "better"), (row["dm_p_rival"], "worse")):
        if p_value is not None and p_value <= SIZE:
            return word
    return ""


def portfolio_sentences(
    rows: list[dict[str, Any]], chance: Mapping[str, Any] | None
) -> Iterator[str]:
    """Say how the portfolio did beside equal weight, and among random ones."""
    gap = next((r["growth_ahead"] for r in rows if r["name"] == "equal weight"), None)
    if gap and gap[0] is not None:
        estimate, low, high = gap
        side = "ahead of" if estimate >= 0 else "behind"
        meaning = "within what chance makes"
        if low > 0 or high < 0:
            meaning = "more than chance usually makes"
        yield (
            f"Net of costs the portfolio grew by {percent(abs(estimate))} a year "
            f"{side} equal weight ({percent(low)} to {percent(high)} with 95% "
            f"confidence), which is {meaning}."
        )
    if chance is not None and chance["place"] is not None:
        yield (
            f"Its Sharpe ratio is above that of {percent(chance['place'])} of "
            f"{chance['draws']:,} portfolios that traded on the same days, as much and "
            "at the same costs, but chose at random."
        )


def trial_sentences(luck: Mapping[str, Any]) -> Iterator[str]:
    """Say what is known of other trials."""
    if luck["trials"] is None:
        yield (
            "How many trials were made on these bars is not known, and so the test "
            "takes this one for the first: of the best of many, it claims too much."
        )
        return
    number = luck["trials"]
    trials = "1 trial is" if number == 1 else f"{number:,} trials are"
    worth = f"{luck['effective_trials']:,.1f}".removesuffix(".0")
    allowed = "" if number == 1 else f", worth {worth} independent ones"
    yield f"{trials} known of these bars{allowed}, and the test allows for that."
    if luck["dsr"] is not None:
        yield (
            "The chance that its excess return has a higher Sharpe ratio than the best "
            f"of them has by luck is {percent(luck['dsr'])} (deflated Sharpe ratio)."
        )


def _horizon(result: BacktestResult) -> int:
    """Return the horizon; somebody's own spec may call anything so."""
    horizon = (result.summary["spec"] or {}).get("horizon", 1)
    return horizon if isinstance(horizon, int) and horizon > 0 else 1


def _years(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return ""
    if value > LONG:
        return f"more than {LONG:,} years"
    return f"{value:,.1f} years" if value < 20 else f"{value:,.0f} years"
