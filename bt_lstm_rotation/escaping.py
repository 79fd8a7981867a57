"""What somebody else wrote, shown and not obeyed: by a terminal, by a spreadsheet."""

from __future__ import annotations

import re

__all__ = ["as_cell", "error_line", "from_cell", "printable", "printable_line"]

# Characters of an error: somebody may have named a file by its content.
_LONGEST = 2_000

# A spreadsheet takes a cell that begins so for a formula, which can start a program;
# the last four are the same signs as wide as Chinese ones. What begins with apostrophes
# before one of them gets one more, so that it reads back.
_FORMULA = re.compile("'*[=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20]")


def printable(text: str) -> str:
    """Escape and quote a text that a terminal cannot show as it is."""
    return text if text.isprintable() else ascii(text)


def printable_line(text: str) -> str:
    """Escape what a terminal would obey within a line: the rest stays as it is."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _code(letter) for letter in text)


def error_line(text: str) -> str:
    """Return an error as one line, which a person can read to its end."""
    line = " ".join(text.split())
    whole = line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
    return printable_line(whole)


def as_cell(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula.

    A number that begins with a sign is none.
    """
    return f"'{text}" if _FORMULA.match(text) and not _is_number(text) else text


def from_cell(text: str) -> str:
    """Undo `as_cell`."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _code(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
