"""A trained forecaster: networks, the scaler of their window, and how to run them.

It needs only NumPy, and turns into plain arrays and back to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.recurrent.arrays import (
    parts_from_arrays,
    parts_to_arrays,
)
from bt_lstm_rotation.forecasting.recurrent.columns import (
    context_columns,
    own_columns,
)
from bt_lstm_rotation.forecasting.recurrent.part import Part
from bt_lstm_rotation.forecasting.recurrent.settings import RecurrentSettings
from bt_lstm_rotation.forecasting.window import Window

__all__ = ["RecurrentModel"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RecurrentModel:
    """Trained networks, and all that a forecast needs besides bars.

    `symbols` are sorted; `parts` has one for all of them if the spec is pooled, and
    one for each if not.
    """

    spec: RecurrentSettings
    symbols: tuple[str, ...]
    parts: tuple[Part, ...]

    def forecast(self, window: Window) -> Array:
        """Forecast from windows of (n_sessions, n_symbols, forecast_bars)."""
        return self.answer(window.symbols, *self.read(window))

    def read(self, window: Window) -> tuple[Array, Array | None]:
        """Return what a forecast reads: own columns, and those of context, or None."""
        spec = self.spec
        context = context_columns(spec, window) if spec.context else None
        return own_columns(spec, window), context

    def answer(
        self, symbols: Sequence[str], features: Array, context: Array | None
    ) -> Array:
        """Forecast some symbols from columns as `read` gives them."""
        spec = self.spec
        signs = spec.signs if spec.mirrored else None
        rows = [self.symbols.index(symbol) for symbol in symbols]
        if spec.pooled:
            return self.parts[0].forecast(features, signs, context, rows)
        columns = [
            self.parts[row].forecast(
                features[:, [column]],
                signs,
                None if context is None else context[:, [column]],
                [0],
            )
            for column, row in enumerate(rows)
        ]
        return np.concatenate(columns, axis=-1)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Turn the model into arrays, as `arrays.parts_to_arrays` describes them."""
        return parts_to_arrays(self.spec, self.parts)

    @classmethod
    def from_arrays(
        cls,
        spec: RecurrentSettings,
        symbols: tuple[str, ...],
        arrays: Mapping[str, NDArray[Any]],
    ) -> RecurrentModel:
        """Turn arrays back into the model they were.

        Raises ValueError if they are not those of such a model of these symbols.
        """
        return cls(spec, symbols, parts_from_arrays(spec, len(symbols), arrays))
