"""What came after high forecasts and low ones, and what the forecasts were worth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bt_lstm_rotation.measures.calibration import calibration
from bt_lstm_rotation.measures.dispersion import error_by_dispersion
from bt_lstm_rotation.measures.forecast_ranks import returns_by_rank
from bt_lstm_rotation.measures.naive import scores_beside_naive
from bt_lstm_rotation.reporting.figures import correlation, percent
from bt_lstm_rotation.reporting.page.blocks import Block, Chart, Table, Words, cut
from bt_lstm_rotation.reporting.page.error_bars import with_errors
from bt_lstm_rotation.reporting.page.plots import (
    PALETTE,
    STRATEGY,
    bars,
    label,
    layout,
    line,
    packed,
    points,
)
from bt_lstm_rotation.reporting.page.shown_forecasts import Shown

__all__ = ["accuracy_blocks", "beside_nothing"]

MOST_POINTS = 2_000


def accuracy_blocks(shown: Shown, forecasts: pd.DataFrame) -> Iterator[Block]:
    """Draw what came by rank, calibration, and an ensemble's dispersion."""
    yield from _by_rank(shown)
    yield from _calibration(shown)
    yield from _dispersion(forecasts)


def beside_nothing(shown: Shown) -> Table:
    """Score the forecasts beside some that know nothing."""
    table = scores_beside_naive(shown.forecast, shown.realised, horizon=shown.horizon)
    return Table(
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


def _by_rank(shown: Shown) -> Iterator[Block]:
    table = returns_by_rank(shown.forecast, shown.realised, horizon=shown.horizon)
    spread = table.loc["spread"]
    table = table.drop("spread").dropna(subset=["mean"])
    if table.empty:
        return
    yield with_errors(
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


def _dispersion(forecasts: pd.DataFrame) -> Iterator[Block]:
    if "dispersion" not in forecasts:
        return
    table = error_by_dispersion(
        forecasts["dispersion"].to_numpy(dtype="float64"),
        forecasts["forecast"].to_numpy(dtype="float64"),
        forecasts["realised"].to_numpy(dtype="float64"),
    )
    if not table.empty:
        yield Chart(
            "Error by dispersion",
            "Root mean squared error of a fifth of the forecasts each, from those that "
            "the ensemble's members agreed on most to those they agreed on least. One "
            "that knows when it is wrong has bars that rise.",
            [
                bars(
                    packed(np.array(table.index, dtype="float64")),
                    table["error"],
                    "error",
                    STRATEGY,
                    customdata=packed(table["dispersion"]),
                    hovertemplate="dispersion %{customdata:.2%}: error %{y:.2%}"
                    "<extra></extra>",
                )
            ],
            layout(
                {"title": {"text": "fifth"}, "dtick": 1},
                {"tickformat": ".1%"},
                hovermode="closest",
                showlegend=False,
            ),
            height=240,
        )
