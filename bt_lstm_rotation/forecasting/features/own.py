"""Features of a user's own: made by a decorator, and found by name afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import FunctionType

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_flag, check_whole
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting.features.built_in import FEATURES
from bt_lstm_rotation.forecasting.features.column import Feature
from bt_lstm_rotation.forecasting.features.identity import identity
from bt_lstm_rotation.forecasting.window import Window

__all__ = ["feature", "known_features", "resolved"]

# Bars: what reaches farther back leaves no market to be used on.
LONGEST = 100_000

# Name -> the feature that the latest run of its module has made.
_own: dict[str, Feature] = {}


def feature(
    *,
    warmup: int,
    odd: bool = False,
    cross_sectional: bool = False,
    needs_benchmark: bool = False,
) -> Callable[[Callable[[Window], NDArray[np.float64]]], Feature]:
    """Make a feature of the function that is decorated, known by the function's name.

    The function takes a Window of ``(..., n_symbols, n_bars)`` and returns an array of
    that shape; what stands at a bar is made of that bar and the `warmup` bars before
    it. That it is so is proved before the first fit (docs/inputs.md), on simulated
    bars. Its code is part of what a forecast is known by, and so are the values that it
    reads.

    Parameters
    ----------
    warmup : int
        Bars that it reaches back; 0 if it reads its own bar alone.
    odd : bool
        Whether it changes its sign when rises and falls change places.
    cross_sectional : bool
        Whether it compares symbols with each other.
    needs_benchmark : bool
        Whether it reads ``window.row("benchmark")``.

    Raises
    ------
    SpecError
        If an argument is impossible, what is decorated is no function, or its name is
        that of another feature: one that is built in, or of another module. A module
        that is run again replaces its own.
    """
    check_whole("feature", "warmup", warmup, least=0, most=LONGEST)
    for flag, value in (
        ("odd", odd),
        ("cross_sectional", cross_sectional),
        ("needs_benchmark", needs_benchmark),
    ):
        check_flag("feature", flag, value)

    def made(function: Callable[[Window], NDArray[np.float64]]) -> Feature:
        if not isinstance(function, FunctionType):
            raise SpecError("feature", "function", function, "a plain function")
        name = function.__name__
        if not name.isidentifier():
            raise SpecError("feature", "name", name, "that of a function made by def")
        before = _own.get(name)
        if name in FEATURES:
            raise SpecError("feature", "name", name, "another, as this is built in")
        if before and (module := before.values.__module__) != function.__module__:
            valid = f"another, as module {module!r} has made a feature of this one"
            raise SpecError("feature", "name", name, valid)
        _own[name] = Feature(
            function,
            warmup=int(warmup),
            odd=odd,
            cross_sectional=cross_sectional,
            needs_benchmark=needs_benchmark,
            name=name,
        )
        return _own[name]

    return made


def known_features() -> Iterable[str]:
    """Name all features that there are."""
    return [*FEATURES, *_own]


def resolved(named: object, given: Mapping[str, Feature]) -> Feature | None:
    """Return the feature that is meant; of a user's own, with its code's identity.

    Of those `given` it is what it was when it was given. None if there is no such.
    """
    if isinstance(named, Feature):
        built_in = not named.code and FEATURES.get(named.name) is named
        found: Feature | None = named
        if built_in or named.code:
            return found
        if not named.name:  # not made by the decorator
            return None
    elif not isinstance(named, str):
        return None
    elif named in given:
        return given[named]
    else:
        found = FEATURES.get(named) or _own.get(named)
    if found is None or found.name in FEATURES:
        return found
    return replace(found, code=identity(found.name, found.values))
