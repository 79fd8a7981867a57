"""How well the forecasts told symbols apart: the information coefficient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation.measures.decay import ic_by_horizon
from bt_lstm_rotation.measures.information import (
    WINDOW,
    ic_by_month,
    ic_on_sessions,
    rank_autocorrelation,
    rolling_ic,
)
from bt_lstm_rotation.measures.skill import session_ic
from bt_lstm_rotation.reporting.figures import correlation
from bt_lstm_rotation.reporting.page.blocks import Block, Chart, Table, Words
from bt_lstm_rotation.reporting.page.error_bars import with_errors
from bt_lstm_rotation.reporting.page.months import month_map
from bt_lstm_rotation.reporting.page.plots import (
    BENCHMARK,
    DATES,
    STRATEGY,
    layout,
    line,
    points,
    stamps,
    weekly,
)
from bt_lstm_rotation.reporting.page.shown_forecasts import Shown

__all__ = ["information_blocks"]


def information_blocks(shown: Shown) -> Iterator[Block]:
    """Draw the coefficient on decisions, over time, by month and by horizon."""
    yield from _on_decisions(shown)
    yield from _over_time(shown)
    yield from _by_month(shown)
    yield from _decay(shown)
    yield from _persistence(shown)


def _on_decisions(shown: Shown) -> Iterator[Block]:
    table = ic_on_sessions(
        shown.forecast, shown.realised, shown.decided, horizon=shown.horizon
    )
    names = {"all": "All sessions", "chosen": "Sessions that orders were sent on"}
    yield Table(
        ["", "IC", "Standard error", "Rank IC", "Standard error", "Sessions"],
        [
            [
                names[str(name)],
                *(
                    correlation(row[figure])
                    for figure in ("ic", "ic_error", "rank_ic", "rank_ic_error")
                ),
                f"{row['sessions']:,.0f}",
            ]
            for name, row in table.iterrows()
        ],
        "lrrrrr",
        "IC where it mattered",
        "Standard errors allow for horizons that overlap (Newey and West, 1987). An IC "
        "within two of them of 0 is no evidence of skill.",
    )


def _over_time(shown: Shown) -> Iterator[Block]:
    ic = pd.Series(session_ic(shown.forecast, shown.realised), index=shown.index)
    if ic.notna().sum() < 2:
        return
    table = weekly(rolling_ic(ic, horizon=shown.horizon).dropna(subset=["ic"]))
    x = stamps(pd.DatetimeIndex(table.index))
    unseen: dict[str, Any] = {"line": {"width": 0}, "hoverinfo": "skip"}
    yield Chart(
        "IC over time",
        f"Each session's correlation between forecasts and what came, the mean of "
        f"{WINDOW} sessions, and two standard errors around it.",
        [
            points(x, table["ic"], "session", BENCHMARK, marker={"size": 3}),
            line(x, table["lower"], "", STRATEGY, **unseen, showlegend=False),
            line(
                x,
                table["upper"],
                "two standard errors",
                STRATEGY,
                fill="tonexty",
                fillcolor="rgba(53,121,184,0.2)",
                **unseen,
            ),
            line(x, table["mean"], "mean", STRATEGY),
        ],
        layout(DATES, {"tickformat": ".1f"}),
        height=260,
    )


def _by_month(shown: Shown) -> Iterator[Block]:
    ic = pd.Series(
        session_ic(shown.forecast, shown.realised, ranks=True), index=shown.index
    )
    if ic.notna().any():
        yield month_map(
            "Rank IC by month",
            "Mean correlation of ranks over the sessions of each month.",
            ic_by_month(ic),
            ".2f",
        )


def _decay(shown: Shown) -> Iterator[Block]:
    table = ic_by_horizon(shown.forecast, shown.close).dropna(subset=["ic"])
    if not table.empty:
        yield with_errors(
            "IC by horizon",
            f"How well the forecasts, made for {shown.horizon} bars, tell symbols "
            "apart over so many bars; with two standard errors.",
            table.rename(columns={"ic": "mean", "ic_error": "error"}),
            ".3f",
            "bars",
        )


def _persistence(shown: Shown) -> Iterator[Block]:
    found = rank_autocorrelation(shown.forecast)
    if np.isfinite(found).any():
        yield Words(
            "From one session to the next, the ranks of the forecasts have a "
            f"correlation of {np.nanmean(found):.3f} on average: the nearer to 1, the "
            "less turnover they ask for."
        )
