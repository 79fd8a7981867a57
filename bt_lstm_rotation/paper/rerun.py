"""From a journal to a run, and the proof that all comes out as it was recorded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bt_lstm_rotation._version import __version__
from bt_lstm_rotation.errors import JournalError, StrategyError
from bt_lstm_rotation.paper.arrival import Arrival
from bt_lstm_rotation.paper.bars import restated
from bt_lstm_rotation.paper.copies import written_out
from bt_lstm_rotation.paper.names import STRATEGIES
from bt_lstm_rotation.paper.record import DAILY, Record, Version
from bt_lstm_rotation.paper.replay import Account, Replayed, lot_of
from bt_lstm_rotation.paper.scripted import Idle
from bt_lstm_rotation.periods import QUARTER
from bt_lstm_rotation.prices import PricePanel

# What a broker makes of orders, whoever sent them.
OF_ACCOUNT = ("orders", "changed", "outcomes", "positions", "account")

__all__ = ["account_of", "check_replay", "load_version"]


def load_version(version: Version, folder: Path) -> tuple[Any, dict[str, Any]]:
    """Load a version's strategy and params; the user's own from the journal's text.

    Raises
    ------
    StrategyError
        If the user's file is not what it was when the version was declared, or cannot
        be run.
    JournalError, OutputError
        As `written_out` raises them.
    """
    wanted = version.configuration
    if not version.sources:
        return wanted.load_strategy()
    file = wanted.file
    if file is not None and file.is_file() and wanted.sources() != version.sources:
        raise StrategyError(
            f"{str(file)!r}, or what it imports, has changed since it was recorded; "
            "restore it, or declare it a new version from the next session on "
            "(bt-lstm-rotation paper version)"
        )
    copies = folder / STRATEGIES / str(version.number)
    return wanted.load_strategy(written_out(version.sources, copies))


def account_of(
    record: Record,
    arrivals: Sequence[Arrival],
    strategy: Any,
    params: Mapping[str, Any],
) -> Account:
    """Put together what has to run: what is recorded, and what is new."""
    panel = _extended(record.panel, arrivals)
    begins = record.begins or arrivals[0].session
    actions = {
        **record.actions,
        **{a.session: a.actions for a in arrivals if a.actions},
    }
    wanted = record.configuration
    first = record.first_of_version(arrivals)
    lot = lot_of(strategy, params)
    shown = panel
    if not record.versions[-1].sources and not _reads_beside(strategy, params):
        shown = _late(panel, begins)
    if not arrivals and first > record.last:
        strategy, params = Idle, {}
    orders = record.daily("orders")
    outcomes = record.daily("outcomes")
    return Account(
        panel=panel,
        shown=shown,
        restated=restated(panel, actions),
        actions=actions,
        benchmark=wanted.benchmark,
        strategy=strategy,
        params=params,
        lot=lot,
        broker=wanted.broker(),
        sizer=wanted.made_sizer(),
        first=first,
        begins=begins,
        new=arrivals[0].session if arrivals else record.last,
        scripted=_before(first, orders),
        cancelled=[
            (day, row[0])
            for day, *row in _before(first, outcomes)
            if row[1] == "Canceled"
        ],
    )


def check_replay(record: Record, replayed: Replayed, first: dt.date) -> None:
    """Raise JournalError unless all that is recorded has come out again, to the bit.

    Before `first`, the first session of the strategy in force, it is what became of the
    account: earlier versions' reasons are not known any more.
    """
    for day, recorded in record.rows.items():
        now = replayed.rows.get(day, {})
        for table in DAILY if day >= first else OF_ACCOUNT:
            old, new = recorded[table], now.get(table, [])
            # By their text, in which a NaN is a NaN, and 0.0 is not -0.0.
            if repr(old) != repr(new):
                raise _differs(record, day, table, old, new, first)


def _differs(
    record: Record,
    day: dt.date,
    table: str,
    old: Sequence[tuple[Any, ...]],
    new: Sequence[tuple[Any, ...]],
    first: dt.date,
) -> JournalError:
    was = next((row for row in old if row not in new), None)
    now = next((row for row in new if row not in old), None)
    versions = {t.version for t in record.transactions} - {__version__}
    again = (
        "or go on with it as a new version from the next session on (bt-lstm-rotation "
        "paper version)"
    )
    if versions:
        hint = (
            f"it was recorded by version {', '.join(sorted(versions))} of this "
            f"package, and this is {__version__}: install that one, {again}"
        )
    elif day < first:
        hint = (
            "orders of an earlier version of the strategy, sent again as they are "
            "recorded, do not come to the same: the account keeps that version"
        )
    else:
        hint = (
            "the strategy depends on something besides its bars, such as a file, the "
            f"time or chance: mend it, {again}"
        )
    return JournalError(
        f"running the account again does not give what is recorded of {day}: in "
        f"{table}, {_told(was)} is recorded, and now {_told(now)} comes out; nothing "
        f"was written; {hint}"
    )


def _told(row: tuple[Any, ...] | None) -> str:
    text = "none" if row is None else repr(row)
    return text if len(text) <= 200 else f"{text[:197]}..."


def _before(
    first: dt.date, rows: Mapping[dt.date, Sequence[tuple[Any, ...]]]
) -> list[tuple[Any, ...]]:
    return [(day, *row) for day, found in rows.items() if day < first for row in found]


def _late(panel: PricePanel, begins: dt.date) -> PricePanel:
    """Return the bars from a quarter before the account's first close on.

    Strategies that come along have no indicators but forecasts, which are made from the
    panel, and a rebalancer, which looks back a month. A user's own may look at all.
    """
    first = int(np.searchsorted(panel.sessions, np.datetime64(begins, "D")))
    return panel.rows(max(0, first - QUARTER), len(panel))


def _reads_beside(strategy: Any, params: Mapping[str, Any]) -> bool:
    """Whether forecasts read other feeds too, and so from the feeds that are shown."""
    spec = params.get("spec", getattr(strategy.params, "spec", None))
    columns = getattr(spec, "feature_columns", ())
    return bool(params.get("context")) or any(one.needs_benchmark for one in columns)


def _extended(panel: PricePanel, arrivals: Sequence[Arrival]) -> PricePanel:
    if not arrivals:
        return panel
    days = np.array([arrival.session for arrival in arrivals], dtype="datetime64[D]")
    bars = np.full((5, len(arrivals), len(panel.symbols)), np.nan)
    for row, arrival in enumerate(arrivals):
        for symbol, bar in arrival.bars.items():
            bars[:, row, panel.symbols.index(symbol)] = bar
    return replace(
        panel,
        sessions=np.concatenate([panel.sessions, days]),
        bars=np.concatenate([panel.bars, bars], axis=1),
    )
