"""Means, and two standard errors on either side."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bt_lstm_rotation.reporting.page.blocks import Chart
from bt_lstm_rotation.reporting.page.plots import (
    BENCHMARK,
    STRATEGY,
    bars,
    layout,
    packed,
)

__all__ = ["with_errors"]


def with_errors(
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
