"""Where two runs begin to differ, up to a session: lines and orders, bit by bit."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.evidence.audit.trace import OPEN, Act, Lines, Trace

__all__ = ["Difference", "differences"]

# A share of the value. Sums over longer arrays may round otherwise; what knows an
# altered future differs by far more.
ROUNDING = 1e-9


class Difference(NamedTuple):
    """The first session in which something differs, and what.

    `kind` is "line", "order", "fill", "session" or "failure"; `name` says which, `also`
    what else differs then, `before` and `after` what it was in the first and in the
    second run, and `place` whose code it is.
    """

    kind: str
    name: str
    at: float
    before: str
    after: str
    place: str = ""
    also: tuple[str, ...] = ()
    is_rounding: bool = False


def differences(
    base: Trace, other: Trace, until: float = math.inf, *, opened: float | None = None
) -> list[Difference]:
    """Return how another run differs from the first, up to and including a session.

    With `opened`, also what was done before the fills of that session.
    """
    found = []
    for mine, theirs in zip(base.lines, other.lines, strict=False):
        found += _of_lines(mine, theirs, _end(other, until))
    found += _of_acts(base, other, _end(other, until), opened)
    failure = other.failure
    if failure is not None and base.failure is None:
        after = base.lines[0].at if base.lines else np.empty(0)
        at = min((day for day in after.tolist() if day > failure.at), default=math.inf)
        if at <= until or (opened is not None and at <= opened):
            text = failure.text
            found.append(
                Difference("failure", text, at, "it runs on", text, failure.place)
            )
    return sorted(found, key=lambda difference: difference.at)


def _end(other: Trace, until: float) -> float:
    # After a failure there is nothing to compare.
    return until if other.failure is None else min(until, other.failure.at)


def _of_lines(mine: Lines, theirs: Lines, until: float) -> list[Difference]:
    rows = [int(np.searchsorted(part.at, until, "right")) for part in (mine, theirs)]
    dates = [part.at[:stop] for part, stop in zip((mine, theirs), rows, strict=True)]
    shared = min(rows)
    apart = np.flatnonzero(dates[0][:shared] != dates[1][:shared])
    found = []
    if len(apart) or rows[0] != rows[1]:
        shared = int(apart[0]) if len(apart) else shared
        after = [part[shared : shared + 1].tolist() for part in dates]
        at = min(day for part in after for day in part)
        before_, after__ = ("a session" if at in part else "none" for part in after)
        found.append(
            Difference("session", f"{mine.name} is called", at, before_, after__)
        )
    names = [channel.name for channel in mine.channels]
    if names != [channel.name for channel in theirs.channels]:
        return [
            *found,
            Difference("line", "the set of indicators", -math.inf, "", ""),
        ]
    before, after_ = mine.values[:shared], theirs.values[:shared]
    unequal = (before != after_) & ~(np.isnan(before) & np.isnan(after_))
    for is_rounding in (False, True):
        which = unequal & (_close(before, after_) == is_rounding)
        if not which.any():
            continue
        row = int(which.any(axis=1).argmax())
        columns = np.flatnonzero(which[row]).tolist()
        first = mine.channels[columns[0]]
        found.append(
            Difference(
                "line",
                first.name,
                float(mine.at[row]),
                f"{before[row, columns[0]]:.10g}",
                f"{after_[row, columns[0]]:.10g}",
                first.place,
                tuple(names[column] for column in columns[1:]),
                is_rounding,
            )
        )
    return found


def _close(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        size = np.maximum(np.abs(a), np.abs(b))
        return np.asarray(np.abs(a - b) <= ROUNDING * size)


def _of_acts(
    base: Trace, other: Trace, until: float, opened: float | None
) -> list[Difference]:
    def known(act: Act) -> bool:
        return act.at <= until or (act.at == opened and act.phase == OPEN)

    mine, theirs = ([a for a in t.acts if known(a)] for t in (base, other))
    for number in range(max(len(mine), len(theirs))):
        pair = [acts[number] if number < len(acts) else None for acts in (mine, theirs)]
        a, b = pair
        if a is not None and b is not None and _same(a, b):
            continue
        first = min((x for x in pair if x is not None), key=lambda act: act.at)
        # The one that comes first is what is missing in the other run.
        texts = [
            _said(x) if x is not None and x.at == first.at else "none" for x in pair
        ]
        kind = "fill" if first.kind == "fill" else "order"
        name = f"{first.kind} of {first.feed}"
        return [Difference(kind, name, first.at, texts[0], texts[1], first.place)]
    return []


def _same(a: Act, b: Act) -> bool:
    return a[:3] == b[:3] and a.feed == b.feed and _equal(a.key, b.key)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_equal, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (a != a and b != b) or math.isclose(a, b, rel_tol=ROUNDING)
    return bool(a == b)


def _said(act: Act) -> str:
    if act.kind == "fill":
        _, status, size, price, *_ = act.key
        return f"{status.lower()} {size:g} at {price:g}"
    if act.kind == "cancel":
        return f"cancel of {act.feed}"
    named = dict(act.key[2])
    size = named.get("size")
    price = named.get("price")
    said = f"{act.kind} {act.feed}"
    said += "" if size is None else f" {size:g}"
    return said if price is None else f"{said} at {price:g}"
