"""What an audit has collected so far."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import backtrader as bt

from bt_lstm_rotation.evidence.audit.ahead import how_far
from bt_lstm_rotation.evidence.audit.comparing import Difference
from bt_lstm_rotation.evidence.audit.findings import Finding
from bt_lstm_rotation.evidence.audit.rows import World
from bt_lstm_rotation.evidence.audit.runs import Runs
from bt_lstm_rotation.evidence.audit.script import script_of

__all__ = ["Docket", "label"]


@dataclass
class Docket:
    """Leaks, reasons for which nothing is assessed, notes, and controls that fired.

    `ends` are notes on what hangs on where the data end; a leak may look like that.
    """

    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    controls: list[str] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        """Keep a leak, unless it is known."""
        self.findings.setdefault((finding.kind, finding.place or finding.what), finding)

    def add_difference(self, runs: Runs, difference: Difference, world: World) -> None:
        """Keep a leak that a world has shown, with how far ahead it looks."""
        failed = difference.kind == "failure"
        what = "the strategy" if failed else difference.name
        place = difference.place
        known = {(f.kind, f.what) for f in self.findings.values()} | set(self.findings)
        if {(difference.kind, what), (difference.kind, place)} & known:
            return
        ahead, to_end = how_far(runs, difference, world)
        if difference.kind == "line":
            place = place or runs.places().get(difference.name, "")
        said = (
            f"it fails where later bars are others: {difference.after}"
            if failed
            else f"it changes with bars that come later: {difference.before} becomes "
            f"{difference.after}"
        )
        finding = Finding(
            kind=difference.kind,
            what=what,
            session=label(difference.at),
            said=said,
            place=place,
            ahead=ahead,
            to_end=to_end,
            also=difference.also,
        )
        if not any(other.script for other in self.findings.values()):
            script = script_of(runs, difference, ahead, str(finding))
            finding = replace(finding, script=script)
        self.add(finding)


def label(at: float) -> str:
    """Write a moment as a date, or with its time where it is within a day."""
    if not math.isfinite(at):
        return "before the first"
    moment = bt.num2date(at)
    if moment.hour * 60 + moment.minute in (0, 1_439):
        return str(moment.date())
    return f"{moment:%Y-%m-%d %H:%M}"
