"""What no other future shows: dates, the broker, files, and what never happened."""

from __future__ import annotations

from typing import Any, Final

from bt_lstm_rotation.evidence.audit.controlling import (
    controls_of_dates,
    fires_on_cheats,
    fires_on_files,
)
from bt_lstm_rotation.evidence.audit.docket import Docket, label
from bt_lstm_rotation.evidence.audit.findings import Finding
from bt_lstm_rotation.evidence.audit.inputs import PARAMETER
from bt_lstm_rotation.evidence.audit.leading import (
    leading_columns,
    leading_feeds,
    other_columns,
)
from bt_lstm_rotation.evidence.audit.runs import Runs
from bt_lstm_rotation.evidence.audit.tables import dates_of_rows, is_table

__all__ = ["look_at_cheats", "look_at_dates", "look_at_inputs", "look_at_silence"]

# Named one by one; the rest are counted.
NAMED: Final = 5


def look_at_dates(runs: Runs, docket: Docket) -> None:
    """Find what moves before the market: dated too early, or worked out of it."""
    feeds = runs.feeds
    first = {rows.name: float(rows.at[0]) for rows in feeds if len(rows)}
    for lead in leading_feeds(feeds):
        docket.add(
            Finding(
                kind="dates",
                what=f"the dates of {lead.name}",
                session=label(first[lead.name]),
                said=f"it moves {_bars(lead.ahead)} before {lead.follower} "
                f"(correlation {lead.correlation:.2f}, and {lead.same_day:.2f} on the "
                "same day), so the dates of one are wrong, or it trades elsewhere",
                ahead=lead.ahead,
            )
        )
    columns = other_columns(feeds) | _columns_at_hand(runs)
    for lead in leading_columns(columns, feeds):
        docket.add(
            Finding(
                kind="dates",
                what=lead.name,
                session=label(float(columns[lead.name][0][0])),
                said=f"it holds the return of {lead.follower} over the next "
                f"{_bars(lead.ahead)} (correlation {lead.correlation:.2f})",
                ahead=lead.ahead,
            )
        )
    if controls_of_dates(feeds):
        docket.controls.append("dates")


def look_at_cheats(runs: Runs, docket: Docket) -> None:
    """Find an order that was filled at the close that it was decided on."""
    for act in runs.base.cheats[:1]:
        docket.add(
            Finding(
                kind="cheat",
                what=f"cheat-on-close, {act.kind} of {act.feed}",
                session=label(act.at),
                said="the order is filled at the very close that it was decided on",
                place=act.place,
                ahead=0,
            )
        )
    if fires_on_cheats(runs):
        docket.controls.append("cheat-on-close")


def look_at_silence(runs: Runs, docket: Docket) -> None:
    """Say what never happened: that proves nothing."""
    base = runs.base
    still = [
        channel.name
        for part in base.lines
        for channel, values in zip(part.channels, part.values.T, strict=True)
        if len({value for value in values.tolist() if value == value}) < 2
    ]
    named = ", ".join(still[:NAMED])
    if not any(act.kind in ("buy", "sell") for act in base.acts):
        silent = f"; these never changed: {named}" if still else ""
        docket.reasons.append(f"it ordered nothing{silent}")
    elif still:
        docket.notes.append(f"never changed, so nothing is known of: {named}")


def look_at_inputs(runs: Runs, docket: Docket) -> None:
    """Say what is the same in every world, because it does not come from the feeds."""
    if fires_on_files(runs):
        docket.controls.append("files")
    for said in runs.inputs[:NAMED]:
        docket.reasons.append(f"it reads {said}, which is the same in every world")
    if runs.inputs[NAMED:]:
        docket.reasons.append(f"it reads {len(runs.inputs) - NAMED:,} more")
    for name in other_columns(runs.feeds) if runs.is_recorded else ():
        docket.reasons.append(
            f"the line {name} was worked out before the run, of what is not known"
        )
    for name in runs.numbers:
        # A function that makes the Cerebro works its parameters out anew.
        if not runs.is_recorded and name.startswith(PARAMETER):
            continue
        docket.reasons.append(
            f"{name} was there before the run; what it was worked out of is not known"
        )


def _columns_at_hand(runs: Runs) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name, table in runs.numbers.items():
        at = dates_of_rows(table) if is_table(table) else None
        if at is not None:
            whole = table.to_frame() if table.ndim == 1 else table
            for column in whole.select_dtypes("number"):
                numbers = whole[column].to_numpy(dtype=float)
                columns[f"column {column} of {name}"] = at, numbers
    return columns


def _bars(count: int) -> str:
    return f"{count} bar{'s' * (count > 1)}"
