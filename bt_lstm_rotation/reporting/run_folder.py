"""The folder of a run: written whole or not at all, and never over another run."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

from bt_lstm_rotation.disk import disk_errors, write_atomically
from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.reporting.files import ACTIONS, SURROGATES, write_files
from bt_lstm_rotation.reporting.page import render
from bt_lstm_rotation.reporting.reading import read_run
from bt_lstm_rotation.result import BacktestResult

__all__ = ["check_folder", "render_again", "write_run"]

logger = logging.getLogger(__name__)

# What a run has found. The same bytes from the same settings are the same run.
FOUND = ("equity.csv", "weights.csv", "orders.csv", "forecasts.csv", "events.csv")
# Parts of its summary that differ each time.
PASSING = ("command", "timing", "versions")


def write_run(result: BacktestResult, folder: Path) -> Path:
    """Write everything that a run leaves, and return the folder.

    Parameters
    ----------
    folder : Path
        Made if it does not exist. Files of another run that is there are kept in its
        first free ``earlier-1``, ``earlier-2``, ..., which is logged; those of the same
        run are replaced, and other files left alone.

    Raises
    ------
    OutputError
        If the folder cannot be written. It is then as it was before.

    Notes
    -----
    Everything is written in a temporary folder first. A new folder appears in one move,
    whole. Files of an earlier run are replaced one by one, ``summary.json`` last, and
    put back if a move fails; a process that is killed within these few moves leaves
    whole files, but perhaps of both runs.
    """
    target = folder.resolve()
    _require_no_file(folder)
    with disk_errors(
        OutputError,
        f"the run cannot be written to {folder}",
        "choose a folder that can be written",
    ):
        # In the target where it exists: its parent may be another disk, or forbidden.
        place = target if target.is_dir() else target.parent
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place, prefix=".run-") as temporary:
            # One level down, as the temporary folder itself is closed to other users.
            new = Path(temporary, "new")
            new.mkdir()
            names = write_files(result, new)
            if place == target:
                kept = _keep_other_run(new, target, aside=Path(temporary))
                try:
                    _replace(names, new, target, aside=Path(temporary))
                except BaseException:
                    if kept is not None:
                        shutil.rmtree(kept, ignore_errors=True)
                    raise
                if kept is not None:
                    logger.warning("the run that was in %s is now in %s", folder, kept)
            else:
                os.replace(new, target)
    return folder


def check_folder(folder: Path) -> None:
    """Raise OutputError if a run could not be written there, before it is run."""
    _require_no_file(folder)
    target = folder.resolve()
    there = next(path for path in (target, *target.parents) if path.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise OutputError(
            f"the run cannot be written to {folder} ({there} is not a folder that can "
            "be written); choose a folder that can be written"
        )


def _require_no_file(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; choose a folder for the run")


def _keep_other_run(new: Path, folder: Path, *, aside: Path) -> Path | None:
    """Copy the files of another run to a folder of their own; return which."""
    names = [file.name for file in new.iterdir() if (folder / file.name).is_file()]
    if not names or _is_same_run(new, folder):
        return None
    if ACTIONS not in names and (folder / ACTIONS).is_file():
        names.append(ACTIONS)
    copies = aside / "earlier"
    copies.mkdir()
    for name in names:
        shutil.copy2(folder / name, copies / name)
    places = (folder / f"earlier-{number}" for number in count(1))
    place = next(place for place in places if not place.exists())
    os.replace(copies, place)
    return place


def _is_same_run(new: Path, old: Path) -> bool:
    try:
        found = all((new / n).read_bytes() == (old / n).read_bytes() for n in FOUND)
        return found and _settings(new) == _settings(old)
    except (OSError, ValueError, RecursionError):  # not a run, or a damaged one
        return False


def _settings(folder: Path) -> Any:
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    if not isinstance(summary, dict):
        raise ValueError("no summary")
    return {name: part for name, part in summary.items() if name not in PASSING}


def _replace(names: list[str], new: Path, folder: Path, *, aside: Path) -> None:
    """Replace all of the files, or none."""
    kept = [name for name in names if (folder / name).exists()]
    for name in kept:
        shutil.copy2(folder / name, aside / name)
    moved = []
    try:
        for name in names:
            os.replace(new / name, folder / name)
            moved.append(name)
        if kept and ACTIONS not in names:
            (folder / ACTIONS).unlink(missing_ok=True)  # the earlier run's
    except BaseException:
        for name in moved:
            if name in kept:
                os.replace(aside / name, folder / name)
            else:
                (folder / name).unlink()
        raise


def render_again(folder: Path) -> Path:
    """Render a run's page again from its other files, and return where it is.

    Raises
    ------
    OutputError
        If the folder holds no whole run, or cannot be written; its page is then as it
        was.
    """
    page = folder / "report.html"
    content = render(read_run(folder)).encode("utf-8", SURROGATES)
    with disk_errors(
        OutputError, f"the page cannot be written to {page}", "free or open its folder"
    ):
        write_atomically(page, content)
    return page
