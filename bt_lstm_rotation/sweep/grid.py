"""Settings and the values each is to take -> combinations."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bt_lstm_rotation.checks import listed, plain_number
from bt_lstm_rotation.errors import SpecError

__all__ = ["LONGEST", "check_grid", "combinations", "parse_grid", "spelled"]

# A backtest takes a second or more: a larger grid is a slip of the keyboard.
MOST_TRIALS = 100_000

# Letters of a cell, which spreadsheets and CSV readers do not take at any length.
LONGEST = 1_000


def parse_grid(texts: Iterable[str]) -> dict[str, list[str]]:
    """Turn ``--grid key=value,value`` into a grid, as `run_sweep` takes it.

    Parameters
    ----------
    texts : iterable of str
        Each a key and its values, with commas between them: ``top=2,3,4``. A comma
        inside brackets belongs to the value:
        ``features=["log_return"],["log_return","rank"]``.

    Raises
    ------
    SpecError
        If a text is not of that form, or a key comes twice.
    """
    grid: dict[str, list[str]] = {}
    for text in listed("sweep", "--grid", texts, "a list of key=value,value,..."):
        if not isinstance(text, str):
            raise SpecError("sweep", "--grid", text, "a text such as top=2,3,4")
        key, _, rest = text.partition("=")
        values, depth = [""], 0
        for letter in rest:
            depth += (letter in "[{") - (letter in "]}")
            if letter == "," and depth <= 0:
                values.append("")
            else:
                values[-1] += letter
        if not all(part.strip() for part in (key, *values)):
            valid = "key=value,value,..., such as top=2,3,4"
            raise SpecError("sweep", "--grid", text, valid)
        if key.strip() in grid:
            raise SpecError("sweep", "--grid", text, "given once for each key")
        grid[key.strip()] = values
    return grid


def spelled(name: str, value: Any) -> str:
    """Spell a value as ``--set`` takes it, on one line, equal ones alike.

    It is text or a plain value: None, a boolean, a number, or a list or tuple of these.

    Raises
    ------
    SpecError
        If it is neither, has a line break or another unprintable letter, or is longer
        than `LONGEST`. The message names the setting, `name`.
    """
    text: str | None
    try:
        plain = json.loads(value) if isinstance(value, str) else _plain(value)
        text = json.dumps(plain)
    except (TypeError, ValueError, RecursionError):  # not JSON, or it holds itself
        text = value.strip() if isinstance(value, str) else None
    if text is None or not text.isprintable() or len(text) > LONGEST:
        valid = f"a plain value, or at most {LONGEST:,} printable letters"
        raise SpecError("run_sweep", name, value, valid)
    return text


def _plain(value: Any) -> Any:
    """Return a value with the numbers in it as Python has them."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return plain_number(value)


def check_grid(grid: Mapping[str, Sequence[Any]], taken: Iterable[str]) -> None:
    """Raise SpecError unless this is a grid, without a setting of a name in `taken`."""
    if not isinstance(grid, Mapping) or not grid:
        valid = "a mapping of at least one setting to its values"
        raise SpecError("run_sweep", "grid", grid, valid)
    for name, values in grid.items():
        # With another sign in it, key=value would not be read back as it was meant.
        if not isinstance(name, str) or not name.replace(".", "").isidentifier():
            raise SpecError("run_sweep", "a setting", name, "the name of one")
        if name in taken:
            valid = "another name, as the table has a column of this one"
            raise SpecError("run_sweep", "a setting", name, valid)
        if not _is_list(values):
            raise SpecError("run_sweep", name, values, "a list of at least one value")
        if len({spelled(name, value) for value in values}) < len(values):
            raise SpecError("run_sweep", name, values, "each value once")
    trials = math.prod(map(len, grid.values()))
    if trials > MOST_TRIALS:
        raise SpecError("run_sweep", "trials", trials, f"at most {MOST_TRIALS:,}")


def _is_list(values: Any) -> bool:
    if isinstance(values, np.ndarray):
        return values.ndim == 1 and len(values) > 0
    return isinstance(values, Sequence) and not isinstance(values, str) and bool(values)


def combinations(grid: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Give all combinations, setting -> value; the first setting changes slowest."""
    for values in itertools.product(*grid.values()):
        yield dict(zip(grid, values, strict=True))
