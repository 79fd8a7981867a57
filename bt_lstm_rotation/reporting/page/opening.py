"""What was run, and what its figures show and do not show, in words."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from bt_lstm_rotation.reporting.figures import caveat, money, percent
from bt_lstm_rotation.reporting.page.blocks import Section, Words
from bt_lstm_rotation.reporting.page.curves import Curve, Curves
from bt_lstm_rotation.reporting.words_of_skill import run_sentences
from bt_lstm_rotation.result import BacktestResult

__all__ = ["opening_section"]

# Of a normal law, 95% lies within so many standard errors; and so many are found in
# four of five histories, where 95% without any are not.
TWICE, FOUND = 2.0, 2.8


def opening_section(result: BacktestResult, curves: Curves) -> Section:
    """Return the sentences at the top of the page."""
    blocks = [Words(_what_was_run(result, curves))]
    if warning := caveat(result.summary["data"]["source"]):
        blocks.append(Words(warning, "strong"))
    for place, sentence in enumerate(run_sentences(result)):
        blocks.append(Words(sentence, "plain" if place else "strong"))
    blocks += [Words(sentence) for sentence in _what_it_shows(curves)]
    return Section("", blocks)


def _what_was_run(result: BacktestResult, curves: Curves) -> str:
    data, sessions = result.summary["data"], result.account.index
    equity, count = result.account["equity"], len(data["symbols"])
    compared = f", compared with {data['benchmark']}" if curves.benchmark else ""
    return (
        f"Traded {count} symbol{'s' * (count != 1)} from {sessions[0]:%Y-%m-%d} to "
        f"{sessions[-1]:%Y-%m-%d} and turned {money(equity.iloc[0])} into "
        f"{money(equity.iloc[-1])}{compared}."
    )


def _what_it_shows(curves: Curves) -> Iterator[str]:
    strategy = curves.strategy
    for other in curves.all[1:]:
        if not (strategy.is_sound and other.is_sound):
            continue
        ahead, error = _ahead(strategy, other)
        if not math.isfinite(ahead):
            continue
        name = "equal weight" if other is curves.equal_weight else other.name
        side = "ahead of" if ahead >= 0 else "behind"
        verdict = (
            "which is more than chance usually makes; whether it was found by trying "
            "many variants, this page cannot know"
            if abs(ahead) > TWICE * error
            else "which is within what chance makes: it is no evidence of skill, and "
            f"the smallest lead that so many sessions could have shown is "
            f"{percent(FOUND * error)} a year"
        )
        yield (
            f"It was {percent(abs(ahead))} a year {side} {name}, give or take "
            f"{percent(TWICE * error)} (two standard errors), {verdict}."
        )
    yield (
        "A backtest shows what would have happened, with these costs, to somebody who "
        "knew nothing of what came later. It does not show what comes next."
    )


def _ahead(strategy: Curve, other: Curve) -> tuple[float, float]:
    """Return the mean difference of log returns a year, and its standard error."""
    periods = strategy.figures["periods_a_year"]
    gap = np.log1p(strategy.returns) - np.log1p(other.returns)
    gap = gap.dropna()
    if periods is None or len(gap) < 3:
        return math.nan, math.nan
    error = gap.std(ddof=1) / math.sqrt(len(gap))
    return float(gap.mean() * periods), float(error * periods)
