"""What a page is made of: sections of words, tables and charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import pandas as pd

__all__ = ["Block", "Chart", "Section", "Table", "Words", "cut", "day", "records"]

# Longer lists are for the files beside the page.
MOST_ROWS = 40


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    kind: ClassVar[str] = "words"

    text: str
    tone: Literal["plain", "strong", "note"] = "plain"


@dataclass(frozen=True)
class Table:
    """Texts in rows; the first cell of a row names it.

    Parameters
    ----------
    headings : sequence of str
        One a column; none for a table without a head.
    rows : sequence of sequences of str
    align : str
        A letter a column: ``l`` text, ``n`` a name, which is not broken before there is
        no room for it, ``r`` a number, ``s`` an explanation in small.
    title : str
        What is in it.
    note : str
        Said below it.
    folded : bool
        Whether it waits to be opened.
    """

    kind: ClassVar[str] = "table"

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    align: str
    title: str
    note: str = ""
    folded: bool = False


@dataclass(frozen=True)
class Chart:
    """A drawing, as plotly takes it.

    Parameters
    ----------
    title : str
    says : str
        What it shows and how to read it, in a sentence or two.
    traces : sequence of mappings
        See https://plotly.com/javascript/reference. An array that is a text beginning
        with ``@`` is the page's own of that name.
    layout : mapping
    height : int
        In pixels.
    scales : bool
        Whether its values can be read on a linear and on a logarithmic scale.
    """

    kind: ClassVar[str] = "chart"

    title: str
    says: str
    traces: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any]
    height: int = 340
    scales: bool = False


Block = Words | Table | Chart


@dataclass(frozen=True)
class Section:
    """A heading, and what stands below it."""

    heading: str
    blocks: Sequence[Block]


def cut(rows: Any, file: str, most: int = MOST_ROWS) -> tuple[Any, str]:
    """Return the first rows of a list or a frame, and where the others are."""
    more = len(rows) - most
    return rows[:most], f"{more:,} more are in {file}." if more > 0 else ""


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame, each by the names of its columns."""
    return table.to_dict("records")  # type: ignore[return-value]


def day(value: Any) -> str:
    """Return a date as text; ``"-"`` for none."""
    return "-" if pd.isna(value) else f"{pd.Timestamp(value):%Y-%m-%d}"
