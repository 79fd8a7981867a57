"""Which sessions are looked at: those in which leaks show.

Three kinds take turns. In the first something was ordered; those come first after which
the price went the order's way. In the second something rare happens: a line moves as it
hardly ever does, or a row of a table is about to be known. A leak that fires on three
days of ten years is among these. The others are first bars, sessions before holes,
jumps, listings and ends of feeds, ends of months, and some spread evenly.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.evidence.audit.rows import Rows
from bt_lstm_rotation.evidence.audit.trace import OPEN, Trace
from bt_lstm_rotation.periods import EPOCH

__all__ = ["Probe", "all_sessions", "choose", "ordering_sessions"]

# A line's change is rare if it is that many times its mean change.
RARE: Final = 10.0
# Of a line, or of a feed.
EACH: Final = 3


class Probe(NamedTuple):
    """A session to look at, in Backtrader's days, and why."""

    at: float
    reason: str


def all_sessions(base: Trace) -> NDArray[np.float64]:
    """Return the sessions from the first on that has all it needs, or has an order."""
    dates = np.unique(np.concatenate([part.at for part in base.lines] or [np.empty(0)]))
    first = [part.first_next for part in base.lines if np.isfinite(part.first_next)]
    ordered = [act.at for act in base.acts if act.kind in ("buy", "sell")]
    return dates[dates >= min([*first, *ordered], default=0.0)]


def ordering_sessions(base: Trace, sessions: NDArray[np.float64]) -> list[float]:
    """Return those that something was ordered on what they know, in order of time."""
    found = set()
    for act in base.acts:
        if act.kind in ("buy", "sell", "cancel"):
            # What is ordered before the open is decided on the session before.
            place = int(np.searchsorted(sessions, act.at)) - (act.phase == OPEN)
            place = min(place, len(sessions) - 1)
            if place >= 0:
                found.add(float(sessions[place]))
    return sorted(found)


def choose(
    base: Trace,
    feeds: Sequence[Rows],
    count: int,
    tables: Sequence[NDArray[np.float64]] = (),
) -> list[Probe]:
    """Choose sessions; the last of all has no future and is none of them.

    `tables` has the dates of the rows of each table besides the feeds.
    """
    sessions = all_sessions(base)
    if len(sessions) < 2:
        return []
    known = sessions[:-1]
    orders = [s for s in ordering_sessions(base, sessions) if s <= known[-1]]
    gains = _gains(base, feeds)
    orders.sort(key=lambda at: (-gains.get(at, 0.0), at))
    rare = _in_turn([_line_jumps(base, known), _rows_of_tables(known, tables)])
    others = [
        [Probe(float(at), "first bars") for at in known[:2]],
        _holes(known, feeds),
        _jumps(known, feeds),
        _listings(known, feeds),
        _month_ends(sessions),
        [
            Probe(float(known[int(share * (len(known) - 1))]), "spread evenly")
            for share in (0.5, 1.0, 0.25, 0.75, 0.1, 0.9)
        ],
    ]
    ordered = [Probe(at, "orders") for at in orders]
    chosen: dict[float, Probe] = {}
    for probe in _in_turn([ordered, rare, _in_turn(others)]):
        if len(chosen) < count and known[0] <= probe.at <= known[-1]:
            chosen.setdefault(probe.at, probe)
    return sorted(chosen.values())


def _in_turn(kinds: Sequence[Sequence[Probe]]) -> list[Probe]:
    return [probe for row in zip_longest(*kinds) for probe in row if probe]


def _gains(base: Trace, feeds: Sequence[Rows]) -> dict[float, float]:
    """Return session -> how far the price of what is ordered moved the order's way."""
    gains: dict[float, float] = {}
    moves = [_moves(rows) for rows in feeds]
    for act in base.acts:
        if act.kind in ("buy", "sell"):
            sign = 1.0 if act.kind == "buy" else -1.0
            for rows, move in zip(feeds, moves, strict=True):
                place = rows.count(act.at) - 1
                if rows.name == act.feed and 0 <= place < len(move):
                    gain = sign * float(move[place])
                    gains[act.at] = max(gains.get(act.at, 0.0), gain)
    return gains


