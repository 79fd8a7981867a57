"""A feature: a column that can be made of a window."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import FeatureError
from bt_lstm_rotation.forecasting.window import Window

__all__ = ["Feature"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Feature:
    """A column that can be made of a window.

    Two are the same if their names, code and flags are.

    Parameters
    ----------
    values : callable
        Window of ``(..., n_symbols, n_bars)`` -> array of that shape; the first
        `warmup` bars of the last axis carry no meaning.
    warmup : int
        Bars that it reaches back.
    cross_sectional : bool
        Whether it compares symbols with each other, and so needs two of them.
    odd : bool
        Whether it changes its sign when rises and falls change places.
    needs_benchmark : bool
        Whether it reads the window's row ``"benchmark"``.
    name : str
        As it is called in ``ForecastSpec(features=...)``.
    code : str
        The identity of the code of a user's own; empty for those that are built in,
        whose code is the package's.
    """

    values: Callable[[Window], Array] = field(compare=False, repr=False)
    warmup: int
    cross_sectional: bool = False
    odd: bool = False
    needs_benchmark: bool = False
    name: str = ""
    code: str = ""

    def __call__(self, window: Window) -> Array:
        """Compute it, (..., n_symbols, n_bars)."""
        return self.values(window)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Name what a module has, so that a worker runs the user's file and no copy."""
        module, place = self.values.__module__, self.values.__qualname__
        there = getattr(sys.modules.get(module), place, None)
        known = isinstance(there, Feature) and there.values is self.values
        if known and module != "__main__":
            return _found, (module, place, self.code)
        return super().__reduce_ex__(protocol)


def _found(module: str, place: str, code: str) -> Feature:
    """Find a user's feature in its module, which has been run in this process too."""
    from bt_lstm_rotation.forecasting.features.identity import identity

    feature: Feature = getattr(importlib.import_module(module), place)
    if not code:
        return feature
    if identity(feature.name, feature.values) != code:
        problem = "is not what the run began with: what it reads has been changed since"
        raise FeatureError(feature.name, problem, "define what it reads in its file")
    return replace(feature, code=code)
