"""What this machine has for this process: cores, and memory that is left.

A container or a shell may allow less than there is.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["available_cores", "memory_left"]

PROC, CGROUP = Path("/proc"), Path("/sys/fs/cgroup")


def available_cores() -> int:
    """Cores that this process may use, at least 1."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        cores = os.cpu_count() or 1
    quota = _cores_of_the_container()
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


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
    yield from _left_of_the_shells_limit()


def _left_of_the_shells_limit() -> Iterator[int]:
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
