"""Many fits at once: in threads, in processes, or on a cluster.

A fit depends on its window and nothing else, so none of this changes any byte of it.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, TypeVar

import joblib

from bt_lstm_rotation.checks import check_choice, check_whole
from bt_lstm_rotation.errors import MissingExtraError, SourceError, SpecError
from bt_lstm_rotation.forecasting.walkforward.orphans import WatchingWorkers
from bt_lstm_rotation.forecasting.walkforward.parcel import carry_out, pack, unpack
from bt_lstm_rotation.machine import available_cores

__all__ = ["Workers"]

Task = TypeVar("Task")
Result = TypeVar("Result")

BACKENDS = ("threads", "processes", "dask")

# Seconds for a scheduler to answer, and then for its first worker.
PATIENCE = 10

ADDRESS = "an address such as tcp://host:8786"


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
        if jobs is not None:
            check_whole("Workers", "jobs", jobs, least=1)
        check_choice("Workers", "backend", self.backend, BACKENDS)
        scheduler = self.scheduler
        if (self.backend == "dask") != (scheduler is not None):
            valid = "an address with backend='dask', and left out without"
            raise SpecError("Workers", "scheduler", scheduler, valid)
        if not isinstance(scheduler, str | None):
            raise SpecError("Workers", "scheduler", scheduler, ADDRESS)

    @property
    def cores(self) -> int:
        """Fits at a time on this machine."""
        return self.jobs or available_cores()

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
            If the scheduler does not answer or has no worker, workers die of a task, or
            one cannot be sent there or read.
        StrategyError
            If a user's file is missing where the workers are, or is another one.
        """
        if self.scheduler is not None:
            yield from _on_cluster(self.scheduler, function, tasks, ordered=ordered)
        elif self.cores == 1 and self.backend == "threads":
            yield from map(function, tasks)
        else:
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
                yield from parallel(joblib.delayed(function)(task) for task in tasks)
                return
            calls = (joblib.delayed(carry_out)(pack(function, task)) for task in tasks)
            try:
                for result in parallel(calls):
                    yield unpack(result)
            except BrokenExecutor as error:
                raise SourceError(_why_broken(error)) from error


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


def _on_cluster(
    address: str,
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    ordered: bool,
) -> Iterator[Result]:
    """Run on a Dask cluster, which gives a dead worker's task to another.

    Not through joblib, which waits for ever for a task that Dask has given up.
    """
    try:
        import distributed
    except ImportError as error:
        raise MissingExtraError("running on a Dask cluster", "dask") from error
    left = iter(tasks)
    waiting: list[Any] = []
    with closing(_client(address)) as client:
        while True:
            # Asked each time: a cluster may grow, and does so for tasks that wait.
            with _gave_up(address, OSError):
                ahead = 2 * max(1, sum(client.nthreads().values()))
            for task in islice(left, max(0, ahead - len(waiting))):
                # By this name Dask says which task its workers died of.
                key = f"{_name(function)}-{uuid.uuid4().hex}"
                sent = pack(function, task)
                waiting.append(client.submit(carry_out, sent, key=key, pure=False))
            if not waiting:
                return
            if not ordered:
                with client.as_current():
                    done = distributed.wait(waiting, return_when="FIRST_COMPLETED").done
                waiting.sort(key=lambda future: future not in done)
            with _gave_up(address, CancelledError, distributed.KilledWorker):
                result = unpack(waiting.pop(0).result())
            yield result


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


@contextmanager
def _gave_up(address: str, *kinds: type[Exception]) -> Iterator[None]:
    try:
        yield
    except kinds as error:
        reason = " ".join(str(error).split())
        raise SourceError(f"the Dask cluster at {address} gave up: {reason}") from error


def _client(address: str) -> Any:
    """Connect to a cluster that is there and has a worker."""
    import distributed

    # Before there is a client, which waits for ever for a server that is no scheduler,
    # such as its dashboard. In a thread, as a notebook has a running loop in this one.
    with ThreadPoolExecutor(1) as thread:
        try:
            thread.submit(asyncio.run, _greet(address)).result()
        except ValueError as error:
            raise SpecError("Workers", "scheduler", address, ADDRESS) from error
        except (OSError, TypeError) as error:  # TypeError: no certificates for TLS
            reason = str(error) or f"no answer in {PATIENCE} s"
            raise SourceError(f"no Dask scheduler at {address}: {reason}") from error
    client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as error:
        client.close()
        problem = f"the Dask scheduler at {address} has had no worker"
        raise SourceError(f"{problem} for {PATIENCE} s; start one") from error
    return client


async def _greet(address: str) -> None:
    """Shake hands with a scheduler, or raise."""
    from distributed import Security
    from distributed.comm import connect

    how = Security().get_connection_args("client")
    async with asyncio.timeout(PATIENCE):
        comm = await connect(address, timeout=PATIENCE, **how)
    await comm.close()
