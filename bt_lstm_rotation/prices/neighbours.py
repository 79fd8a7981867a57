"""Bars judged against their neighbours: possible, but absurd.

A bar a hundred times too high is a bar; only beside the day before and the day after
can it be seen for what it is. So what is found here is warned of and kept with the
panel, and nothing is left out or mended: that would let tomorrow's bar decide about
today's. The one error is `IMPOSSIBLE`. Thresholds are in logs, as multiples of the
series' own daily spread, so that a wild market may be wild.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.prices.columns import PRICES
from bt_lstm_rotation.prices.findings import Finding, finding

__all__ = ["judged", "spread_of"]

Array = NDArray[np.float64]

# A quarter before and after: long enough that a bad bar does not count, short enough
# that October 2008 is measured by October 2008.
WINDOW = 61

# Of the spread. Fat-tailed markets pass 10 once in decades, and do not come back from
# it the next day by as much.
REVERSED, MOVED = 15.0, 12.0
# And not below these factors, however quiet a series is.
SMALLEST_REVERSED, SMALLEST_MOVED = 1.5, 1.4
# A move that is no split's ratio has to be larger, for companies do lose a third.
SMALLEST_JUMP = 2.0

# No market has gone up, or down, so many times and back within two bars.
IMPOSSIBLE = 50.0

SPLITS = (1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 20.0, 25.0, 30.0, 50.0)
# Pence and pounds, cents and dollars, a point for a comma.
SCALES = (100.0, 1_000.0, 10_000.0)
# How far from a ratio the opening may be: a market's move of that night comes on top.
NEAR, NEAR_SPREADS = 0.04, 4.0

# A week in which open, high, low and close were all the same.
IDENTICAL = 5


def judged(
    symbol: str, sessions: NDArray[np.datetime64], bars: Array
) -> tuple[Finding, ...]:
    """Judge one symbol's valid bars, (5, n_bars) from open to volume, by all rules.

    Raises
    ------
    DataError
        If a price goes `IMPOSSIBLE`-fold up or down and comes back at the next bar.
    """
    if len(sessions) < 2:
        return ()
    logs = np.log(bars[:4])
    reversed_, whole = _reversed_jumps(symbol, sessions, logs)
    moved = _moves(symbol, sessions[~whole], logs[:, ~whole])
    return (
        *reversed_,
        *moved,
        *_identical_bars(symbol, sessions, bars),
        *_shifted_week(symbol, sessions),
    )


def spread_of(log_close: Array) -> Array:
    """Measure a robust daily deviation around each bar, (n_bars,).

    The median of absolute moves is blind to a few absurd ones; it is scaled to be the
    deviation of a normal law.
    """
    moves = pd.Series(np.abs(np.diff(log_close, prepend=log_close[:1])))
    moves.iloc[0] = np.nan
    middle = moves.rolling(WINDOW, center=True, min_periods=1).median()
    return middle.fillna(0.0).to_numpy() * 1.4826


def _reversed_jumps(
    symbol: str, sessions: NDArray[np.datetime64], logs: Array
) -> tuple[list[Finding], NDArray[np.bool_]]:
    """Find bars away from both neighbours; and tell where the close is among them."""
    # Beyond the ends stands the bar's own close: a whole bar there has not come back.
    before = logs - np.column_stack([logs[3, :1].repeat(4), logs[:, :-1]])
    after = logs - np.column_stack([logs[:, 1:], logs[3, -1:].repeat(4)])
    size = np.minimum(np.abs(before), np.abs(after))
    returned = (before * after > 0) & (np.abs(before - after) < size / 2)
    limit = np.maximum(math.log(SMALLEST_REVERSED), REVERSED * spread_of(logs[3]))
    away = returned & (size > limit)
    found = []
    for row in np.flatnonzero(away.any(axis=0)):
        fields = np.flatnonzero(away[:, row])
        worst = fields[np.argmax(size[fields, row])]
        factor = math.exp(math.copysign(size[worst, row], before[worst, row]))
        verb = "is" if len(fields) == 1 else "are"
        which = "all prices are" if len(fields) == 4 else f"{_listed(fields)} {verb}"
        what = f"{which} {_times(factor)} what the bars before and after it say"
        if size[worst, row] > math.log(IMPOSSIBLE):
            raise DataError(
                f"{which} {_times(factor)} the bars before and after",
                symbol=symbol,
                session=str(sessions[row]),
                field=PRICES[worst],
                value=math.exp(logs[worst, row]),
                valid="correct the bar, or take it out: no market goes "
                f"{IMPOSSIBLE:g}-fold and back (docs/bars.md)",
            )
        found.append(
            finding(symbol, "reversed jump", sessions[row : row + 1], factor, what)
        )
    whole: NDArray[np.bool_] = np.logical_or(away[0], away[3])
    return found, whole


def _moves(symbol: str, sessions: NDArray[np.datetime64], logs: Array) -> list[Finding]:
    """Find moves from one bar to the next that stay."""
    opened, close = logs[0], logs[3]
    spread = spread_of(close)[1:]
    night, move = opened[1:] - close[:-1], np.diff(close)
    near = np.maximum(NEAR, NEAR_SPREADS * spread)
    suspect = np.abs(move) > np.maximum(math.log(SMALLEST_MOVED), MOVED * spread)
    large = np.abs(move) > np.maximum(math.log(SMALLEST_JUMP), REVERSED * spread)
    found = []
    for row in np.flatnonzero(suspect):
        ratio = _ratio(night[row], move[row], near[row])
        if ratio is None and not large[row]:
            continue
        factor, at = math.exp(move[row]), sessions[row + 1 : row + 2]
        if ratio is None:
            what, rule = "which neither comes back nor is a split's ratio", "jump"
        elif ratio in SCALES:
            what, rule = "from then on, as if in another unit", "scale change"
        else:
            what, rule = _split(ratio, factor), "split not applied"
        what = f"the close is {_times(factor)} the one before, {what}"
        found.append(finding(symbol, rule, at, factor, what))
    return found


def _ratio(night: float, move: float, near: float) -> float | None:
    """Find the split or scale, above 1, that gap and close are near to."""
    for ratio in (*SPLITS, *SCALES):
        signed = math.copysign(math.log(ratio), move)
        if abs(night - signed) < near and abs(move - signed) < 2 * near:
            return ratio
    return None


def _identical_bars(
    symbol: str, sessions: NDArray[np.datetime64], bars: Array
) -> list[Finding]:
    same = (bars[:4, 1:] == bars[:4, :-1]).all(axis=0)
    if (bars[4] > 0).any():
        # A halt has a volume of 0. Where there is none at all, that tells nothing.
        same &= (bars[4, 1:] > 0) & (bars[4, :-1] > 0)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]])))
    found = []
    for start, stop in edges.reshape(-1, 2).tolist():
        count = stop - start + 1
        if count >= IDENTICAL:
            what = f"open, high, low and close are the same for {count} bars"
            run = sessions[start : stop + 1]
            found.append(finding(symbol, "identical bars", run, count, what))
    return found


def _shifted_week(symbol: str, sessions: NDArray[np.datetime64]) -> list[Finding]:
    """Find dates a day early or late: a week from Sunday, or from Tuesday."""
    days = sessions.astype("datetime64[D]").astype(np.int64)
    weekdays = set(((days + 3) % 7).tolist())  # from 0, a Monday
    for shifted, which, when in (
        ({6, 0, 1, 2, 3}, "Sundays and no Fridays", "early"),
        ({1, 2, 3, 4, 5}, "Saturdays and no Mondays", "late"),
    ):
        if weekdays == shifted:
            what = f"bars on {which}: are they dated a day {when}?"
            return [finding(symbol, "shifted week", sessions, len(sessions), what)]
    return []


def _listed(fields: NDArray[np.intp]) -> str:
    return " and ".join(PRICES[number] for number in fields)


def _times(factor: float) -> str:
    return f"{factor:.3g} times" if factor >= 1 else f"1/{1 / factor:.3g} of"


def _split(ratio: float, factor: float) -> str:
    parts = "3:2" if ratio == 1.5 else f"{ratio:.0f}:1"
    return f"as at a {'reverse ' if factor > 1 else ''}split of {parts}"
