"""What settings mean, as the docstrings of their classes say it.

Backtrader's classes have a list ``Params:``, of ``- name: meaning`` or, as Backtrader
itself writes it, of ``- ``name`` (default: ``value``)`` and a paragraph; dataclasses
have numpydoc's section ``Parameters``. Either may name several at once.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

__all__ = ["meanings"]

NAMES = r"`*\w+`*(?:, *`*\w+`*)*"
# After the names comes a colon, or a default in brackets, or both.
ITEM = re.compile(rf"({NAMES})(?: *:| *:? \(default:.*?\):?)(?: |$)(.*)")
ENTRY = re.compile(rf"({NAMES})(?: : (.*))?")


def meanings(owner: type) -> dict[str, str]:
    """Return setting -> its meaning, one line each, for those that are documented.

    What a class says of a setting goes before what its bases say, but for ``see ...``,
    which leaves the word to them.
    """
    found: dict[str, str] = {}
    for base in reversed(owner.__mro__):
        text = vars(base).get("__doc__")
        lines = inspect.cleandoc(text).splitlines() if isinstance(text, str) else []
        for names, meaning in (*_params(lines), *_parameters(lines)):
            if meaning and not meaning.lower().startswith("see "):
                found |= dict.fromkeys(re.findall(r"\w+", names), _line(meaning))
    return found


def _params(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Give (names, meaning) of a list ``Params:``."""
    for item in _items(_section(lines, r"Params:")):
        if match := ITEM.fullmatch(" ".join(item.split())):
            yield match[1], match[2]


def _items(lines: list[str]) -> list[str]:
    items: list[str] = []
    for line in lines:
        if line.lstrip().startswith("- "):
            items.append(line.lstrip()[2:])
        elif items:
            items[-1] += f" {line}"
    return items


def _parameters(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Give (names, meaning) of a section ``Parameters``; choices end a meaning."""
    names, choices, words = "", "", list[str]()
    for line in [*_section(lines, r"Parameters"), "end"]:
        if line.startswith((" ", "-")) or not line:
            words += line.strip("- ").split()
        else:
            yield names, " ".join(words).removesuffix(".") + choices
            match, words = ENTRY.fullmatch(line), []
            names, kind = (match[1], match[2] or "") if match else ("", "")
            choices = f" ({re.sub('[{}]', '', kind)})" if kind.startswith("{") else ""


def _section(lines: list[str], title: str) -> list[str]:
    """Return the lines below a title, up to the next line that begins a section."""
    start = next((n for n, line in enumerate(lines, 1) if line == title), len(lines))
    for stop in range(start, len(lines)):
        below = lines[stop + 1] if stop + 1 < len(lines) else ""
        dedented = lines[stop][:1].strip() and not lines[stop].startswith("- ")
        if set(below) == {"-"} or (title == "Params:" and dedented):
            return lines[start:stop]
    return lines[start:]


def _line(meaning: str) -> str:
    # Marks of code are for pages.
    text = " ".join(meaning.replace("`", "").split())
    return f"{text[:1].upper()}{text[1:]}".removesuffix(".")
