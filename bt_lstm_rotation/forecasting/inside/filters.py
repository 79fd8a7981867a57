r"""The linear filter that a forecaster amounts to: its impulse response.

What an extra return of one, *k* bars ago, adds to the forecast. A linear filter is
nothing but this; a network's is its gradient at the window's mean bar, and what it does
beyond that is not linear.

- An EWMA with share *a* and slope *b* has :math:`b\,a\,(1 - a)^k`.
- The Kalman filter of `KalmanSpec` has :math:`(\phi + \dots + \phi^h) K (\phi (1 -
  K))^k`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.features import Feature, mirror
from bt_lstm_rotation.forecasting.inside.readout import Readout

__all__ = ["ewma_response", "kalman_response", "network_response", "written_feature"]

Array = NDArray[np.float64]


def written_feature(features: Sequence[Feature]) -> int:
    """Return which feature a response is to: a return, or the first that is odd."""
    odd = np.flatnonzero(mirror(features) < 0)
    names = [feature.name for feature in features]
    for name in ("relative_return", "log_return"):
        if name in names:
            return names.index(name)
    return int(odd[0]) if len(odd) else 0


def network_response(readout: Readout, inputs: Array, feature: int) -> Array:
    """Return the response of a network around some inputs, by lag, the latest first.

    Parameters
    ----------
    inputs : (lookback, n_features) float64
        Zeros are the window's mean bar.
    feature : int
        The one that is moved, in its own unit.
    """
    slopes = readout.gradient(inputs)[:, feature]
    response: Array = slopes[::-1] / readout.part.scaler.feature_scale[feature]
    return response


def ewma_response(model: Any, n_lags: int) -> Array:
    """Return the response of a fitted `EWMASpec`, by lag."""
    share = 1.0 - 0.5 ** (1.0 / model.half_life)
    response: Array = model.slope * share * (1 - share) ** np.arange(n_lags)
    return response


def kalman_response(model: Any, n_lags: int) -> Array:
    """Return the response of a fitted `KalmanSpec`, by lag."""
    ahead = sum(model.phi**day for day in range(1, model.spec.horizon + 1))
    kept = model.phi * (1 - model.gain)
    response: Array = ahead * model.gain * kept ** np.arange(n_lags)
    return response
