"""What each input brings to the forecasts of a run, measured when it is over.

The networks of the run, shown values that are not their own: nothing is trained again,
and no forecast of the run changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.evidence.importance.comparing import Compared
from bt_lstm_rotation.evidence.importance.findings import sentences
from bt_lstm_rotation.evidence.importance.groups import groups_of
from bt_lstm_rotation.evidence.importance.permuting import Block, Draw, Served
from bt_lstm_rotation.forecasting import BarHistory, ForecastSpec
from bt_lstm_rotation.forecasting.recurrent.model import RecurrentModel
from bt_lstm_rotation.measures.information import wide_forecasts
from bt_lstm_rotation.measures.plain import plain
from bt_lstm_rotation.measures.skill import MIN_PAIRS

__all__ = ["ServedModels", "check_permutable", "permuted_in_run"]

PERMUTATIONS: Final = 5

# Columns that are no numbers.
TEXTS: Final = ("table", "name", "kind", "members", "note")

# Sessions that are forecast in one go: bounds the memory.
BLOCK: Final = 32


def check_permutable(owner: str, spec: Any, symbols: int) -> None:
    """Raise SpecError unless forecasts have columns to permute, and enough symbols."""
    if not isinstance(spec, ForecastSpec):
        valid = (
            "False, or the forecasts of a network (lstm, gru, rnn): other forecasters "
            "have no columns that could be permuted"
        )
        raise SpecError(owner, "importance", type(spec).__name__, valid)
    if symbols < MIN_PAIRS:
        valid = f"False, or forecasts of at least {MIN_PAIRS} symbols, to correlate"
        raise SpecError(owner, "importance", f"forecasts of {symbols}", valid)


class ServedModels:
    """Remembers which model has forecast which sessions, as a reader of a walk."""

    def __init__(self) -> None:
        self._made: dict[
            tuple[int, tuple[str, ...]],
            tuple[RecurrentModel, list[NDArray[np.datetime64]]],
        ] = {}

    def __call__(self, model: Any, window: Any) -> None:
        """Note what a model has forecast; the model is kept, its windows are not."""
        key = id(model), tuple(window.symbols)
        _, sessions = self._made.setdefault(key, (model, []))
        sessions.append(window.dates[:, 0, -1].astype("datetime64[D]"))

    def served(self, history: BarHistory) -> Served:
        """Return them over their bars, in blocks that are the same in every mode."""
        blocks = []
        for (_, symbols), (model, parts) in self._made.items():
            sessions = np.sort(np.concatenate(parts))
            count = -(-len(sessions) // BLOCK)
            blocks += [
                Block(model, symbols, part) for part in np.array_split(sessions, count)
            ]
        return Served(history, blocks)


def permuted_in_run(
    spec: ForecastSpec,
    served: Served,
    forecasts: pd.DataFrame,
    names: Mapping[str, str],
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Measure what the forecasts of a run lose without each thing that was read.

    Parameters
    ----------
    spec : ForecastSpec
        Its seed is that of the permutations, too.
    served : Served
        What made the forecasts.
    forecasts : DataFrame
        As `bt_lstm_rotation.result.BacktestResult` has them.
    names : mapping of str to str
        What the history calls each symbol.

    Returns
    -------
    table : DataFrame
        One row each, as in ``importance.csv``.
    figures : dict
        ``permutations``, ``seed``, and ``sentences``, which say what it shows.

    Raises
    ------
    DataError
        If no session has three forecasts that have matured.
    """
    made, came = wide_forecasts(forecasts)
    base = Compared(
        sessions=made.index.to_numpy().astype("datetime64[D]"),
        symbols=tuple(names[str(symbol)] for symbol in made.columns),
        base=made.to_numpy(dtype="float64"),
        came=came.to_numpy(dtype="float64"),
        horizon=spec.horizon,
    )
    apart = spec.forecast_bars + spec.horizon
    draws = [Draw(spec.seed, number, apart) for number in range(PERMUTATIONS)]
    rows = list(base.permuted(groups_of(spec), served, draws))
    test, _ = base.skill()
    ic = {"mean": test.mean, "error": test.error, "sessions": test.sessions}
    said = sentences(plain({"ic": ic, "permuted": rows, "refitted": []}))
    table = pd.DataFrame(
        {"table": "permuted", **row, "members": tuple(row["members"])} for row in rows
    )
    return table.astype(dict.fromkeys(TEXTS, object)), {
        "permutations": PERMUTATIONS,
        "seed": spec.seed,
        "sentences": list(said),
    }
