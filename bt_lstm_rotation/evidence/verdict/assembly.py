"""Runs -> figures and sentences: all that a verdict says."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from bt_lstm_rotation.evidence.verdict.forecasts import forecast_rows
from bt_lstm_rotation.evidence.verdict.luck import luck_figures, seed_figures
from bt_lstm_rotation.evidence.verdict.portfolios import (
    cost_figures,
    portfolio_rows,
    random_figures,
)
from bt_lstm_rotation.evidence.verdict.runs import Run
from bt_lstm_rotation.evidence.verdict.stability import stability_rows
from bt_lstm_rotation.evidence.verdict.trials import Trials
from bt_lstm_rotation.evidence.verdict.verdict import Verdict
from bt_lstm_rotation.measures.inference.skill_claim import claim_of_skill, is_learned
from bt_lstm_rotation.measures.plain import plain
from bt_lstm_rotation.reporting.words_of_skill import (
    claim_sentences,
    portfolio_sentences,
    rival_sentences,
    trial_sentences,
)

__all__ = ["Parts", "assembled"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """The runs that a verdict is made of.

    `openings` says how often the sessions held out were opened before; None if nobody
    keeps count.
    """

    candidate: Run
    rivals: dict[str, Run]
    left_out: dict[str, str]
    doubled: Run | None
    seeds: list[Run]
    held_out: Run | None
    openings: int | None = None
    notes: list[str] = field(default_factory=list)


def assembled(
    parts: Parts,
    *,
    around: dt.date | None,
    holdout: dt.date | None,
    trials: Trials | None,
    sweep: pd.DataFrame | None,
    draws: int,
    seed: int,
) -> Verdict:
    """Measure the runs and put what they say into words."""
    run, notes = parts.candidate, list(parts.notes)
    ic = run.ic()
    claim = claim_of_skill(
        ic.to_numpy(),
        run.horizon,
        periods_a_year=run.periods_a_year,
        trials=1.0 if trials is None else min(trials.effective, 1e6),
        learned=is_learned(run.result.summary["spec"]),
    )
    summary = run.result.summary
    figures: dict[str, Any] = {
        "outcome": claim.outcome,
        "claim": claim.figures,
        "candidate": {
            "strategy": summary["strategy"]["name"],
            "spec": summary["spec"],
        },
        "data": {
            **{k: summary["data"][k] for k in ("source", "symbols", "benchmark")},
            "content_hash": summary["data"]["content_hash"],
            "first_session": str(run.result.account.index[0].date()),
            "last_session": str(run.result.account.index[-1].date()),
        },
        "broker": summary["broker"],
        "rivals": {"run": list(parts.rivals), "left_out": parts.left_out},
        "forecasts": forecast_rows(run, parts.rivals, seed=seed, notes=notes),
        "portfolios": portfolio_rows(run, parts.rivals, draws=draws, seed=seed),
        "random": random_figures(run, draws=draws, seed=seed),
        "costs": cost_figures(run, parts.doubled),
        "luck": luck_figures(
            run, parts.rivals, trials=trials, sweep=sweep, seed=seed, notes=notes
        ),
        "seeds": seed_figures(parts.seeds),
        "stability": stability_rows(run, around),
        "holdout": _held_out(parts, holdout),
        "ic": _weekly(ic),
        "settings": {"draws": draws, "seed": seed},
    }
    notes += [f"{name} was left out: {why}." for name, why in parts.left_out.items()]
    figures["notes"] = notes
    figures = plain(figures)
    figures["sentences"] = list(_sentences(figures))
    return Verdict(claim.outcome, claim, tuple(figures["sentences"]), figures)


def _sentences(figures: dict[str, Any]) -> Iterator[str]:
    yield from claim_sentences(figures["outcome"], figures["claim"])
    yield from rival_sentences(figures["forecasts"], figures["seeds"])
    yield from portfolio_sentences(figures["portfolios"], figures["random"])
    yield from trial_sentences(figures["luck"])
    if figures["holdout"] is not None:
        yield figures["holdout"]["sentence"]


def _held_out(parts: Parts, holdout: dt.date | None) -> dict[str, Any] | None:
    run = parts.held_out
    if run is None:
        return None
    claim = claim_of_skill(
        run.ic().to_numpy(),
        run.horizon,
        periods_a_year=run.periods_a_year,
        learned=is_learned(run.result.summary["spec"]),
    )
    times = parts.openings
    if times is None:
        opened = "whether they were opened before is not known"
    elif times:
        opened = (
            f"they had been opened {times:,} time{'s' * (times != 1)} before, and so "
            "are no holdout any more"
        )
    else:
        opened = "they were opened for the first time, which counts only once"
    words = list(claim_sentences(claim.outcome, claim.figures))
    return {
        "first_session": str(holdout),
        "outcome": claim.outcome,
        "claim": claim.figures,
        "openings_before": times,
        "metrics": {name: run.metrics.get(name) for name in ("total_return", "sharpe")},
        "sentence": f"On the sessions held out, from {holdout} on ({opened}): "
        f"{' '.join(words)}",
    }


def _weekly(ic: pd.Series[Any]) -> dict[str, Any]:
    """Give the sum of the coefficients up to the end of each week, for a drawing."""
    known = ic.dropna()
    weeks = pd.DatetimeIndex(known.index).to_period("W")
    sums = known.cumsum().groupby(weeks).last()
    days = pd.Series(known.index, index=known.index).groupby(weeks).last()
    return {
        "sessions": [str(pd.Timestamp(day).date()) for day in days],
        "sum": [round(float(value), 6) for value in sums if math.isfinite(value)],
    }
