"""A feature under proof: its bars, its values, and how they are compared."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import FeatureError
from bt_lstm_rotation.forecasting.features.column import Feature
from bt_lstm_rotation.forecasting.features.scene import Scene, made_scene
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.wording import in_words

__all__ = ["Subject", "differ", "scale"]

Array = NDArray[np.float64]

# Of a feature's largest value: what differs by less is rounding.
ROUNDING: Final = 1e-9

# Bars after the warm-up on which a feature is watched.
WATCHED: Final = 420


@dataclass(frozen=True, eq=False)
class Subject:
    """A feature, and the bars on which it is watched."""

    feature: Feature
    extra: tuple[str, ...] = ("benchmark",)

    @property
    def warmup(self) -> int:
        """Bars before its first value."""
        return self.feature.warmup

    def scene(self, *, holes: bool = False, first: str = "2004-03-01") -> Scene:
        """Make the bars."""
        n_bars = self.warmup + WATCHED
        return made_scene(n_bars, first=first, holes=holes, extra=self.extra)

    def values(self, window: Window) -> Array:
        """Compute it on a copy of a window; refuse what is no array of its shape."""
        shown = replace(window, dates=window.dates.copy(), bars=window.bars.copy())
        shape = window.dates.shape
        # What it warns of is for when it is used.
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                made: Any = self.feature.values(shown)
            except Exception as error:
                self.refuse(
                    f"raises {in_words(error)} on a window of {shape}",
                    "it is a function of a window of (..., n_symbols, n_bars), and of "
                    "nothing else",
                )
        valid = f"an array of the window's shape is wanted, {shape}"
        if type(made) is not np.ndarray or made.dtype.kind not in "fiub":
            kind = getattr(made, "dtype", type(made).__name__)
            self.refuse(f"returns {type(made).__name__} of {kind}", valid)
        if made.shape != shape:
            self.refuse(f"returns an array of shape {made.shape}", valid)
        if not np.array_equal(shown.bars, window.bars, equal_nan=True) or not (
            np.array_equal(shown.dates, window.dates)
        ):
            self.refuse("changes the window that it is shown", "copy what you change")
        return made.astype(np.float64)

    def refuse(self, problem: str, valid: str, **where: Any) -> NoReturn:
        """Raise the error that names it."""
        name = self.feature.name or self.feature.values.__qualname__
        raise FeatureError(name, problem, valid, **where)


def scale(values: Array) -> float:
    """Return by how much values may differ and still be the same, but for rounding."""
    finite = np.abs(values[np.isfinite(values)])
    return ROUNDING * float(finite.max()) if finite.size else 0.0


def differ(first: Array, second: Array, rounding: float) -> NDArray[np.bool_]:
    """Tell where two arrays differ by more than rounding, NaN being one value."""
    alike = (first == second) | (np.isnan(first) & np.isnan(second))
    near = np.zeros_like(alike)
    both = np.isfinite(first) & np.isfinite(second)
    near[both] = np.abs(first[both] - second[both]) <= rounding
    return np.asarray(~(alike | near))
