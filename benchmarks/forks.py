"""Work done in a child of this process, whatever becomes of it there."""

from __future__ import annotations

import os
import pickle
import resource
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["in_child"]

# Bytes of a process. A mutant that doubles an array for ever must not take the machine
# with it.
MEMORY = 4 * 2**30


def in_child(work: Callable[[], Any]) -> Any:
    """Return what a child found out; None if it did not come to an end."""
    sys.stdout.flush()
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        try:
            answer = pickle.dumps(work())
            with open(write, "wb") as pipe:
                pipe.write(answer)
        finally:
            os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return pickle.loads(answer) if answer else None
