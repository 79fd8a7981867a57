"""Many fits at once: in threads, in processes, or on a cluster.

A fit depends on its window and nothing else, so where and in which order fits are made
changes no byte of what comes out; it changes when.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal, TypeVar

import joblib

from bt_lstm_rotation.errors import MissingExtraError, SpecError

__all__ = ["Workers"]

Task = TypeVar("Task")
Result = TypeVar("Result")

BACKENDS = ("threads", "processes", "dask")
JOBLIB = {"threads": "threading", "processes": "loky", "dask": "dask"}


@dataclass(frozen=True, kw_only=True)
class Workers:
    """How fits are spread.

    Parameters
    ----------
    jobs : int, optional
        Fits at a time; by default as many as this process may use cores. On a cluster
        it is the cluster's matter.
    backend : {"threads", "processes", "dask"}
        Threads share one TensorFlow, whose kernels run side by side. Processes and
        clusters each import their own, which takes seconds.
    scheduler : str, optional
        Address of a running Dask scheduler, such as ``"tcp://host:8786"``; needed for,
        and only for, ``"dask"``.

    Raises
    ------
    SpecError
        If a value is impossible, or two contradict each other.
    """

    jobs: int | None = None
    backend: Literal["threads", "processes", "dask"] = "threads"
    scheduler: str | None = None

    def __post_init__(self) -> None:
        jobs = self.jobs
        if jobs is not None and (type(jobs) is not int or jobs < 1):
            raise SpecError("Workers", "jobs", jobs, "a whole number of at least 1")
        if self.backend not in BACKENDS:
            raise SpecError("Workers", "backend", self.backend, f"one of {BACKENDS}")
        if (self.backend == "dask") != (self.scheduler is not None):
            valid = "an address with backend='dask', and left out without"
            raise SpecError("Workers", "scheduler", self.scheduler, valid)

    @property
    def cores(self) -> int:
        """Fits at a time on this machine."""
        return self.jobs or available_cores()

    def map(
        self, function: Callable[[Task], Result], tasks: Iterable[Task]
    ) -> Iterator[Result]:
        """Apply a function to tasks, and give the results in their order.

        Parameters
        ----------
        function : callable
            Of one task; for processes and clusters, importable there.
        tasks : iterable
            Taken a few ahead of the workers, not all at once.

        Yields
        ------
        object
            The results, each as soon as it and those before it are there.

        Raises
        ------
        MissingExtraError
            If ``"dask"`` is asked for and not installed.
        """
        jobs = self.cores
        if jobs == 1 and self.backend == "threads":
            yield from map(function, tasks)
            return
        with ExitStack() as stack:
            if self.backend == "dask":
                stack.enter_context(_client(self.scheduler))
                jobs = self.jobs or -1
            stack.enter_context(joblib.parallel_config(backend=JOBLIB[self.backend]))
            parallel = joblib.Parallel(n_jobs=jobs, return_as="generator")
            yield from parallel(joblib.delayed(function)(task) for task in tasks)


def available_cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1


def _client(address: str | None) -> ExitStack:
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingExtraError("running on a Dask cluster", "dask") from error
    stack = ExitStack()
    stack.enter_context(Client(address))
    return stack
