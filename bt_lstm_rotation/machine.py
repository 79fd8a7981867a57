"""What this machine has for this process: cores, memory that is left, and all else.

A container or a shell may allow less than there is.
"""

from __future__ import annotations

import errno
import functools
import math
import os
import platform
import re
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = [
    "ONEDNN",
    "available_cores",
    "memory_left",
    "onednn_is_on",
    "processor",
    "room_of_the_shell",
    "what_is_lacking",
]

# The variable by which TensorFlow is told, when it is imported, which kernels to take.
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"

# How Linux names a processor: on x86, and by its numbers on ARM.
_NAMES = re.compile(r"^(model name|CPU (?:implementer|part))\s*: (.+)$", re.MULTILINE)

PROC, CGROUP = Path("/proc"), Path("/sys/fs/cgroup")


def available_cores() -> int:
    """Cores that this process may use, at least 1."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        cores = os.cpu_count() or 1
    quota = _cores_of_the_container()
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


@functools.cache
def processor() -> str:
    """Name the processor: libraries choose their kernels by it, which round otherwise.

    So do they by the variables with which a user makes them choose another one.
    """
    found = dict(_NAMES.findall(_text(PROC / "cpuinfo")))
    names = [platform.machine(), *(found.values() or [platform.processor()])]
    chosen = ("OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES", "MKL_CBWR")
    return ", ".join([*names, *(f"{k}={os.environ.get(k)}" for k in chosen)])


def onednn_is_on() -> bool:
    """Whether TensorFlow computes, or would, with kernels that differ by processor.

    Where we import it, it does not, unless its variable says so.
    """
    imported = "tensorflow" in sys.modules
    return os.environ.get(ONEDNN, str(int(imported))).lower() not in ("0", "false")


def memory_left() -> int | None:
    """Bytes that this process may still take; None where that cannot be known."""
    return min(_memory(), default=None)


def _cores_of_the_container() -> float | None:
    quota, _, period = _text(CGROUP / "cpu.max").partition(" ")
    if not quota:  # the first version of control groups
        quota = _text(CGROUP / "cpu" / "cpu.cfs_quota_us")
        period = _text(CGROUP / "cpu" / "cpu.cfs_period_us")
    if quota.isdigit() and period.isdigit() and int(period):
        return int(quota) / int(period)
    return None  # as much as there is: "max", or -1


def _memory() -> Iterator[int]:
    free = re.search(r"MemAvailable:\s+(\d+) kB", _text(PROC / "meminfo"))
    if free:
        yield int(free[1]) * 1024
    for room, limit, used, cached in (
        (CGROUP, "memory.max", "memory.current", "file"),
        (CGROUP / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "cache"),
    ):
        most, now = _text(room / limit), _text(room / used)
        files = re.search(
            rf"^{cached} (\d+)$", _text(room / "memory.stat"), re.MULTILINE
        )
        if most.isdigit() and now.isdigit():
            # What is kept of files is given up when something else is asked for.
            kept = int(files[1]) if files else 0
            yield max(0, int(most) - int(now) + kept)
    yield from _left_of_the_shells_limits()


def room_of_the_shell() -> int | None:
    """Bytes of memory that a shell's limits leave; None where it has set none."""
    return min(_left_of_the_shells_limits(), default=None)


def what_is_lacking(error: BaseException) -> str:
    """Say which means of the machine an error comes from; empty if from none.

    The same lack has many errors, by where it is met: a library that cannot be mapped
    is an ImportError, a thread that cannot be started a RuntimeError.
    """
    met: BaseException | None = error
    while met is not None:
        if lack := _lack_in(met):
            return lack
        met = met.__cause__ or met.__context__
    return ""


def _lack_in(error: BaseException) -> str:
    number = error.errno if isinstance(error, OSError) else None
    text = str(error).lower()
    if (
        isinstance(error, MemoryError)
        or number == errno.ENOMEM
        or "failed to map segment" in text
        or "cannot allocate memory" in text
    ):
        left = memory_left()
        much = "" if left is None else f": {left / 1e6:,.0f} MB are left"
        return (
            f"there is not enough memory for this process{much}; a shell (ulimit -v) "
            "or a container may allow less than there is, and fewer --jobs need less"
        )
    if "can't start new thread" in text or number == errno.EAGAIN:
        return (
            "no more threads or processes can be started: a shell (ulimit -u, -v) or a "
            "container may allow too few, and fewer --jobs need fewer"
        )
    if number in (errno.EMFILE, errno.ENFILE):
        return "no more files can be opened: a shell (ulimit -n) may allow too few"
    if "no usable temporary directory" in text:
        return (
            "no folder for temporary files can be written; name one in the variable "
            f"TMPDIR ({error.strerror if isinstance(error, OSError) else error})"
        )
    return ""


def _left_of_the_shells_limits() -> Iterator[int]:
    try:
        import resource
    except ImportError:  # on Windows
        return
    status = _text(PROC / "self" / "status")
    for limit, field in (
        (resource.RLIMIT_AS, "VmSize"),
        (resource.RLIMIT_DATA, "VmData"),
    ):
        most = resource.getrlimit(limit)[0]
        now = re.search(rf"{field}:\s+(\d+) kB", status)
        if most != resource.RLIM_INFINITY and now:
            yield max(0, most - int(now[1]) * 1024)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
