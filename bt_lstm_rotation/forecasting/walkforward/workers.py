"""Many fits at once: in threads, in processes, or on a cluster.

A fit depends on its window and nothing else, so none of this changes any byte of it.
"""

from __future__ import annotations

import multiprocessing
import re
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal, TypeVar

from bt_lstm_rotation.checks import check_choice, check_positive, check_whole
from bt_lstm_rotation.errors import SourceError, SpecError
from bt_lstm_rotation.forecasting.walkforward.cluster import ADDRESS, on_cluster
from bt_lstm_rotation.forecasting.walkforward.parcel import (
    IN_THREADS,
    carry_out,
    pack,
    unpack,
)
from bt_lstm_rotation.machine import available_cores, memory_left, what_is_lacking
from bt_lstm_rotation.wording import in_words

__all__ = ["Workers"]

Task = TypeVar("Task")
Result = TypeVar("Result")

BACKENDS = ("threads", "processes", "dask")

# More fits at a time than any machine has cores for.
MOST_JOBS = 1024

# Seconds of a year: a cluster that is waited for by all means.
LONGEST_SILENCE = 31_536_000

# Bytes of a process that has imported this package and trains nothing.
PROCESS = 150_000_000


@dataclass(frozen=True, kw_only=True)
class Workers:
    """How fits are spread.

    Parameters
    ----------
    jobs : int, optional
        Fits at a time; by default as many as this process may use cores, or one where
        they are too short to be worth a thread. On a cluster it is the cluster's
        matter.
    backend : {"threads", "processes", "dask"}
        Threads share one TensorFlow, whose kernels run side by side. Processes and
        clusters each import their own, which takes seconds.
    scheduler : str, optional
        Address of a running Dask scheduler, such as ``"tcp://host:8786"``; needed for,
        and only for, ``"dask"``.
    give_up : float, optional
        Of a cluster: seconds without a result after which the run ends; by default 600
        in which no worker that gives a sign of life is at work. What its scheduler
        knows is logged before.

    Raises
    ------
    SpecError
        If a value is impossible, or two contradict each other.
    """

    jobs: int | None = None
    backend: Literal["threads", "processes", "dask"] = "threads"
    scheduler: str | None = None
    give_up: float | None = None

    def __post_init__(self) -> None:
        jobs = self.jobs
        if jobs is not None:
            check_whole("Workers", "jobs", jobs, least=1, most=MOST_JOBS)
        check_choice("Workers", "backend", self.backend, BACKENDS)
        scheduler = self.scheduler
        if (self.backend == "dask") != (scheduler is not None):
            valid = "an address with backend='dask', and left out without"
            raise SpecError("Workers", "scheduler", scheduler, valid)
        if not isinstance(scheduler, str | None):
            raise SpecError("Workers", "scheduler", scheduler, ADDRESS)
        if self.give_up is not None:
            check_positive("Workers", "give_up", self.give_up, most=LONGEST_SILENCE)
            if self.backend != "dask":
                valid = "left out without backend='dask'"
                raise SpecError("Workers", "give_up", self.give_up, valid)

    @property
    def cores(self) -> int:
        """Fits at a time on this machine."""
        return self.jobs or available_cores()

    @property
    def by_default(self) -> bool:
        """Whether fits go to threads, as many as there are cores, as nobody chose."""
        return self.jobs is None and self.backend == "threads"

    @property
    def at_once(self) -> int | None:
        """Fits that get ahead at a time; None on a cluster, which may be any size."""
        if self.scheduler is not None:
            return None
        return min(self.cores, available_cores())

    def map(
        self,
        function: Callable[[Task], Result],
        tasks: Iterable[Task],
        *,
        ordered: bool = True,
    ) -> Iterator[Result]:
        """Apply a function to tasks, and give each result as soon as it is there.

        Parameters
        ----------
        function : callable
            Of one task. Processes and clusters are sent both in a pickle, and run a
            user's file that they come from (`bt_lstm_rotation.user_code`).
        tasks : iterable
            Taken a few ahead of the workers, not all at once.
        ordered : bool
            Whether results come in the order of the tasks, or as they get ready.

        Raises
        ------
        MissingExtraError
            If ``"dask"`` is asked for and not installed.
        SourceError
            If the scheduler does not answer or has no worker, nothing comes from it for
            too long, a worker lacks this package or has another version of it, workers
            die of a task, or one cannot be sent there or read.
        StrategyError
            If a user's file is missing where the workers are, or is another one.
        """
        if self.scheduler is not None:
            yield from on_cluster(
                self.scheduler, function, tasks, ordered=ordered, give_up=self.give_up
            )
        elif self.cores == 1 and self.backend == "threads":
            yield from map(function, tasks)
        else:
            # Here and not above: what is found in a store needs none of it.
            from bt_lstm_rotation.forecasting.walkforward.orphans import (
                WatchingWorkers,
                joblib,
            )

            parallel = joblib.Parallel(
                self.cores,
                backend="threading" if self.backend == "threads" else WatchingWorkers(),
                return_as="generator" if ordered else "generator_unordered",
                # One by one: a task takes long enough, and joblib hands the results of
                # a batch over together.
                batch_size=1,
                # As they are: joblib would turn large arrays into memory maps, whose
                # type differs, and so does their key in a store.
                max_nbytes=None,
            )
            if self.backend == "threads":
                calls = (joblib.delayed(function)(task) for task in tasks)
                with _given_up_in_silence(parallel(calls)) as results:
                    # One by one: of a `yield from`, joblib's generator is closed first.
                    for result in results:
                        yield result
                return
            self._check_processes()
            calls = (joblib.delayed(carry_out)(pack(function, task)) for task in tasks)
            try:
                with _given_up_in_silence(parallel(calls)) as results:
                    for result in results:
                        yield unpack(result)
            except BrokenExecutor as error:
                raise SourceError(_why_broken(error)) from error

    def _check_processes(self) -> None:
        """Raise SourceError if so many processes cannot be."""
        left, count = memory_left(), self.cores
        if left is not None and count * PROCESS > left:
            raise SourceError(
                f"{count:,} processes need {count * PROCESS / 1e9:,.1f} GB at least, "
                f"and {left / 1e9:,.1f} GB are left; fewer (--jobs) need less"
            )
        try:
            tempfile.gettempdir()
            multiprocessing.get_context("spawn").Semaphore()
        except (OSError, ImportError) as error:
            reason = what_is_lacking(error) or f"{in_words(error)} (/dev/shm)"
            problem = f"processes cannot work together here: {reason}"
            raise SourceError(f"{problem}; {IN_THREADS}") from error


class _GivenUpError(Exception):
    """Nobody asks for the results that are left."""


@contextmanager
def _given_up_in_silence(
    results: Generator[Result, None, None],
) -> Iterator[Iterator[Result]]:
    """End joblib's work without its advice on results that nobody has asked for.

    A walk that ends in an error has said why. The advice is a warning of a generator
    that is closed; silencing it would be undone by any worker that catches warnings.
    """
    try:
        yield results
    finally:
        with suppress(_GivenUpError):
            results.throw(_GivenUpError)


def _why_broken(error: BrokenExecutor) -> str:
    """Say why processes are gone, as far as it is known."""
    if error.__cause__ is not None:  # a traceback as text
        lines = str(error.__cause__).replace('"""', "").split("\n")
        reason = [line.strip() for line in lines if line.strip()]
        return f"a process could not go on: {reason[-1] if reason else error}"
    codes = re.search(r"exit codes of the workers are \{(.*?)\}", str(error))
    if codes and "SIGKILL" not in codes[1] and codes[1]:
        return f"a process ended in the middle of its work, with {codes[1]}"
    return (
        "a process was killed at its work, as a machine that runs out of memory does; "
        "fewer at a time need less"
    )
