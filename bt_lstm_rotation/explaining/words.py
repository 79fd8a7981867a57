"""What was forecast, and from what, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from bt_lstm_rotation.explaining.findings import Findings
from bt_lstm_rotation.reporting.figures import caveat

__all__ = ["sentences", "signed_percent"]

PLACES: Final = {
    "feature": "features of the bars themselves",
    "input": "inputs beside them",
    "context": "context",
}


def signed_percent(value: float) -> str:
    """Write a decimal return as a percentage: 0.00123 -> ``+0.123%``."""
    return f"{value:+.3%}"


def sentences(found: Findings) -> list[str]:
    """Return the sentences at the head of an explanation, the first the forecast."""
    return list(_said(found))


def _said(e: Findings) -> Iterator[str]:
    shares = e.attribution.shares.sum()
    yield (
        f"At the close of {e.session} the {e.cell.upper()} fitted on {e.fitted_at} "
        f"forecast {signed_percent(e.forecast)} for {e.symbol} over the next "
        f"{e.horizon} sessions: {signed_percent(e.attribution.baseline)} whatever the "
        f"bars, and {signed_percent(shares)} for the {len(e.dates)} bars that it read."
    )
    if e.filtered is not None:
        yield (
            f"Of the forecast, {signed_percent(e.filtered)} is what filters of its "
            f"daily returns expect, and {signed_percent(e.forecast - e.filtered)} what "
            "the network adds."
        )
    if set(e.kinds.values()) != {"feature"}:
        *others, last = _by_kind(e)
        yield f"What the bars add is {', '.join(others)} and {last}."
    by_bar = e.attribution.shares.sum(axis=-1)
    most = int(np.argmax(np.abs(by_bar)))
    yield (
        f"The bar of {e.dates[most]}, {_bars(len(e.dates) - 1 - most)} before, added "
        f"most: {signed_percent(by_bar[most])}. Half of what the forecast owes to its "
        f"bars it owes to the last {_bars(e.half_life)}."
    )
    if e.situations:
        followed = np.array([one.followed for one in e.situations])
        kind = "relative return" if e.relative else "return"
        error = ""
        if len(followed) > 1:
            size = followed.std(ddof=1) / len(followed) ** 0.5
            error = f", give or take {size:.3%} (a standard error)"
        yield (
            f"The {kind} that followed the past bars which had left it in the most "
            f"similar state, {len(followed)} of them, was "
            f"{signed_percent(followed.mean())} on average{error}."
        )
    yield (
        "This says what the network did, and not that it was right: a network that has "
        "learnt noise explains itself as readily."
    )
    if warning := caveat(e.source):
        yield warning


def _by_kind(e: Findings) -> Iterator[str]:
    """Say what each kind of what is read adds, in the order of the columns."""
    kinds = np.array([e.kinds[name] for name in e.features])
    for kind, place in PLACES.items():
        if (kinds == kind).any():
            added = e.attribution.shares[:, kinds == kind].sum()
            yield f"{signed_percent(added)} from {place}"


def _bars(count: int) -> str:
    return f"{count:,} bar{'s' * (count != 1)}"
