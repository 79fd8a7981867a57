"""Files that are never half written, and disk errors that say what was being done.

Nothing but regular files is ever read or replaced: a pipe would be waited for without
end, and a device, or what a link leads to, is somebody else's.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bt_lstm_rotation.errors import OutputError, RotationError

__all__ = [
    "checked_file",
    "disk_errors",
    "hidden_beside",
    "is_same_folder",
    "kind_of",
    "read_regular",
    "resolved",
    "write_atomically",
    "write_together",
]

# Bytes of a file's name, on the disks in use today.
LONGEST_NAME = 255

# Bytes in which a page says whose it is.
HEAD = 4096

KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def kind_of(path: Path) -> str | None:
    """Say what stands there, in words and without following a link; None if nothing.

    Raises OSError if that cannot be seen.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return None
    return KINDS.get(stat.S_IFMT(mode), "no regular file")


def read_regular(path: Path) -> bytes:
    """Read a file, or one that a link leads to; OSError if it is none.

    Anything else is refused at once, a pipe that nobody writes into, too.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise _not_regular(path.resolve())
    # Another thing may stand there by now; to open a pipe does not wait like this.
    waiting = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, os.O_RDONLY | waiting), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise _not_regular(path.resolve())
        if found.st_size > _memory():  # such as a file with a hole in it
            raise OSError(errno.EFBIG, "it is larger than the memory")
        return file.read()


def resolved(path: Path) -> Path:
    """Follow all links to where a file or folder is, or would be made.

    Raises OSError if nothing can be there: for a loop of links, a name that is too long
    or has a zero byte, or a file on the way.
    """
    try:
        real = Path(os.path.realpath(path))
        with suppress(FileNotFoundError):
            real.stat()
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error)) from error
    there = _nearest(real)
    if there != real:
        if not there.is_dir():
            raise OSError(errno.ENOTDIR, f"{there} is {kind_of(there)}, not a folder")
        missing = real.relative_to(there).parts
        if max(len(os.fsencode(part)) for part in missing) > _longest_name(there):
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    return real


def is_same_folder(one: Path, other: Path) -> bool:
    """Whether two paths lead to one folder; OSError if one cannot lead to any."""
    if resolved(one) == resolved(other):
        return True
    # By another name, where a disk is mounted twice or does not see case.
    return one.is_dir() and other.is_dir() and one.samefile(other)


def checked_file(
    path: Path, what: str, *, marks: Sequence[bytes] = (), bars: Path | None = None
) -> Path:
    """Return where a file will be written, with all links followed.

    Parameters
    ----------
    what : str
        What is to be written, such as ``"the page"``.
    marks : sequence of bytes
        Of which one is at the head of every file of this kind: one that has none is
        somebody else's, unless it is empty.
    bars : Path, optional
        The folder that bars come from, which is refused.

    Raises
    ------
    OutputError
        If it could not be: something else is there, or its folder cannot be made or
        written. Nothing is changed.
    """
    with disk_errors(
        OutputError, f"{what} cannot be written to {path}", "choose another file"
    ):
        real = resolved(path)
        kind = kind_of(real)
        if kind not in (None, "a file"):
            raise OutputError(f"{path} is {kind}; choose a file for {what}")
        if bars is not None and is_same_folder(real.parent, bars):
            raise OutputError(f"{bars} is where the bars are; choose another folder")
        if kind and marks and not _has_mark(real, marks):
            raise OutputError(
                f"{path} is there, and is no file of ours; choose another for {what}"
            )
        # Asked by doing: what root may do, or a disk allows, its mode does not say.
        with tempfile.TemporaryFile(dir=_nearest(real.parent)):
            pass
    return real


def hidden_beside(path: Path, suffix: str) -> Path:
    """Name a hidden file beside another one, and after it as far as names may be."""
    name = f".{path.name}{suffix}"
    if len(os.fsencode(name)) > LONGEST_NAME:
        digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:32]
        name = f".{digest}{suffix}"
    return path.with_name(name)


def write_atomically(path: Path, content: bytes, *, alone: bool = False) -> None:
    """Replace a file in one move: readers see the old one or the new one, whole.

    The folder must exist. Nothing is forced to the disk: a power cut may tear the file.

    Parameters
    ----------
    alone : bool
        Whether nobody else can be writing it, as under a lock. The draft then has the
        same name each time, so that killed processes leave one at most.

    Raises
    ------
    OSError
        If the disk will not have it, or something other than a file is there, be it a
        link to one.
    """
    write_together({path: content}, alone=alone)


def write_together(files: Mapping[Path, bytes], *, alone: bool = False) -> None:
    """Replace files once all the new ones are on the disk: all of them, or none.

    Each is replaced in a move of its own: a process that is killed during these moves
    leaves whole files, but some old and some new. The rest is as in `write_atomically`.
    """
    other = "" if alone else f".{uuid.uuid4().hex}"
    drafts = {path: hidden_beside(path, f"{other}.tmp") for path in files}
    for path in (*files, *drafts.values()):
        if kind_of(path) not in (None, "a file"):
            raise _not_regular(path)
    try:
        for path, content in files.items():
            drafts[path].write_bytes(content)
        for path, draft in drafts.items():
            os.replace(draft, path)
    finally:
        for draft in drafts.values():
            with suppress(OSError):  # another error gives the reason
                draft.unlink(missing_ok=True)


@contextmanager
def disk_errors(
    kind: type[RotationError], problem: str, advice: str = ""
) -> Iterator[None]:
    """Turn an OSError into one of our own: the problem, its reason, and the advice."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        hint = f"; {advice}" if advice else ""
        raise kind(f"{problem} ({reason}){hint}") from error


def _memory() -> int:
    """Bytes of memory that this machine has."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows
        return sys.maxsize


def _not_regular(path: Path) -> OSError:
    return OSError(errno.EINVAL, f"it is {kind_of(path)}, not a file")


def _has_mark(path: Path, marks: Sequence[bytes]) -> bool:
    with path.open("rb") as file:
        head = file.read(HEAD)
    return not head or any(mark in head for mark in marks)


def _nearest(path: Path) -> Path:
    """Return the path, or the nearest folder above it that exists."""
    return next(place for place in (path, *path.parents) if place.exists())


def _longest_name(folder: Path) -> int:
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):  # Windows, and disks that do not say
        return LONGEST_NAME
