"""How the trainings of one fit went, as a `Fit` tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.forecaster import Fit
from bt_lstm_rotation.forecasting.recurrent.arrays import plain_array
from bt_lstm_rotation.forecasting.recurrent.optimisation import Course

__all__ = ["Curves", "curves_from_arrays", "curves_to_arrays", "joined"]

# A fit's curve -> its name among the arrays that are kept.
KEPT = {
    "losses": "losses",
    "held_out_losses": "held_out",
    "gradient_norms": "norms",
}


class Curves(TypedDict, total=False):
    """Those arguments of `Fit` that say how training went."""

    losses: tuple[float, ...]
    held_out_losses: tuple[float, ...]
    gradient_norms: tuple[float, ...]
    clipped: float


def joined(courses: Sequence[Course], clip_norm: float) -> Curves:
    """Average over the networks of a fit, as far as all of them went.

    Those that stopped early have shorter curves. The share of clipped steps is of all.
    """
    norms = np.concatenate([course.norms for course in courses])
    return {
        "losses": _mean([course.losses for course in courses]),
        "held_out_losses": _mean([course.held_out for course in courses]),
        "gradient_norms": _mean([course.norms for course in courses]),
        "clipped": float((norms > clip_norm).mean()) if len(norms) else float("nan"),
    }


def curves_to_arrays(fit: Fit) -> dict[str, NDArray[np.float64]]:
    """Turn a fit's curves into arrays, those that are there."""
    arrays = {name: np.array(getattr(fit, curve)) for curve, name in KEPT.items()}
    arrays = {name: array for name, array in arrays.items() if len(array)}
    if fit.clipped == fit.clipped:
        arrays["clipped"] = np.array([fit.clipped])
    return arrays


def curves_from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Curves:
    """Turn arrays back into curves.

    Raises ValueError if they are not those of a fit. An account of an earlier version
    has losses alone.
    """
    found: Curves = {}
    found["losses"] = _curve(arrays, "losses")
    if "held_out" in arrays:
        found["held_out_losses"] = _curve(arrays, "held_out")
    if "norms" in arrays:
        found["gradient_norms"] = _curve(arrays, "norms")
    if "clipped" in arrays:
        found["clipped"] = _curve(arrays, "clipped")[0]
    return found


def _curve(arrays: Mapping[str, NDArray[Any]], name: str) -> tuple[float, ...]:
    return tuple(plain_array(arrays, name, np.float64, (None,)).tolist())


def _mean(curves: Sequence[NDArray[np.float64]]) -> tuple[float, ...]:
    common = min(map(len, curves))
    if not common:
        return ()
    return tuple(np.mean([curve[:common] for curve in curves], axis=0).tolist())
