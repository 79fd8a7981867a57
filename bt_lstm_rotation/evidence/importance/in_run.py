"""What each input brings to the forecasts of a run, measured when it is over.

The networks of the run, shown values that are not their own: nothing is trained again.
And, by choice, others that are trained without each. No forecast of the run changes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.evidence.importance.comparing import Compared
from bt_lstm_rotation.evidence.importance.findings import sentences
from bt_lstm_rotation.evidence.importance.groups import groups_of
from bt_lstm_rotation.evidence.importance.permuting import Block, Draw, Served
from bt_lstm_rotation.evidence.importance.refitting import refitted
from bt_lstm_rotation.forecasting import (
    BarHistory,
    ForecastSpec,
    Training,
    WalkForward,
)
from bt_lstm_rotation.forecasting.recurrent.model import RecurrentModel
from bt_lstm_rotation.measures.information import wide_forecasts
from bt_lstm_rotation.measures.plain import plain
from bt_lstm_rotation.measures.skill import MIN_PAIRS

__all__ = [
    "RETRAINED",
    "Retraining",
    "ServedModels",
    "check_asked",
    "check_permutable",
    "measured_in_run",
]

Array = NDArray[np.float64]

logger = logging.getLogger(__name__)

PERMUTATIONS: Final = 5

# What asks for networks that are trained without each input, too.
RETRAINED: Final = "retrained"

# Columns that are no numbers.
TEXTS: Final = ("table", "name", "kind", "members", "note")

# Sessions that are forecast in one go: bounds the memory.
BLOCK: Final = 32


@dataclass(frozen=True, eq=False)
class Retraining:
    """How networks are trained that read less than those of a run.

    Parameters
    ----------
    history_of : callable
        A spec -> the bars of the run, with what it reads beside them.
    training : Training
    """

    history_of: Callable[[ForecastSpec], BarHistory]
    training: Training

    def forecast(self, base: Compared, name: str, spec: ForecastSpec) -> Array:
        """Walk forward over the sessions of `base`, in its shape, without `name`.

        Raises FitsError if every fit fails.
        """
        history = self.history_of(spec)
        # Of other networks than the run's, warnings of drift would only confuse.
        quiet = replace(
            self.training, served=None, journal=None, announce=None, drift_limit=None
        )
        walk = WalkForward(spec, history, start=base.sessions[0], training=quiet)
        sessions = history.sessions()
        made = walk.forecast(sessions)[0]
        if failure := walk.failure():
            logger.warning("without %s, %s", name, failure)
        values = np.full(base.base.shape, np.nan)
        rows = np.searchsorted(sessions, base.sessions)
        there = np.isin(base.sessions, sessions)
        order = [history.symbols.index(symbol) for symbol in base.symbols]
        values[there] = made[rows[there]][:, order]
        return values


def check_asked(owner: str, value: object) -> None:
    """Raise SpecError unless it is what may be asked of a run."""
    known = isinstance(value, bool) or (isinstance(value, str) and value == RETRAINED)
    if not known:
        valid = f"True, False, or {RETRAINED!r} for networks without each input as well"
        raise SpecError(owner, "importance", value, valid)


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


def measured_in_run(
    spec: ForecastSpec,
    served: Served,
    forecasts: pd.DataFrame,
    names: Mapping[str, str],
    retraining: Retraining | None = None,
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
    retraining : Retraining, optional
        How networks without each are trained; by default none are.

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
    groups = groups_of(spec)
    rows = {"permuted": list(base.permuted(groups, served, draws)), "refitted": []}
    if retraining is not None:
        forecast = partial(retraining.forecast, base)
        rows["refitted"] = list(refitted(base, groups, spec, forecast))
    test, _ = base.skill()
    ic = {"mean": test.mean, "error": test.error, "sessions": test.sessions}
    said = sentences(plain({"ic": ic, **rows}))
    table = pd.DataFrame(
        {"table": kind, **row, "members": tuple(row["members"])}
        for kind, each in rows.items()
        for row in each
    )
    return table.astype(dict.fromkeys(TEXTS, object)), {
        "permutations": PERMUTATIONS,
        "seed": spec.seed,
        "sentences": list(said),
    }
