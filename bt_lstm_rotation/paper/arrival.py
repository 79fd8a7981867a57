"""What a source says now, beside what a journal has seen.

Recorded bars are never changed. A source that has re-adjusted a symbol's past, because
it split or paid a dividend, is noticed by the ratio of its prices to the recorded ones:
the same factor on all of them is a corporate action, booked at the next session; prices
that differ here and there are corrections, which are noted and not followed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.paper.column import MISSING, Column, Note
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.corporate_actions import CorporateAction

__all__ = ["Arrival", "Arrivals", "arrived"]


@dataclass(frozen=True)
class Arrival:
    """One finished session.

    Parameters
    ----------
    session : date
    bars : mapping of str to (5,) float64
        Open, high, low, close and volume, of each symbol that has a bar.
    actions : mapping of str to CorporateAction
        Since the session before.
    notes : tuple of Note
    """

    session: dt.date
    bars: Mapping[str, NDArray[np.float64]]
    actions: Mapping[str, CorporateAction] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Arrivals:
    """The sessions that can be recorded now, and why the next one cannot.

    Parameters
    ----------
    ready : tuple of Arrival
        In order.
    waiting : str
        What the next session waits for, in words; empty if nothing is missing.
    """

    ready: tuple[Arrival, ...] = ()
    waiting: str = ""


def arrived(
    known: PricePanel,
    offered: PricePanel,
    due: Sequence[dt.date],
    *,
    overdue: Callable[[dt.date], bool],
    accepted: Collection[str] = (),
) -> Arrivals:
    """Compare what a source offers with what is known, and take what is new.

    Parameters
    ----------
    known : PricePanel
        All recorded bars, in the units of the last session.
    offered : PricePanel
        What the source says now of the same symbols.
    due : sequence of date
        The finished sessions that are not recorded yet, in order.
    overdue : callable
        Whether a session is not to be waited for any longer.
    accepted : collection of str
        Symbols whose new bars are believed, however odd.
    """
    columns = {
        symbol: Column(symbol, known, offered, accepted=symbol in accepted)
        for symbol in known.symbols
    }
    ready: list[Arrival] = []
    left_out: list[Note] = []
    for place, session in enumerate(due):
        bars, faults = {}, {}
        for symbol, column in columns.items():
            bar, fault = column.bar(session)
            if bar is not None:
                bars[symbol] = bar
            elif fault:
                faults[symbol] = fault
        later = any(
            column.has(day) for day in due[place + 1 :] for column in columns.values()
        )
        if not bars and later and overdue(session):
            # Nobody traded, on an unforeseen holiday; or nothing of it is believed.
            doubted = sorted((n, why) for n, why in faults.items() if why != MISSING)
            left_out += [Note("missing", n, f"{session} {why}") for n, why in doubted]
            continue
        if not bars or (faults and not overdue(session)):
            return Arrivals(tuple(ready), _waiting(session, faults, len(columns)))
        notes = [*left_out]
        left_out = []
        notes += [Note("missing", name, why) for name, why in sorted(faults.items())]
        actions = {}
        for symbol in bars:
            action, found = columns[symbol].take(session)
            notes += found
            if action is not None:
                actions[symbol] = action
        ready.append(Arrival(session, bars, actions, tuple(notes)))
    return Arrivals(tuple(ready))


def _waiting(session: dt.date, faults: Mapping[str, str], symbols: int) -> str:
    if not faults or (set(faults.values()) == {MISSING} and len(faults) == symbols):
        return f"no bars of {session} yet"
    have = symbols - len(faults)
    each = "; ".join(f"{name} {why}" for name, why in sorted(faults.items())[:5])
    more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
    doubted = set(faults.values()) != {MISSING}
    hint = " (what is true after all: paper step --accept SYMBOL)" if doubted else ""
    return f"{have} of {symbols} symbols have bars of {session}: {each}{more}{hint}"
