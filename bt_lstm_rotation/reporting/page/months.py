"""A table by year and month, as a map of colours."""

from __future__ import annotations

import calendar

import pandas as pd

from bt_lstm_rotation.reporting.page.blocks import Chart
from bt_lstm_rotation.reporting.page.plots import heat_map, layout

__all__ = ["month_map"]


def month_map(title: str, says: str, table: pd.DataFrame, form: str) -> Chart:
    """Draw a table with a row a year, columns 1 to 12 and one for the year."""
    months = [calendar.month_abbr[month] for month in range(1, 13)]
    return Chart(
        title,
        says,
        [heat_map(table.set_axis([*months, "Year"], axis=1), form)],
        layout(
            {"side": "top", "type": "category"},
            {"autorange": "reversed", "type": "category"},
            hovermode="closest",
            showlegend=False,
        ),
        height=70 + 24 * len(table),
    )
