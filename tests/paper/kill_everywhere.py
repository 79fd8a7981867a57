"""Kill a process at each place where a write can be cut; run as a script.

It is given a folder, and makes a copy of the account in it for each place. A fork is
only safe where there is one thread, which is why pytest does not do it itself.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from journals import make, session, start

from bt_lstm_rotation.paper.journal import Journal
from bt_lstm_rotation.paper.recovery import restore
from bt_lstm_rotation.paper.seal import Boundary

Act = Callable[[Path, Boundary], object]


def create(folder: Path, boundary: Boundary) -> None:
    Journal.create(folder, start(), boundary=boundary).close()


def append(folder: Path, boundary: Boundary) -> None:
    with Journal.open(folder, writing=True, boundary=boundary) as journal:
        journal.append(session(4))


def mend(folder: Path, boundary: Boundary) -> None:
    restore(folder, now=dt.datetime.now(dt.UTC), boundary=boundary)


def places(act: Act, folder: Path) -> dict[str, int]:
    """By label, the last place that has it."""
    seen: list[str] = []
    act(folder, seen.append)
    return {label: place for place, label in enumerate(seen)}


def kill(act: Act, folder: Path, place: int) -> None:
    passed = 0

    def boundary(_: str) -> None:
        nonlocal passed
        if passed == place:
            os.kill(os.getpid(), signal.SIGKILL)
        passed += 1

    pid = os.fork()
    if not pid:
        act(folder, boundary)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL, (folder, status)


def main(root: Path) -> None:
    whole = make(root / "three", 3)
    torn = shutil.copytree(whole, root / "torn")
    with (torn / "journal.sqlite").open("r+b") as file:
        file.seek(200)
        file.write(b"\xff" * 50)
    killed = {}
    for act, before in ((create, None), (append, whole), (mend, torn)):
        folders = {}
        tried = root / act.__name__
        if before is not None:
            shutil.copytree(before, tried)
        for label, place in places(act, tried).items():
            folder = root / f"{act.__name__}-{place}"
            if before is not None:
                shutil.copytree(before, folder)
            kill(act, folder, place)
            folders[folder.name] = label
        killed[act.__name__] = folders
    sys.stdout.write(json.dumps(killed))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
