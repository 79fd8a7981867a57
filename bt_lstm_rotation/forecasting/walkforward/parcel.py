"""What is sent to a worker in another process, and what comes back, as bytes.

A worker that cannot read a task dies of it, and is taken for one that was killed. Bytes
it can always read; what they hold is unpacked where an error has somewhere to go.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import cloudpickle

from bt_lstm_rotation.errors import RotationError, SourceError
from bt_lstm_rotation.user_code import UserFile, files_named_in, run_again
from bt_lstm_rotation.wording import in_words

__all__ = ["Parcel", "carry_out", "open_and_do", "pack", "seal", "unpack"]

IN_THREADS = "workers in threads (--backend threads) are sent nothing"


class Parcel(NamedTuple):
    """A pickled function and its task, and the user's files that they name."""

    content: bytes
    files: tuple[UserFile, ...]


def pack(function: Callable[[Any], Any], task: object) -> Parcel:
    """Pickle a task; raise SourceError if something of it cannot be."""
    try:
        content = cloudpickle.dumps((function, task))
    except Exception as error:  # what a user's object raises when it is pickled
        problem = f"a task cannot be sent to a worker: {in_words(error)}; {IN_THREADS}"
        raise SourceError(problem) from error
    return Parcel(content, files_named_in(content))


def carry_out(parcel: Parcel) -> bytes:
    """Do a task where it was sent to, and pickle its result.

    Raises
    ------
    SourceError, StrategyError
        If it cannot be read there, or a user's file not be run.
    """
    run_again(parcel.files)
    function, task = _read(parcel.content, "a worker cannot read its task")
    result = function(task)
    try:
        return bytes(cloudpickle.dumps(result))
    except Exception as error:
        problem = f"a worker cannot send its result: {in_words(error)}; {IN_THREADS}"
        raise SourceError(problem) from error


def seal(parcel: Parcel) -> bytes:
    """Return a parcel as bytes, which can be read where this package is not."""
    return bytes(cloudpickle.dumps(parcel))


def open_and_do(sealed: bytes) -> bytes:
    """Carry out a parcel that was sealed; raise as `carry_out` does."""
    return carry_out(_read(sealed, "a worker cannot read its task"))


def unpack(content: bytes) -> Any:
    """Return a result; raise SourceError if it cannot be read here."""
    return _read(content, "the result of a worker cannot be read")


def _read(content: bytes, problem: str) -> Any:
    try:
        return pickle.loads(content)  # noqa: S301 - of our own making, a moment ago
    except RotationError:
        raise
    except Exception as error:  # a module that is missing, or a user's own code
        raise SourceError(f"{problem}: {in_words(error)}") from error
