"""Things that may stand where a file is expected, and are none."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """All that is in a folder: files with their content."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path may have a hundred letters
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def make_device(path: Path) -> None:
    try:
        os.mknod(path, 0o666 | 0o020000, os.makedev(1, 3))  # as /dev/null
    except OSError as error:
        pytest.skip(f"no device can be made here: {error}")


def make_link(path: Path) -> None:
    (path.parent / "precious").write_text("mine")
    path.symlink_to("precious")


def make_loop(path: Path) -> None:
    path.symlink_to(path.name)


KINDS = {
    "a pipe": make_pipe,
    "a socket": make_socket,
    "a device": make_device,
    "a link": make_link,
    "a folder": Path.mkdir,
}
