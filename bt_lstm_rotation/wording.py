"""How values, names and errors are put into a message, whatever they are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["closest", "in_text", "in_words", "is_writable", "shown"]

# Letters. A cell, a header or an error's text can be megabytes long.
LONGEST = 200


def shown(value: object) -> str:
    """Show a value as Python writes it, shortened, even if it cannot be written."""
    try:
        text = repr(value)
    except Exception:
        if isinstance(value, int):  # of more digits than Python writes down
            return f"a whole number of {value.bit_length():,} bits"
        return f"a {type(value).__name__}"
    return _shortened(text)


def in_text(name: object) -> str:
    """Return a name as text, one that is none as `shown`."""
    return name if isinstance(name, str) else shown(name)


def in_words(error: BaseException, most: int = LONGEST) -> str:
    """Name an error's kind and its text in one line, even if its text fails.

    Of the text so many letters are shown at `most`.
    """
    name = type(error).__name__
    try:
        text = " ".join(str(error).split())
    except KeyboardInterrupt:
        raise
    except BaseException:
        text = "its text cannot be shown"
    return f"{name}: {_shortened(text, most)}" if text else name


def is_writable(text: str) -> bool:
    """Whether a file can hold it, as it cannot one half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def closest(name: str, known: Iterable[str]) -> str:
    """Say what is known, and the closest of it to a misspelled name.

    For example ``"did you mean 'horizon'? known: cell, horizon, ..."``.
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    known_names = f"known: {listed}" if names else "none is known"
    return f"did you mean {near[0]!r}? {known_names}" if near else known_names


def _shortened(text: str, most: int = LONGEST) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