def _moves(rows: Rows) -> NDArray[np.float64]:
    """Return the return from each bar's close to the next, (n_bars - 1,)."""
    if "close" not in rows.names:
        return np.empty(0)
    close = rows.values[:, rows.names.index("close")]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(close[1:] / close[:-1] - 1.0)


def _before(known: NDArray[np.float64], at: float) -> float | None:
    place = int(np.searchsorted(known, at)) - 1
    return float(known[place]) if place >= 0 else None


def _probes(found: Sequence[float | None], reason: str) -> list[Probe]:
    return [Probe(at, reason) for at in dict.fromkeys(found) if at is not None]


def _holes(known: NDArray[np.float64], feeds: Sequence[Rows]) -> list[Probe]:
    found: list[float | None] = []
    for rows in feeds:
        if len(rows):
            within = known[(known > rows.at[0]) & (known < rows.at[-1])]
            missing = within[~np.isin(within, rows.at)][:EACH]
            # Where rows are out of step since, the session before, and the hole.
            for at in missing.tolist():
                found += [float(rows.at[rows.count(at)]), _before(known, at), at]
    return _probes(found, "a hole")


def _jumps(known: NDArray[np.float64], feeds: Sequence[Rows]) -> list[Probe]:
    sized: list[tuple[float, float | None]] = []
    for rows in feeds:
        moves = np.abs(_moves(rows))
        sized += [
            (-float(moves[place]), _before(known, float(rows.at[place + 1])))
            for place in np.argsort(-moves, kind="stable")[:EACH].tolist()
        ]
    return _probes([at for _, at in sorted(sized, key=lambda p: p[0])], "a jump")


def _line_jumps(base: Trace, known: NDArray[np.float64]) -> list[Probe]:
    """Return where lines move as they hardly ever do, the rarest first."""
    sized: list[tuple[float, float, float]] = []
    for part in base.lines:
        at = part.at[1:]
        for values in part.values.T:
            finite = np.where(np.isfinite(values), values, np.nan)
            with np.errstate(over="ignore"):
                moves = np.nan_to_num(np.abs(np.diff(finite)), posinf=0.0)
            moves[(at < known[0]) | (at > known[-1])] = 0.0
            mean = float(moves.mean()) if len(moves) else 0.0
            if not mean:
                continue
            # Of a peak, the way up comes before the way back.
            aside = np.abs(finite[1:] - np.nanmedian(finite))
            order = np.lexsort((-aside, -moves))[:EACH]
            sized += [
                (-moves[row] / mean, -aside[row], at[row])
                for row in order.tolist()
                if moves[row] >= RARE * mean
            ]
    return _probes([float(at) for _, _, at in sorted(sized)], "a line jumps")


def _rows_of_tables(
    known: NDArray[np.float64], tables: Sequence[NDArray[np.float64]]
) -> list[Probe]:
    """Return the sessions before rows of tables, but for tables of every session.

    Not before a first row: a table of none may fail whatever is made of it.
    """
    found = [
        _before(known, at)
        for rows in map(np.unique, tables)
        if len(rows) < len(known) / 2
        for at in rows[1:].tolist()
        if known[0] < at <= known[-1]
    ]
    return _probes(_apart(found), "before a row of a table")


def _listings(known: NDArray[np.float64], feeds: Sequence[Rows]) -> list[Probe]:
    found: list[float | None] = []
    for rows in feeds:
        if len(rows) and rows.at[0] > known[0]:
            found += [_before(known, float(rows.at[0])), float(rows.at[0])]
        if len(rows) and rows.at[-1] < known[-1]:
            found += [_before(known, float(rows.at[-1])), float(rows.at[-1])]
    return _probes(found, "a listing or an end")


def _month_ends(sessions: NDArray[np.float64]) -> list[Probe]:
    days = (np.floor(sessions) - EPOCH).astype(np.int64).astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    ends = sessions[:-1][months[1:] != months[:-1]]
    return _probes(_apart(ends.tolist()), "the end of a month")


def _apart(found: Sequence[float | None]) -> list[float | None]:
    """Put sessions in an order in which few of many lie apart."""
    order = np.argsort(np.arange(len(found)) * 0.618 % 1.0, kind="stable")
    return [found[place] for place in order.tolist()]
