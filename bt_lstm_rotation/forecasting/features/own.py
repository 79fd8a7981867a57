"""Features of a user's own: made by a decorator, and found by name afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import FunctionType

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_flag, check_whole
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting.features.built_in import FEATURES
from bt_lstm_rotation.forecasting.features.column import Feature
from bt_lstm_rotation.forecasting.features.identity import identity
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.user_code import run_file

__all__ = ["feature", "known_features", "load_features", "resolved"]

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


def load_features(file: str | Path) -> tuple[str, ...]:
    """Run a file that makes features, and name those.

    Raises StrategyError if it cannot be run, and SpecError if it makes none.
    """
    module = run_file(Path(file)).__name__
    made = [name for name, each in _own.items() if each.values.__module__ == module]
    if not made:
        valid = "a file that makes features, with @feature(warmup=...)"
        raise SpecError("load_features", "file", str(file), valid)
    return tuple(made)


def known_features() -> Iterable[str]:
    """Name all features that there are."""
    return [*FEATURES, *_own]


def resolved(named: object, given: Mapping[str, Feature]) -> Feature | None:
    """Return the feature that is meant; of a user's own, with its code's identity.

    Of those `given` it is what it was when it was given. None if there is no such.
    """
    if isinstance(named, Feature):
        # One that is made by hand may not stand for one that is built in.
        ours = FEATURES.get(named.name)
        if not named.name or (ours and ours.values is not named.values):
            return None
        found: Feature | None = named
    elif isinstance(named, str):
        found = given.get(named) or FEATURES.get(named) or _own.get(named)
    else:
        return None
    if found is None or found.code or found.name in FEATURES:
        return found
    return replace(found, code=identity(found.name, found.values))
