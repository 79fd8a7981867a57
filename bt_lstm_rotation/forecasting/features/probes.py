"""What is asked of a feature, one question each, on simulated bars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import FeatureError
from bt_lstm_rotation.forecasting.features.reach import refuse_ahead, refuse_warmup
from bt_lstm_rotation.forecasting.features.subject import Subject, differ, scale

__all__ = ["PROBES"]

Array = NDArray[np.float64]

# Sessions at which a feature's bars are cut.
CUTS = 48

# Days of 28 years, after which weekdays and leap years come again (1901 to 2099).
CYCLE = np.timedelta64(10_227, "D")
# First sessions of the bars that are moved so far.
EPOCHS = ("1976", "1984", "1992", "2000", "2008", "2016")

ALONE = "what stands at a bar is made of one symbol's window; see cross_sectional"
CONTEXT = (
    "a series of its own is given as context, dated by when it was published, and not "
    "looked up by date"
)


def is_finite_and_no_chance(subject: Subject) -> None:
    """Ask for a finite value at each bar after the warm-up, twice the same."""
    for holes in (False, True):
        window = subject.scene(holes=holes).window
        values, again = subject.values(window), subject.values(window)
        if values.tobytes() != again.tobytes():
            problem = "gives other values when it is computed again"
            subject.refuse(problem, "seed what is random, and keep nothing in between")
        bad = np.argwhere(~np.isfinite(values[:, subject.warmup :]))
        if len(bad):
            if _begins_late(values):
                refuse_warmup(subject)
            symbol, column = bad[0]
            session = str(window.dates[symbol, column + subject.warmup])
            valid = "a finite number at each bar after its warm-up"
            value = values[symbol, column + subject.warmup]
            subject.refuse(f"is {value}", f"{valid}; {CONTEXT}", session=session)


def does_not_look_ahead(subject: Subject) -> None:
    """Give bars another future, and then none, and see whether the past moves."""
    for holes in (False, True):
        scene = subject.scene(holes=holes)
        before = subject.values(scene.window)
        for number, session in enumerate(scene.cuts(subject.warmup, CUTS)):
            after = subject.values(scene.scrambled(session, number % 2))
            past = scene.window.dates <= session
            if (at := _latest(subject, before, after, past)) is not None:
                refuse_ahead(subject, scene, before, at, "scrambled")
    scene = subject.scene()
    before = subject.values(scene.window)
    n_bars = scene.window.n_bars
    for stop in np.linspace(subject.warmup + 2, n_bars - 1, 13).astype(int):
        after = np.full_like(before, np.nan)
        after[:, :stop] = subject.values(scene.part(slice(0, stop)))
        past = np.broadcast_to(np.arange(n_bars) < stop, before.shape)
        if (at := _latest(subject, before, after, past)) is not None:
            refuse_ahead(subject, scene, before, at, "cut off")


def reaches_back_as_far_as_it_says(subject: Subject) -> None:
    """Cut bars off where they begin, and see whether later values move."""
    scene = subject.scene()
    before, warmup = subject.values(scene.window), subject.warmup
    last = scene.window.n_bars - 1 - warmup
    for start in np.unique(np.linspace(1, last, 9).astype(int)):
        after = subject.values(scene.part(slice(start, None)))
        if differ(before[:, start:], after, scale(before))[:, warmup:].any():
            refuse_warmup(subject)


def is_the_same_in_any_company(subject: Subject) -> None:
    """Compute several sessions together, and symbols alone."""
    scene = subject.scene(holes=True)
    size, warmup = subject.warmup + 60, subject.warmup
    starts = np.linspace(0, scene.window.n_bars - size, 3).astype(int)
    parts = [scene.part(slice(start, start + size)) for start in starts]
    stack = replace(
        scene.window,
        dates=np.stack([part.dates for part in parts]),
        bars=np.stack([part.bars for part in parts], axis=1),
    )
    together = subject.values(stack)
    for part, values in zip(parts, together, strict=True):
        one = replace(part, dates=part.dates[None], bars=part.bars[:, None])
        for alone in (subject.values(part), subject.values(one)[0]):
            if differ(values, alone, scale(alone))[:, warmup:].any():
                problem = "depends on which other sessions are computed with it"
                valid = "no mean, rank or scale over the leading axes of a window"
                subject.refuse(problem, valid)
    if subject.feature.cross_sectional:
        return
    whole = subject.values(scene.window)
    for row in range(len(scene.window.symbols)):
        window = scene.window
        single = replace(
            window,
            symbols=window.symbols[row : row + 1],
            dates=window.dates[row : row + 1],
            bars=window.bars[:, row : row + 1],
        )
        alone = subject.values(single)
        if differ(whole[row : row + 1], alone, scale(whole))[:, warmup:].any():
            problem = "depends on which other symbols are computed with it"
            subject.refuse(problem, f"declare cross_sectional=True, or {ALONE}")


def reads_its_bars_and_the_calendar_alone(subject: Subject) -> None:
    """Move bars by 28 years, which changes nothing for whoever reads a calendar."""
    for year in EPOCHS:
        window = subject.scene(first=f"{year}-03-01").window
        try:
            before = subject.values(window)
            after = subject.values(replace(window, dates=window.dates + CYCLE))
        except FeatureError as error:
            subject.refuse(f"{error.problem}, of the years from {year} on", CONTEXT)
        changed = differ(before, after, scale(before))
        changed[:, : subject.warmup] = False
        if changed.any():
            symbol, column = np.argwhere(changed)[0]
            session = str(window.dates[symbol, column])
            problem = (
                "reads something besides its bars and the calendar: the same bars 28 "
                "years later, on the same days of the week and year, give another value"
            )
            subject.refuse(problem, CONTEXT, session=session)


# In an order in which the first to be refused is the one that is meant.
PROBES: Final[tuple[Callable[[Subject], None], ...]] = (
    is_finite_and_no_chance,
    is_the_same_in_any_company,
    does_not_look_ahead,
    reaches_back_as_far_as_it_says,
    reads_its_bars_and_the_calendar_alone,
)


def _latest(
    subject: Subject, before: Array, after: Array, past: NDArray[np.bool_]
) -> tuple[int, int] | None:
    """Find the latest bar of the past that has changed: its symbol and its column."""
    changed = differ(before, after, scale(before)) & past
    changed[:, : subject.warmup] = False
    if not changed.any():
        return None
    column = int(np.flatnonzero(changed.any(axis=0))[-1])
    return int(np.flatnonzero(changed[:, column])[0]), column


def _begins_late(values: Array) -> bool:
    """Whether all that is not finite stands before all that is."""
    there = np.isfinite(values)
    return bool(there[:, -1].all() and (there[:, 1:] >= there[:, :-1]).all())
