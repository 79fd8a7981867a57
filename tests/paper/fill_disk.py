"""Add to a journal on a disk that is nearly full; run as a script, with its mount.

Written to by a filler, whose size leaves more room each time.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from journals import make, session

from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.paper.journal import Journal

BIG = {"notes": [("late", None, "x" * 100)] * 300}


def fill(path: Path, room: int) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(max(0, os.path.getsize(path) - room))


def main(disk: Path) -> None:
    folder = make(disk / "spy", 2)
    filler = disk / "filler"
    tried = []
    for room in range(0, 400_000, 8192):
        with Journal.open(folder, writing=True) as journal:
            before = journal.head
            fill(filler, room)
            problem = None
            try:
                journal.append(session(before.number + 1, BIG))
            except OutputError as error:
                problem = str(error)
            assert journal.head.number == before.number + (problem is None)
        with Journal.open(folder) as reader:  # as it is, on the full disk
            assert reader.head == journal.head
        filler.unlink()
        if problem is not None:
            with Journal.open(folder, writing=True) as journal:
                assert journal.head == before
        tried.append(problem)
    with Journal.open(folder, writing=True) as journal:
        journal.append(session(journal.head.number + 1))
        head = journal.head.number
    sys.stdout.write(json.dumps({"tried": tried, "head": head}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
