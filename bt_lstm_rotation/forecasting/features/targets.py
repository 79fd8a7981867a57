"""What forecasters learn: the return over the horizon."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.window import Window

__all__ = ["forward_return"]


def forward_return(window: Window, horizon: int) -> NDArray[np.float64]:
    """Return over the next ``horizon`` bars, decimal, from close to close.

    Returns
    -------
    (..., n_symbols, n_bars - horizon) float64
        The last `horizon` bars have none: theirs has not matured within the window.
    """
    close = window.close
    return close[..., horizon:] / close[..., :-horizon] - 1.0
