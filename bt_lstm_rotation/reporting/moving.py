"""A drafted run -> its folder, in moves that can be undone, or finished later."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

from bt_lstm_rotation.disk import read_regular
from bt_lstm_rotation.leftovers import MOVING
from bt_lstm_rotation.reporting.files import OWN_FILES, SOMETIMES

__all__ = ["FOUND", "finish_moving", "move_into"]

# What a run has found. The same bytes from the same settings are the same run.
FOUND: Final = (
    *("equity.csv", "weights.csv", "positions.csv", "orders.csv", "forecasts.csv"),
    *("events.csv", "bars.npz"),
)
# Parts of its summary that differ each time.
PASSING: Final = ("command", "timing", "versions")


def move_into(names: list[str], draft: Path, folder: Path) -> Path | None:
    """Move files from ``new`` in a draft to a folder: all of them, or none.

    Files of another run that is there are kept in a folder of their own, which is
    returned.
    """
    new = draft / "new"
    kept = _keep_other_run(new, folder, draft=draft)
    try:
        _replace(names, new, folder, draft=draft)
    except BaseException:
        if kept is not None:
            shutil.rmtree(kept, ignore_errors=True)
        raise
    return kept


def finish_moving(draft: Path, folder: Path) -> bool:
    """Finish the moves of a process that was killed in them; return whether it was."""
    try:
        names = json.loads(read_regular(draft / MOVING))
    except (OSError, ValueError, RecursionError):  # it was not, or not yet
        return False
    for name in names:
        if name in OWN_FILES:
            with suppress(FileNotFoundError):  # it was moved before
                os.replace(draft / "new" / name, folder / name)
    for name in SOMETIMES:
        if name not in names:
            (folder / name).unlink(missing_ok=True)
    return True


def _keep_other_run(new: Path, folder: Path, *, draft: Path) -> Path | None:
    """Copy the files of another run to a folder of their own; return which."""
    names = [name for name in sorted(OWN_FILES) if (folder / name).is_file()]
    if not names or _is_same_run(new, folder):
        return None
    copies = draft / "earlier"
    copies.mkdir()
    for name in names:
        shutil.copy2(folder / name, copies / name)
    places = (folder / f"earlier-{number}" for number in count(1))
    place = next(place for place in places if not os.path.lexists(place))
    os.replace(copies, place)
    return place


def _is_same_run(new: Path, old: Path) -> bool:
    try:
        found = [*FOUND]
        found += [n for n in SOMETIMES if (new / n).exists() or (old / n).exists()]
        same = all(read_regular(new / n) == read_regular(old / n) for n in found)
        return same and _settings(new) == _settings(old)
    except (OSError, ValueError, RecursionError):  # not a run, or a damaged one
        return False


def _settings(folder: Path) -> Any:
    summary = json.loads(read_regular(folder / "summary.json"))
    if not isinstance(summary, dict):
        raise ValueError("no summary")
    return {name: part for name, part in summary.items() if name not in PASSING}


def _replace(names: list[str], new: Path, folder: Path, *, draft: Path) -> None:
    """Replace all of the files, or none."""
    aside = draft / "aside"
    aside.mkdir()
    gone = [n for n in SOMETIMES if n not in names and (folder / n).exists()]
    kept = [*gone, *(name for name in names if (folder / name).exists())]
    for name in kept:
        shutil.copy2(folder / name, aside / name)
    (draft / MOVING).write_text(json.dumps(names), encoding="utf-8")
    moved = []
    try:
        for name in names:
            os.replace(new / name, folder / name)
            moved.append(name)
        for name in gone:  # the earlier run's
            (folder / name).unlink()
            moved.append(name)
    except BaseException:
        for name in moved:
            if name in kept:
                os.replace(aside / name, folder / name)
            else:
                (folder / name).unlink()
        (draft / MOVING).unlink()
        raise
