r"""How far a fit moves the forecasts for the same bars.

The network of before and the new one are shown the same bars, the last of the new one's
window. With :math:`a` and :math:`b` what they forecast, each less its mean over the
symbols of the session, because a ranking does not see that,

.. math:: \text{drift} = \sqrt{\sum (b - a)^2 \Big/ \tfrac12 \sum (a^2 + b^2)}

is 0 if nothing has changed, :math:`\sqrt 2` if the two have nothing in common, and 2 if
one says the opposite of the other. The spread of both counts: a share of the earlier
one's alone would be enormous wherever that had said next to nothing.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.forecaster import Model
from bt_lstm_rotation.forecasting.recurrent.model import RecurrentModel
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.periods import MONTH

__all__ = ["DRIFT_LIMIT", "drift"]

Array = NDArray[np.float64]

# More than two functions with nothing in common; decision 34 has what the simulated
# worlds say of it.
DRIFT_LIMIT: Final = 1.5

# Forecasts compared, at least: the last ones of nine sectors, or of one sector nine in
# a month. Many more would take a good part of the time that a fit does.
PROBES: Final = 9


def drift(before: Model | None, after: Model | None, window: Window) -> float:
    """Measure by how much a network's forecasts differ from those of the one before.

    Parameters
    ----------
    before, after : Model or None
        Only networks are compared: a rule has nothing that drifts.
    window : Window
        ``(n_symbols, n_bars)``, the later fit's.

    Returns
    -------
    float
        A share of the spread of both, 0 to 2; NaN if there is nothing to compare.
    """
    if not (isinstance(before, RecurrentModel) and isinstance(after, RecurrentModel)):
        return math.nan
    known = set(before.symbols) & set(after.symbols)
    rows = [row for row, name in enumerate(window.symbols) if name in known]
    if not rows:
        return math.nan
    symbols = tuple(window.symbols[row] for row in rows)
    probes = _probes(after, window, rows)
    first, second = (
        _compared(model.answer(symbols, *probes)) for model in (before, after)
    )
    moved = float(((second - first) ** 2).mean())
    spread = float((first**2).mean() + (second**2).mean()) / 2
    return math.sqrt(moved / spread) if spread else 0.0


def _probes(
    model: RecurrentModel, window: Window, rows: list[int]
) -> tuple[Array, Array | None]:
    """Return what is read up to some of the last bars, (n, n_rows, lookback, ...)."""
    spec = model.spec
    closes = -(-PROBES // len(rows))
    spread = np.linspace(0, MONTH - 1, closes).astype(int).tolist()
    back = [ago for ago in spread if spec.forecast_bars + ago <= window.n_bars]
    last = slice(-(spec.forecast_bars + max(back)), None)
    tail = replace(
        window,
        symbols=tuple(window.symbols[row] for row in rows),
        dates=window.dates[rows, last],
        bars=window.bars[:, rows, last],
    )
    own, context = model.read(tail)
    stops = [own.shape[1] - ago for ago in back]

    def cut(columns: Array) -> Array:
        return np.stack([columns[:, stop - spec.lookback : stop] for stop in stops])

    return cut(own), None if context is None else cut(context)


def _compared(members: Array) -> Array:
    made = members.mean(axis=0)
    # Of a single symbol there is no ranking, but a size from session to session.
    axis = 1 if made.shape[1] > 1 else None
    less: Array = made - made.mean(axis=axis, keepdims=True)
    return less
