"""Whether the forecasts were worth anything, as factor analysis asks it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.measures.calibration import calibration
from bt_lstm_rotation.measures.decay import ic_by_horizon
from bt_lstm_rotation.measures.forecast_ranks import returns_by_rank
from bt_lstm_rotation.measures.information import (
    WINDOW,
    ic_by_month,
    ic_on_sessions,
    rank_autocorrelation,
    rolling_ic,
    wide_forecasts,
)
from bt_lstm_rotation.measures.naive import scores_beside_naive
from bt_lstm_rotation.measures.skill import session_ic
from bt_lstm_rotation.reporting.figures import (
    FORECAST,
    FORECAST_COUNTS,
    correlation,
    percent,
)
from bt_lstm_rotation.reporting.page.blocks import (
    Block,
    Chart,
    Section,
    Table,
    Words,
    cut,
)
from bt_lstm_rotation.reporting.page.months import month_map
from bt_lstm_rotation.reporting.page.plots import (
    BENCHMARK,
    PALETTE,
    STRATEGY,
    bars,
    label,
    layout,
    line,
    packed,
    points,
    stamps,
    weekly,
)
from bt_lstm_rotation.result import BacktestResult

__all__ = ["forecast_section"]

MOST_POINTS = 2_000

MEANING = (
    "A correlation (IC) of 0 is guessing and 1 is knowing which symbol does best, a "
    "hit ratio of 50% is a coin, and an error ratio below 1 is closer to what came "
    "than a forecast of no change."
)


@dataclass(frozen=True, eq=False)
class Shown:
    """The forecasts of a run, (n_sessions, n_symbols), and what came of them."""

    index: pd.DatetimeIndex
    symbols: list[str]
    forecast: NDArray[np.float64]
    realised: NDArray[np.float64]
    horizon: int
    close: NDArray[np.float64]
    decided: NDArray[np.bool_]


def forecast_section(result: BacktestResult) -> Section | None:
    """Return the section on the forecasts, if there were any."""
    if result.forecasts.empty:
        return None
    measured = result.summary["forecast"]
    blocks: list[Block] = [
        Words(MEANING),
        Table(
            [],
            [
                [figure.label, figure.of(measured), figure.meaning]
                for figure in FORECAST + FORECAST_COUNTS
            ],
            "lrs",
            "Skill of the forecasts",
        ),
    ]
    shown = _wide(result)
    if np.isfinite(shown.realised).any():
        blocks += _beside_nothing(shown)
        blocks += _on_decisions(shown)
        blocks += _over_time(shown)
        blocks += _by_month(shown)
        blocks += _decay(shown)
        blocks += _by_rank(shown)
        blocks += _calibration(shown)
        blocks += _persistence(shown)
    return Section("Forecasts", blocks)


def _wide(result: BacktestResult) -> Shown:
    made, came = wide_forecasts(result.forecasts)
    index, symbols = pd.DatetimeIndex(made.index), list(made.columns)
    close = pd.DataFrame(
        {
            symbol: result.bars["Close", symbol]
            for symbol in symbols
            if ("Close", symbol) in result.bars
        },
        index=result.bars.index.union(index),
        columns=symbols,
    )
    return Shown(
        index,
        symbols,
        made.to_numpy(dtype="float64"),
        came.to_numpy(dtype="float64"),
        int((result.summary["spec"] or {}).get("horizon", 1)),
        close.reindex(index).to_numpy(dtype="float64"),
        index.isin(pd.to_datetime(result.orders["submitted"])),
    )


def _beside_nothing(shown: Shown) -> Iterator[Block]:
    table = scores_beside_naive(shown.forecast, shown.realised, horizon=shown.horizon)
    yield Table(
        ["", "Hit ratio", "Error ratio", "IC", "Forecasts"],
        [
            [
                str(name).capitalize(),
                percent(row["hit_ratio"]),
                *(correlation(row[score]) for score in ("mse_ratio", "ic")),
                f"{row['observations']:,.0f}",
            ]
            for name, row in table.iterrows()
        ],
        "lrrrr",
        "Beside forecasts that know nothing",
        "A forecast is worth something only where it beats these.",
    )


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
        layout({"type": "date"}, {"tickformat": ".1f"}),
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
        yield _with_errors(
            "IC by horizon",
            f"How well the forecasts, made for {shown.horizon} bars, tell symbols "
            "apart over so many bars; with two standard errors.",
            table.rename(columns={"ic": "mean", "ic_error": "error"}),
            ".3f",
            "bars",
        )


def _by_rank(shown: Shown) -> Iterator[Block]:
    table = returns_by_rank(shown.forecast, shown.realised, horizon=shown.horizon)
    spread = table.loc["spread"]
    table = table.drop("spread").dropna(subset=["mean"])
    if table.empty:
        return
    yield _with_errors(
        "What came, by rank of the forecast",
        "Mean return over the horizon, less the session's mean; rank 1 had the highest "
        "forecast. With two standard errors.",
        table,
        ".2%",
        "rank",
    )
    if np.isfinite(spread["mean"]):
        yield Words(
            f"From the top to the bottom it is {spread['mean']:.2%} over the horizon, "
            f"with a standard error of {spread['error']:.2%}."
        )


def _with_errors(
    title: str, says: str, table: pd.DataFrame, form: str, unit: str
) -> Chart:
    """Draw ``mean`` as bars, and two of ``error`` on either side."""
    error = {"type": "data", "array": packed(2 * table["error"]), "color": BENCHMARK}
    return Chart(
        title,
        says,
        [
            bars(
                packed(np.array(table.index, dtype="float64")),
                table["mean"],
                title,
                STRATEGY,
                error_y=error,
                hovertemplate=f"{unit} %{{x}}: %{{y:{form}}}<extra></extra>",
            )
        ],
        layout(
            {"title": {"text": unit}, "nticks": 12},
            {"tickformat": form},
            hovermode="closest",
            showlegend=False,
        ),
        height=280,
    )


def _calibration(shown: Shown) -> Iterator[Block]:
    table = calibration(shown.forecast, shown.realised, shown.symbols)
    table = table.dropna(subset=["slope"])
    if table.empty:
        return
    rows, columns = np.nonzero(
        np.isfinite(shown.forecast) & np.isfinite(shown.realised)
    )
    step = max(1, -(-len(rows) // MOST_POINTS))
    rows, columns = rows[::step], columns[::step]
    traces = []
    for place, symbol in enumerate(shown.symbols[: len(PALETTE)]):
        mine = columns == place
        x = shown.forecast[rows[mine], place]
        if symbol not in table.index or not mine.any():
            continue
        color, name = PALETTE[place], symbol
        traces.append(
            points(
                packed(x),
                shown.realised[rows[mine], place],
                name,
                color,
                marker={"size": 4, "opacity": 0.4},
                legendgroup=label(name),
                hovertemplate="forecast %{x:.2%}, came %{y:.2%}",
            )
        )
        ends = np.array([x.min(), x.max()])
        fit = table.loc[symbol]
        traces.append(
            line(
                packed(ends),
                fit["intercept"] + fit["slope"] * ends,
                name,
                color,
                legendgroup=label(name),
                showlegend=False,
                hoverinfo="skip",
            )
        )
    yield Chart(
        "Forecast against what came",
        "A sample of the forecasts, and each symbol's line of best fit. Forecasts that "
        "mean what they say have lines of slope 1.",
        traces,
        layout(
            {"tickformat": ".1%", "title": {"text": "forecast"}},
            {"tickformat": ".0%", "title": {"text": "realised"}},
            hovermode="closest",
        ),
        height=400,
    )
    listed = [
        [
            str(name),
            f"{row['slope']:.2f}",
            f"{row['intercept']:.3%}",
            f"{row['n']:,.0f}",
        ]
        for name, row in table.iterrows()
    ]
    kept, note = cut(listed, "forecasts.csv, to be measured")
    yield Table(
        ["", "Slope", "Intercept", "Forecasts"],
        kept,
        "lrrr",
        "Slope and intercept of each symbol",
        note,
        folded=True,
    )


def _persistence(shown: Shown) -> Iterator[Block]:
    found = rank_autocorrelation(shown.forecast)
    if np.isfinite(found).any():
        yield Words(
            "From one session to the next, the ranks of the forecasts have a "
            f"correlation of {np.nanmean(found):.3f} on average: the nearer to 1, the "
            "less turnover they ask for."
        )
