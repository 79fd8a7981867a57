"""What analyzers that work on other analyzers' records have in common."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

import backtrader as bt
import pandas as pd

__all__ = ["DerivedAnalyzer", "defined", "series_of"]


class DerivedAnalyzer(bt.Analyzer):
    """Base of analyzers that read what child analyzers record.

    A subclass makes its children in ``__init__`` and returns its analysis, in plain
    dates, names and numbers, from ``analysis``. That is worked out once, at the end of
    a run, and before that whenever it is asked for. It and the parameters are all that
    is pickled: a strategy, a feed or a child could hold what cannot be.
    """

    def __init__(self) -> None:
        super().__init__()

    def create_analysis(self) -> None:
        """Begin with none; Backtrader calls this before ``__init__``."""
        self.rets: Any = None

    def analysis(self) -> Any:
        """Return what is known by now."""
        raise NotImplementedError

    def stop(self) -> None:
        """Work the analysis out; children have come to their end before."""
        self.rets = self.analysis()

    def get_analysis(self) -> Any:
        """Return the analysis."""
        return self.analysis() if self.rets is None else self.rets

    def __getstate__(self) -> dict[str, Any]:
        return {"p": self.p, "params": self.p, "rets": self.get_analysis()}


def defined(value: float | None) -> float | None:
    """Return a number as Python has it; None of what is not finite."""
    return float(value) if value is not None and math.isfinite(value) else None


def series_of(by_session: Mapping[dt.date, float | None]) -> pd.Series[Any]:
    """Return numbers by session as a series; NaN where there is none."""
    index = pd.DatetimeIndex(list(by_session), name="session")
    return pd.Series(list(by_session.values()), index=index, dtype="float64")
