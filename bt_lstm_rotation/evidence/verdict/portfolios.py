"""Portfolio skill net of costs: beside others, beside chance, at higher costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation.evidence.verdict.runs import Run
from bt_lstm_rotation.measures.bootstrap import difference
from bt_lstm_rotation.measures.exposure import break_even
from bt_lstm_rotation.measures.inference.block_length import stationary_block
from bt_lstm_rotation.measures.inference.random_portfolios import random_portfolios
from bt_lstm_rotation.measures.ledger import fills
from bt_lstm_rotation.measures.performance import performance
from bt_lstm_rotation.measures.units import restated_closes

__all__ = ["cost_figures", "portfolio_rows", "random_figures"]

FIGURES = (
    *("total_return", "cagr", "annual_volatility", "sharpe", "max_drawdown"),
    *("turnover", "costs"),
)
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def portfolio_rows(
    candidate: Run, rivals: Mapping[str, Run], *, draws: int, seed: int
) -> list[dict[str, Any]]:
    """Compare the candidate's returns with equal weight, the benchmark and rivals.

    Returns
    -------
    list of dict
        ``name``, and the figures of ``metrics`` where it was traded; ``growth_ahead``
        and ``sharpe_ahead``, the candidate's figure less this one's on the sessions
        that both have, each (estimate, low, high) with 95% of the draws between the
        latter two. The first is the candidate, beside nothing.
    """
    rows = [_row(candidate.name, candidate.metrics, None)]
    others: dict[str, tuple[dict[str, Any], pd.Series[Any]]] = {
        "equal weight": (_measured(candidate), candidate.equal_weight)
    }
    if candidate.benchmark is not None:
        summary = candidate.result.summary
        name = str(summary["data"]["benchmark"])
        others[name] = (dict(summary["benchmark"]), candidate.benchmark)
    others |= {run.name: (run.metrics, run.returns) for run in rivals.values()}
    periods = candidate.periods_a_year or math.nan
    for name, (metrics, returns) in others.items():
        both = pd.concat([candidate.returns, returns], axis=1, join="inner").dropna()
        found = difference(
            candidate.returns,
            returns,
            periods_a_year=periods,
            draws=draws,
            seed=seed,
            mean_block=stationary_block((both.iloc[:, 0] - both.iloc[:, 1]).to_numpy()),
        )
        rows.append(_row(name, metrics, found))
    return rows


def _measured(run: Run) -> dict[str, Any]:
    """Measure equal weight; it is a yardstick without costs, and was not traded."""
    worth = run.equal_weight_worth
    if len(worth) < 2 or not (worth > 0).all():
        return {}
    found = performance(
        worth, traded_value=0.0, costs=0.0, periods_a_year=run.periods_a_year
    )
    return found | {"turnover": None, "costs": None}


def _row(name: str, metrics: Mapping[str, Any], found: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name}
    row |= {figure: metrics.get(figure) for figure in FIGURES}
    for figure in ("growth", "sharpe"):
        gap = None if found is None else found[figure]
        row[f"{figure}_ahead"] = (
            None if gap is None else [gap.estimate, gap.low, gap.high]
        )
    return row


def random_figures(run: Run, *, draws: int, seed: int) -> dict[str, Any] | None:
    """Place the run among portfolios that traded at random as it did.

    Returns
    -------
    dict or None
        ``draws``; ``strategy``, its Sharpe ratio a year by the same arithmetic;
        ``place``, the share of draws it is above; ``p``; ``quantiles``, share -> Sharpe
        ratio; ``sharpes``, all draws' ratios, sorted. None if it never traded, or held
        short.
    """
    result = run.result
    filled = fills(result.orders)
    symbols = [str(name) for name in result.summary["data"]["symbols"]]
    symbols = [name for name in symbols if name in result.weights]
    index = pd.DatetimeIndex(result.account.index)
    weights = result.weights.reindex(columns=symbols).to_numpy(dtype="float64")
    rows = np.unique(index.get_indexer(pd.DatetimeIndex(filled["session"])))
    rows = rows[rows > 0]
    if not len(rows) or (weights < -1e-9).any():
        return None
    close = restated_closes(result.bars, result.actions).reindex(index)[symbols]
    # Opens in the units of the restated closes.
    own = result.bars["Close"].reindex(index)[symbols].to_numpy(dtype="float64")
    opens = result.bars["Open"].reindex(index)[symbols].to_numpy(dtype="float64")
    opens = opens * (close.to_numpy(dtype="float64") / own)
    rate = break_even(result.account, result.orders)["cost_rate"] or 0.0
    found = random_portfolios(
        close.to_numpy(dtype="float64"),
        opens[rows],
        weights[rows] > 1e-9,
        np.clip(weights[rows], 0, None).sum(axis=1),
        rows,
        cost=min(rate, 0.5),
        draws=draws,
        seed=seed,
    )
    annual = math.sqrt(run.periods_a_year or math.nan)
    sharpes = np.sort(found.draws * annual)
    return {
        "draws": len(sharpes),
        "strategy": found.strategy * annual,
        "place": found.place,
        "p": found.p_value,
        "quantiles": {
            str(share): float(np.quantile(sharpes, share)) if len(sharpes) else math.nan
            for share in QUANTILES
        },
        "sharpes": [round(float(ratio), 6) for ratio in sharpes],
    }


def cost_figures(run: Run, doubled: Run | None) -> dict[str, Any]:
    """Say at which costs gains would be gone, and what doubling them does."""
    figures: dict[str, Any] = dict(break_even(run.result.account, run.result.orders))
    figures["doubled"] = None
    if doubled is not None:
        figures["doubled"] = {
            name: doubled.metrics.get(name) for name in ("total_return", "sharpe")
        }
    return figures
