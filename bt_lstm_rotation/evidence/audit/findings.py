"""What an audit has found, and how it is put into words."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = ["AuditReport", "Finding", "Outcome", "Warmup"]

Outcome = Literal["clean", "leak", "not assessed"]


@dataclass(frozen=True)
class Finding:
    """One leak.

    Parameters
    ----------
    kind : str
        ``line``, ``order``, ``fill``, ``session``, ``failure``, ``cheat`` or ``dates``.
    what : str
        Which line of which indicator, or which order.
    session : str
        The first in which it differs, as an ISO date or time.
    said : str
        How it shows.
    place : str
        File and line of the code; empty where it is nobody's.
    ahead : int, optional
        Sessions that it looked ahead; None where that has no number.
    to_end : bool
        Whether it looks to the end of the data; `ahead` is then how far that is.
    also : tuple of str
        What else differs in that session.
    script : str, optional
        A script that shows it.
    """

    kind: str
    what: str
    session: str
    said: str
    place: str = ""
    ahead: int | None = None
    to_end: bool = False
    also: tuple[str, ...] = ()
    script: str | None = None

    def __str__(self) -> str:
        parts = [f"{self.what}, session {self.session}: {self.said}"]
        if self.place:
            parts.append(f"at {self.place}")
        if self.to_end:
            parts.append("it looks to the end of the data")
        elif self.ahead:
            # An order need not change with each bar that it was decided on.
            least = "" if self.kind in ("line", "dates") else "at least "
            many = f"{self.ahead} session{'s' * (self.ahead != 1)}"
            parts.append(f"it looks {least}{many} ahead")
        if self.also:
            more = f" and {len(self.also) - 5} more" if self.also[5:] else ""
            parts.append(f"so do {', '.join(self.also[:5])}{more}")
        return "; ".join(parts)


@dataclass(frozen=True)
class Warmup:
    """A line whose values depend on where the history begins.

    `drift` is bars of history -> the largest difference to the value with all history,
    in per cent of that, over the last sessions; None where there was no value yet.
    """

    line: str
    drift: dict[int, float | None]

    def __str__(self) -> str:
        cells = (
            f"{bars:,} bars {'none' if drift is None else f'{drift:.3g}%'}"
            for bars, drift in self.drift.items()
        )
        return f"{self.line}: {', '.join(cells)}"


@dataclass(frozen=True)
class AuditReport:
    """The outcome, and all that it rests on.

    Parameters
    ----------
    name : str
        Of the strategy.
    findings : tuple of Finding
        The leaks.
    reasons : tuple of str
        Why it is not assessed, if it is not.
    notes : tuple of str
        What is worth knowing besides.
    sessions : tuple of str
        Which were looked at, and why.
    controls : tuple of str
        The probes whose control fired.
    coverage : str
        How much was looked at, in words.
    warmup : tuple of Warmup
        Lines that depend on where the history begins.
    """

    name: str
    findings: tuple[Finding, ...] = ()
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    coverage: str = ""
    warmup: tuple[Warmup, ...] = field(default=())

    @property
    def outcome(self) -> Outcome:
        """``leak``, ``not assessed`` or ``clean``."""
        if self.findings:
            return "leak"
        return "not assessed" if self.reasons else "clean"

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values, for JSON."""
        return {"outcome": self.outcome, **asdict(self)}

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.outcome}"]
        for title, items in (
            ("Leaks", self.findings),
            ("Not assessed, because", self.reasons),
            ("Notes", self.notes),
            ("Depends on where the history begins", self.warmup),
        ):
            if items:
                lines += [f"{title}:", *(f"  - {item}" for item in items)]
        if self.coverage:
            lines.append(f"Looked at: {self.coverage}.")
        if self.controls:
            lines.append(f"Controls that fired: {', '.join(self.controls)}.")
        return "\n".join(lines)
