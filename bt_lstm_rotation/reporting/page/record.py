"""What was run, and how to run it again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from bt_lstm_rotation.reporting.page.blocks import Block, Section, Table, Words, cut

__all__ = ["findings_section", "record_section", "text_of"]

# Parts of the summary that are shown as they are.
SETTINGS = ("strategy", "spec", "data", "broker", "timing", "versions")


def record_section(summary: Mapping[str, Any]) -> Section:
    """Return the section that a run can be repeated from."""
    blocks: list[Block] = []
    if command := summary.get("command"):
        blocks.append(Words(f"Run by: {command}"))
    blocks += [
        Table([], rows, "ll", part.capitalize(), folded=True)
        for part in SETTINGS
        if (rows := list(_facts(summary[part])))
    ]
    return Section("What was run", blocks)


def findings_section(data: Mapping[str, Any]) -> Section | None:
    """Return the section on suspicious bars, if there are any."""
    # A message has all that its finding has.
    found = [[text_of(found["message"])] for found in data.get("findings", [])]
    if not found:
        return None
    rows, note = cut(found, "summary.json")
    table = Table([], rows, "l", "What was found", note)
    return Section("Bars that look wrong or are left out", [table])


def _facts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Flatten a part of the summary into names and texts."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            if key == "findings":  # they have a section of their own
                continue
            yield from _facts(part, f"{name} {key}".strip().replace("_", " "))
    elif value is not None or name:
        yield name, text_of(value)


def text_of(value: Any) -> str:
    """Return any value of a summary as text."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, float):
        return f"{value:,.10g}"
    if isinstance(value, tuple | list):
        return ", ".join(map(text_of, value)) or "-"
    return str(value)
