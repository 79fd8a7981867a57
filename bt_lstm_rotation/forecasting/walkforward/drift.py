r"""How far a fit moves the forecasts for the same bars.

The network of before and the new one are shown the same bars, the last of the new one's
window, at three closes within a month. With :math:`a` and :math:`b` what they forecast,
each less its mean over the symbols of the session, because a ranking does not see that,

.. math:: \text{drift} = \sqrt{\textstyle\sum (b - a)^2 \big/ \sum a^2}

is 0 if nothing has changed, 1 if the difference is as large as what was said before,
and :math:`\sqrt 2` for two functions that have nothing in common but their size.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.forecaster import Model
from bt_lstm_rotation.forecasting.recurrent.model import RecurrentModel
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.periods import MONTH

__all__ = ["DRIFT_LIMIT", "drift"]

# Bars before the last of a window at which probes end. Three closes take as long as
# three sessions' forecasts.
AGO: Final = (0, MONTH // 2, MONTH - 1)

# Of 2,480 fits of the default network on simulated markets, a hundredth moves more.
DRIFT_LIMIT: Final = 1.0


def drift(
    before: Model | None, after: Model | None, window: Window, bars: int
) -> float:
    """Measure by how much a network's forecasts differ from those of the one before.

    Parameters
    ----------
    before, after : Model or None
        Only networks are compared: a rule has nothing that drifts.
    window : Window
        ``(n_symbols, n_bars)``, the later fit's.
    bars : int
        That a forecast reads.

    Returns
    -------
    float
        A share of the spread of the earlier forecasts; NaN if there is nothing to
        compare.
    """
    networks = isinstance(before, RecurrentModel) and isinstance(after, RecurrentModel)
    if before is None or after is None or not networks:
        return float("nan")
    shared = set(before.symbols) & set(after.symbols)
    rows = [row for row, name in enumerate(window.symbols) if name in shared]
    if not rows:
        return float("nan")
    probes = _probes(window, rows, bars)
    first, second = (_compared(model, probes) for model in (before, after))
    moved = float(np.sqrt(((second - first) ** 2).mean()))
    spread = float(np.sqrt((first**2).mean()))
    if not spread:
        return float("inf") if moved else 0.0
    return moved / spread


def _probes(window: Window, rows: list[int], bars: int) -> Window:
    """Return the windows that end at some of the last bars, (n, n_symbols, bars)."""
    back = [ago for ago in AGO if ago <= window.n_bars - bars]
    where = [slice(window.n_bars - ago - bars, window.n_bars - ago) for ago in back]
    return Window(
        tuple(window.symbols[row] for row in rows),
        np.stack([window.dates[rows, one] for one in where]),
        np.stack([window.bars[:, rows, one] for one in where], axis=1),
    )


def _compared(model: Model, probes: Window) -> NDArray[np.float64]:
    made = model.forecast(probes).mean(axis=0)
    # Of a single symbol there is no ranking, but a size from session to session.
    axis = 1 if made.shape[1] > 1 else None
    less: NDArray[np.float64] = made - made.mean(axis=axis, keepdims=True)
    return less
