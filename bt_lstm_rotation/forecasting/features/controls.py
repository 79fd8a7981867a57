"""Features that must be refused: if one is not, no proof is worth anything.

Each breaks one rule and keeps the others. They are run before the first proof.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import FeatureError
from bt_lstm_rotation.forecasting.features import probes
from bt_lstm_rotation.forecasting.features.column import Feature
from bt_lstm_rotation.forecasting.features.subject import Subject
from bt_lstm_rotation.forecasting.window import Window

__all__ = ["check_probes"]

Array = NDArray[np.float64]


def _tomorrow(window: Window) -> Array:
    close: Array = np.log(window.close)
    return np.concatenate([close[..., 1:], close[..., -1:]], axis=-1)


def _month_ends(window: Window) -> Array:
    month = window.dates.astype("datetime64[M]")
    close: Array = np.log(window.close)
    close[..., :-1] = np.where(
        month[..., 1:] > month[..., :-1], close[..., 1:], close[..., :-1]
    )
    return close


def _since_the_beginning(window: Window) -> Array:
    return np.cumsum(np.log(window.close), axis=-1)


def _before_it_is_ready(window: Window) -> Array:
    close: Array = np.log(window.close)
    close[..., :3] = np.nan
    return close


def _in_company(window: Window) -> Array:
    first: Array = window.close.reshape(-1, *window.dates.shape[-2:])[0]
    return window.close - first


def _beside_others(window: Window) -> Array:
    return window.close / window.close[..., :1, :]


def _by_year(window: Window) -> Array:
    years = window.dates.astype("datetime64[Y]").astype(np.int64)
    return np.log(window.close) + np.sin(years)


def _in_place(window: Window) -> Array:
    window.bars[4] += 1.0
    return window.volume * 1.0


def _flat(window: Window) -> Array:
    return window.close[..., 0]


class _Changing:
    """Something else each time."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, window: Window) -> Array:
        self.calls += 1
        return window.close + self.calls


# A feature, the probe that has to refuse it, and what it is refused for.
_PLANTED: Final[
    tuple[tuple[Callable[[Window], Array], Callable[[Subject], None], str], ...]
] = (
    (_flat, probes.is_finite_and_no_chance, "shape"),
    (_in_place, probes.is_finite_and_no_chance, "changes the window"),
    (_before_it_is_ready, probes.is_finite_and_no_chance, "reaches back 3"),
    (_tomorrow, probes.does_not_look_ahead, "1 bar ahead"),
    (_month_ends, probes.does_not_look_ahead, "1 bar ahead"),
    (_in_company, probes.is_the_same_in_any_company, "other sessions"),
    (_beside_others, probes.is_the_same_in_any_company, "other symbols"),
    (_since_the_beginning, probes.reaches_back_as_far_as_it_says, "begin"),
    (_by_year, probes.reads_its_bars_and_the_calendar_alone, "28 years"),
)


def planted() -> Iterator[tuple[Feature, Callable[[Subject], None], str]]:
    """Give each control, the probe that must refuse it, and a word of its reason."""
    for values, probe, reason in _PLANTED:
        yield Feature(values, warmup=0, name=values.__name__), probe, reason
    changing = Feature(_Changing(), warmup=0, name="_Changing")
    yield changing, probes.is_finite_and_no_chance, "computed again"


@functools.cache
def check_probes() -> None:
    """Raise RuntimeError, a fault of ours, unless every control is refused."""
    for feature, probe, reason in planted():
        try:
            probe(Subject(feature))
        except FeatureError as error:
            if reason in str(error):
                continue
        raise RuntimeError(f"the proof does not refuse its control {feature.name}")
