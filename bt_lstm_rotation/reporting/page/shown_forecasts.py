"""The forecasts of a run as tables, session by session."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.measures.information import wide_forecasts
from bt_lstm_rotation.measures.units import restated_closes
from bt_lstm_rotation.result import BacktestResult

__all__ = ["Shown", "shown_forecasts"]


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


def shown_forecasts(result: BacktestResult) -> Shown:
    """Lay forecasts, what came of them, and closes out alike."""
    made, came = wide_forecasts(result.forecasts)
    index, symbols = pd.DatetimeIndex(made.index), list(made.columns)
    close = restated_closes(result.bars, result.actions)
    return Shown(
        index,
        symbols,
        made.to_numpy(dtype="float64"),
        came.to_numpy(dtype="float64"),
        int((result.summary["spec"] or {}).get("horizon", 1)),
        close.reindex(index=index, columns=symbols).to_numpy(dtype="float64"),
        index.isin(pd.to_datetime(result.orders["submitted"])),
    )
