"""What a network is trained on: every symbol's bars of a window, in order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.recurrent.optimisation import Sequences

__all__ = ["Series"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Series:
    """Scaled bars and targets of a window.

    Parameters
    ----------
    inputs : (n_symbols, n_bars, n_features) float32
        Scaled features.
    targets : (n_symbols, n_bars) float64
        Scaled targets, less what filters expect of them.
    weights, held_out : (n_symbols, n_bars) float64
        Weight of each squared error in training, and in what says when to stop.
    """

    inputs: NDArray[np.float32]
    targets: Array
    weights: Array
    held_out: Array

    def cut(self, length: int) -> Sequences:
        """Cut into sequences of so many bars, the latest ones whole.

        The oldest is padded in front with zeros, a scaled feature's mean, of weight 0.
        """
        n_symbols, n_bars = self.targets.shape
        missing = -n_bars % length
        front = ((0, 0), (missing, 0))
        n_steps = (missing + n_bars) // length

        def time_first(array: NDArray[np.float32]) -> NDArray[np.float32]:
            parts = array.reshape(n_symbols * n_steps, length, *array.shape[2:])
            return np.ascontiguousarray(np.moveaxis(parts, 1, 0))

        padded = (
            np.pad(array.astype(np.float32), front)
            for array in (self.targets, self.weights, self.held_out)
        )
        inputs = np.pad(self.inputs, (*front, (0, 0)))
        return Sequences(time_first(inputs), *map(time_first, padded))
