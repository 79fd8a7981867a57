"""The folder of a run: claimed before it, written whole or not at all.

Nothing is ever written over but a run's own files, and another run's are kept.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from itertools import count
from pathlib import Path
from typing import Self

from bt_lstm_rotation.claims import Claim
from bt_lstm_rotation.disk import disk_errors, resolved, write_atomically
from bt_lstm_rotation.errors import OutputError, SpecError
from bt_lstm_rotation.leftovers import clear_draft
from bt_lstm_rotation.reporting.files import SURROGATES, write_files
from bt_lstm_rotation.reporting.moving import finish_moving, move_into
from bt_lstm_rotation.reporting.page import render
from bt_lstm_rotation.reporting.places import check_not_bars, check_place
from bt_lstm_rotation.reporting.reading import read_run
from bt_lstm_rotation.result import BacktestResult

__all__ = [
    "RunFolder",
    "check_folder",
    "check_run_folder",
    "render_again",
    "write_run",
]

logger = logging.getLogger(__name__)


class RunFolder:
    """A folder that belongs to one run, from before its work until it is written.

    ::

        with RunFolder(Path("runs/mine")) as folder:
            folder.write(work())

    Parameters
    ----------
    folder : Path
        New, empty but for hidden files, or that of a run. Whatever a link leads to is
        meant.
    bars : Path, optional
        The folder that the bars come from, which is refused.
    new : bool
        Whether to take the first of ``folder``, ``folder-2``, ``folder-3``, ... that
        neither is there nor claimed by another run.

    Attributes
    ----------
    folder : Path
        As it was named, or the free name that was found.

    Raises
    ------
    OutputError
        If the run could not be written there, other work has claimed it, or it holds
        something else than a run.
    """

    def __init__(
        self, folder: Path, *, bars: Path | None = None, new: bool = False
    ) -> None:
        names = (folder.with_name(f"{folder.name}-{n}") for n in count(2))
        self.folder = folder
        with self._disk_errors():
            while new and not self._is_claimed_new():
                self.folder = next(names)
            target = resolved(self.folder)
            if not new:
                self._claim = Claim(target)
            try:
                if finish_moving(self._claim.draft, target):
                    logger.warning(
                        "a run that was killed while it was written is whole now, in "
                        "%s",
                        self.folder,
                    )
                clear_draft(self._claim.draft)
                check_place(self.folder, target)
                check_not_bars(target, bars)
            except BaseException:
                self.release()
                raise

    def _is_claimed_new(self) -> bool:
        """Claim the folder if nothing is there, and nobody else has claimed it."""
        if os.path.lexists(self.folder):
            return False
        try:
            self._claim = Claim(resolved(self.folder))
        except BlockingIOError:
            return False
        # What had claimed it may have been written while this waited.
        if os.path.lexists(self.folder):
            self.release()
            return False
        return True

    def write(self, result: BacktestResult) -> None:
        """Write everything that a run leaves.

        Files of another run that is there are kept in the folder's first free
        ``earlier-1``, ``earlier-2``, ..., which is logged; those of the same run are
        replaced, and other files left alone.

        Raises
        ------
        OutputError
            If the folder cannot be written, or holds something else by now. It is then
            as it was before.

        Notes
        -----
        Everything is drafted first. A new folder appears in one move, whole. Files of
        an earlier run are replaced one by one, ``summary.json`` last, and put back if a
        move fails; if the process is killed within these few moves, the next claim of
        the folder finishes them.
        """
        claim = self._claim
        new = claim.draft / "new"
        with self._disk_errors():
            claim.draft.mkdir(parents=True, exist_ok=True)  # if somebody deleted it
            clear_draft(claim.draft)
            new.mkdir()
            names = write_files(result, new)
            if os.path.lexists(claim.target):
                check_place(self.folder, claim.target)
                kept = move_into(names, claim.draft, claim.target)
                if kept is not None:
                    logger.warning(
                        "the run that was in %s is now in %s", self.folder, kept
                    )
            else:
                os.replace(new, claim.target)

    def write_somewhere(self, result: BacktestResult) -> None:
        """Write a run that must not be lost: if not there, then elsewhere.

        Raises
        ------
        OutputError
            If it is not in the folder. Its text says where it is instead: beside it, or
            in the system's folder for temporary files.
        """
        try:
            self.write(result)
        except OutputError as error:
            for place in _other_places(self._claim.target):
                with suppress(OutputError), RunFolder(place, new=True) as other:
                    other.write(result)
                    place = other.folder
                    break
            else:
                raise
            raise OutputError(f"{error}; it is in {place} now") from error

    def release(self) -> None:
        """Give the folder back, and delete what was drafted."""
        self._claim.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _disk_errors(self) -> AbstractContextManager[None]:
        return disk_errors(
            OutputError,
            f"the run cannot be written to {self.folder}",
            "choose a folder that can be written",
        )


def write_run(result: BacktestResult, folder: Path) -> Path:
    """Write everything that a run leaves, and return the folder.

    Raises OutputError as `RunFolder` does.
    """
    with RunFolder(folder) as place:
        place.write(result)
    return folder


def check_folder(folder: Path, *, bars: Path | None = None) -> None:
    """Raise OutputError if a run could not be written there, before it is run."""
    RunFolder(folder, bars=bars).release()


def check_run_folder(owner: str, folder: object) -> None:
    """Raise SpecError unless it can be meant for a run's folder: a path, or None."""
    named = isinstance(folder, str | Path) and str(folder)
    if not named and not isinstance(folder, RunFolder | None):
        raise SpecError(owner, "folder", folder, "a path, or None")


def _other_places(target: Path) -> Iterator[Path]:
    if target.name:
        yield target
    with suppress(OSError):  # there is no such folder
        yield Path(tempfile.gettempdir(), target.name or "run")


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
