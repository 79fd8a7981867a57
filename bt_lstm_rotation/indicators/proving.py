"""The proof that an input is a function of the bars up to its own, and how it forgets.

Before a forecast reads a line, the line is calculated again on simulated bars, with
another future and without one, and from a later beginning on. Where it changes, it is
refused, by name, with the session and how far ahead it looked. How many bars it takes
until a value no longer depends on where the history began is measured: an exponential
mean never quite forgets, and so many bars of each feed do not count. The bars are the
same for everybody, so that what is found depends on how the line is made alone.

A line of a feed as it comes is calculated by nobody, and is taken at its word.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import FeatureError
from bt_lstm_rotation.forecasting.features import Feature
from bt_lstm_rotation.forecasting.features.reach import refuse_ahead
from bt_lstm_rotation.forecasting.features.scene import made_scene
from bt_lstm_rotation.forecasting.features.subject import Subject, differ, scale
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.indicators.twins import (
    is_of_a_feed,
    line_of,
    recipe,
    recomputed,
)
from bt_lstm_rotation.wording import in_words

__all__ = ["prove_line", "prove_lines"]

logger = logging.getLogger(__name__)

Array = NDArray[np.float64]

# Sessions at which bars are cut, and bars beyond the minimum period that are watched.
CUTS: Final = 8
WATCHED: Final = 240

# Bars, beyond the minimum period, from which it is measured how long a line remembers.
LENGTHS: Final = (400, 1_500, 6_000)

# What has been proved in this process: how a line is made -> its warm-up.
_proved: dict[Any, int] = {}


def prove_lines(name: str, lines: Mapping[Any, Any]) -> int:
    """Prove the lines of an input, of several feeds; return the longest warm-up.

    Raises as `prove_line` does. Lines that are made alike are proved once.
    """
    return max(prove_line(name, line) for line in lines.values())


def prove_line(name: str, thing: Any) -> int:
    """Prove a line, and measure its warm-up in bars.

    Parameters
    ----------
    name : str
        Of the input.
    thing : line, or an indicator
        Of a strategy that has not begun to run.

    Raises
    ------
    FeatureError
        If it looks ahead, is not the same when it is calculated again, or depends on
        where its bars begin for ever.
    """
    if is_of_a_feed(thing):
        return 0
    made = recipe(thing)
    if made not in _proved:
        _proved[made] = _proved_warmup(name, thing)
    return _proved[made]


def _proved_warmup(name: str, thing: Any) -> int:
    try:
        recomputed(thing, made_scene(_least(thing)).window)
    except IndexError as error:
        problem = f"reads past the last bar that there is ({in_words(error)})"
        valid = "what stands at a bar may be made of that bar and of earlier ones only"
        raise FeatureError(name, problem, valid) from error
    except Exception as error:  # it cannot be copied, or needs more than its bars
        logger.warning(
            "the input %r could not be proved, so nobody knows whether it looks ahead: "
            "%s",
            name,
            in_words(error),
        )
        return 0
    _check_future(name, thing)
    return _measured_warmup(name, thing)


def _check_future(name: str, thing: Any) -> None:
    """Give bars another future, or none, and see whether the past moves."""
    n_bars = _least(thing) + WATCHED

    def values(window: Window) -> Array:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            line = recomputed(thing, window)
        return np.broadcast_to(line, window.dates.shape).copy()

    subject = Subject(Feature(values, warmup=0, name=name))
    scene = made_scene(n_bars)
    before = values(scene.window)
    rounding = scale(before)
    if differ(before, values(scene.window), rounding).any():
        problem = "gives other values when it is calculated again"
        raise FeatureError(name, problem, "a line that depends on its bars alone")
    if not np.isfinite(before).any():
        logger.warning(
            "the input %r has no value on %d simulated bars, so it could not be "
            "proved that it does not look ahead",
            name,
            n_bars,
        )
    for number, session in enumerate(scene.cuts(_least(thing), CUTS)):
        stop = int(np.searchsorted(scene.window.dates[0], session, side="right"))
        is_cut = bool(number % 2)
        if is_cut:
            after = values(scene.part(slice(0, stop)))
        else:
            after = values(scene.scrambled(session))[:, :stop]
        changed = np.flatnonzero(differ(before[:, :stop], after, rounding)[0])
        if len(changed):
            how = "cut off" if is_cut else "scrambled"
            refuse_ahead(subject, scene, before, (0, int(changed[-1])), how)


def _measured_warmup(name: str, thing: Any) -> int:
    """Return how many first bars depend on where the bars begin."""
    least = _least(thing)
    for length in LENGTHS:
        n_bars = least + length
        scene = made_scene(n_bars)
        whole = recomputed(thing, scene.window)
        begin = length // 4 + 1
        late = recomputed(thing, scene.part(slice(begin, None)))
        changed = np.flatnonzero(differ(whole[begin:], late, scale(whole)))
        needed = int(changed[-1]) + 1 if len(changed) else 0
        if needed <= len(late) - length // 4:
            return needed
    raise FeatureError(
        name,
        f"depends on where its bars begin, {needed:,} bars ago or more",
        "let it forget: its change, or its distance from a mean of its own",
        needed=needed,
    )


def _least(thing: Any) -> int:
    """Return how many bars a line needs for a first value, and more.

    What it is made of may need more than it says itself.
    """
    return 2 * int(line_of(thing)._minperiod) + 60
