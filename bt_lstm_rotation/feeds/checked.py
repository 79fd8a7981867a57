"""A drop-in for Backtrader's `PandasData` that checks its bars, and is faster."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.feeds.absurd_bars import mark_as_judged
from bt_lstm_rotation.feeds.naming import FIELDS
from bt_lstm_rotation.feeds.panel_feeds import PanelData
from bt_lstm_rotation.prices.loading import load_prices

__all__ = ["CheckedPandasData"]


class CheckedPandasData(PanelData):
    """`PandasData` whose daily bars are checked, and loaded at once.

    It takes what `PandasData` takes, and shows the same bars. As of a file, invalid
    ones are left out and doubtful ones shown, both with a warning, and what cannot be
    bars of a day is an error before the run (docs/bars.md). A day is dated by its
    session, in the time zone of the index.

    Params
    ------
    dataname : DataFrame
        Bars of a day or longer, as they are: an ``Adj Close`` is not applied.
    name : str
        What errors call it; best given here and not to ``adddata``.

    Raises
    ------
    DataError
        As `load_prices` raises it of a frame in memory.
    """

    def __init__(self) -> None:
        if not isinstance(self.p.dataname, pd.DataFrame):
            raise DataError(
                "no bars to show", value=self.p.dataname, valid="dataname=DataFrame"
            )
        super().__init__()  # finds the columns
        name = self.p.name or "feed"
        panel = load_prices({name: self._table()}, adjust=False)
        self.p.dataname = panel.frame(name)
        fields = {field: field.capitalize() for field in FIELDS}
        self._colmapping = {**fields, "datetime": None, "openinterest": None}
        mark_as_judged(self)

    def _table(self) -> pd.DataFrame:
        """Return the columns that `PandasData` would read, in our spelling."""
        frame = self.p.dataname
        found = {
            field.capitalize(): self._column(at)
            for field in FIELDS
            if (at := self._colmapping[field]) is not None
        }
        dated = self._colmapping["datetime"]
        dates = frame.index if dated is None else pd.Index(self._column(dated))
        return pd.DataFrame(found).set_axis(dates, axis=0)

    def _column(self, at: Any) -> Any:
        frame = self.p.dataname
        if isinstance(at, str):
            known = [str(label) for label in frame.columns]
            if self.p.nocase:
                at, known = at.lower(), [label.lower() for label in known]
            if at not in known:
                raise DataError("no such column", value=at, valid=", ".join(known))
            at = known.index(at)
        if not 0 <= at < frame.shape[1]:
            raise DataError(
                "no such column", value=at, valid=f"0 to {frame.shape[1] - 1}"
            )
        return frame.iloc[:, at].array
