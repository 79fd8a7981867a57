"""Several features by name: checked, computed side by side, mirrored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import SpecError, closest
from bt_lstm_rotation.forecasting.features.built_in import FEATURES
from bt_lstm_rotation.forecasting.features.column import Feature
from bt_lstm_rotation.forecasting.features.own import known_features, resolved
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.wording import in_text

__all__ = [
    "Named",
    "check_features",
    "check_rows",
    "compute",
    "features_of",
    "mirror",
    "warmup",
]

Array = NDArray[np.float64]

# Features, or the names of some that are built in.
Named: TypeAlias = Iterable["str | Feature"]

BENCHMARK = "benchmark"


def check_features(
    owner: str, names: object, own: Iterable[Feature] = ()
) -> tuple[tuple[str, ...], tuple[Feature, ...]]:
    """Return the names of some features, and the user's own ones among them.

    Parameters
    ----------
    owner : str
        Whose setting `features` it is.
    names : tuple or list
        Names, or features that `feature` has made.
    own : iterable of Feature
        Where names of a user's own are looked for first.

    Raises
    ------
    SpecError
        Unless each is a feature, and there once.
    """
    if isinstance(names, str) or not isinstance(names, tuple | list):
        valid = "a tuple of names, such as ('log_return',)"
        raise SpecError(owner, "features", names, valid)
    given = {feature.name: feature for feature in own}
    found: list[Feature] = []
    for name in names:
        feature = resolved(name, given)
        if feature is None:
            known = closest(in_text(name), known_features())
            raise SpecError(owner, "features", name, f"a feature; {known}")
        found.append(feature)
    called = tuple(feature.name for feature in found)
    if not called or len(set(called)) < len(called):
        valid = "at least one name, each of them once"
        raise SpecError(owner, "features", names, valid)
    return called, tuple(feature for feature in found if feature.code)


def features_of(names: Iterable[str], own: Iterable[Feature]) -> tuple[Feature, ...]:
    """Return features by name, of a spec that has been checked."""
    given = {feature.name: feature for feature in own}
    return tuple(given.get(name) or FEATURES[name] for name in names)


def check_rows(owner: str, features: Named, extra: tuple[str, ...]) -> None:
    """Raise SpecError if a feature needs an extra row that windows do not have."""
    for feature in map(_feature, features):
        if feature.needs_benchmark and BENCHMARK not in extra:
            valid = (
                "one that needs no benchmark, as none is known here: give one by "
                "benchmark= of LSTMForecast.pooled; SectorRotation gives its own"
            )
            raise SpecError(owner, "features", feature.name, valid)


def compute(features: Named, window: Window) -> Array:
    """Make features of a window of (..., n_symbols, n_bars).

    Returns
    -------
    (..., n_symbols, n_bars - warmup(features), n_features) float64
    """
    found = tuple(map(_feature, features))
    check_rows("compute", found, window.extra)
    skip = warmup(found)
    return np.stack([one.values(window)[..., skip:] for one in found], axis=-1)


def warmup(features: Named) -> int:
    """Bars that the longest of some features reaches back."""
    return max(feature.warmup for feature in map(_feature, features))


def mirror(features: Named) -> Array:
    """Signs that exchange rises and falls, (n_features,): -1 for odd features."""
    return np.array([-1.0 if one.odd else 1.0 for one in map(_feature, features)])


def _feature(named: str | Feature) -> Feature:
    return named if isinstance(named, Feature) else FEATURES[named]
