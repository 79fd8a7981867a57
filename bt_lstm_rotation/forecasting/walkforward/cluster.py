"""Tasks on a Dask cluster, which is heard of, or given up.

A scheduler waits without a word for workers that are gone, frozen, or cannot do what
they are sent. Here its workers are asked at the start whether they have this package,
and while no result comes it is asked what it knows.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, Final, TypeVar

from bt_lstm_rotation._version import __version__
from bt_lstm_rotation.errors import MissingExtraError, SourceError, SpecError
from bt_lstm_rotation.forecasting.store.content_key import package_hash
from bt_lstm_rotation.forecasting.walkforward.parcel import pack, seal, unpack
from bt_lstm_rotation.forecasting.walkforward.silence import Silence
from bt_lstm_rotation.wording import in_words

__all__ = ["ADDRESS", "on_cluster"]

Task = TypeVar("Task")

# Seconds for a scheduler to answer, and then for its first worker.
PATIENCE = 10.0

# Seconds between two looks at a cluster that gives no result.
LOOK: Final = 5.0

ADDRESS = "an address such as tcp://host:8786"

# Seconds for a worker to import this package, which it may have to do first.
TO_ASK: Final = 20.0


def on_cluster(
    address: str,
    function: Callable[[Task], Any],
    tasks: Iterable[Task],
    *,
    ordered: bool,
    give_up: float | None,
) -> Iterator[Any]:
    """Run tasks on a Dask cluster, which gives a dead worker's task to another.

    Not through joblib, which waits for ever for a task that Dask has given up.
    Parameters are those of `Workers` and of its `map`, and so are the errors.
    """
    try:
        import distributed
    except ImportError as error:
        raise MissingExtraError("running on a Dask cluster", "dask") from error
    left = iter(tasks)
    waiting: list[Any] = []
    there = _carry_out_there(__version__, package_hash())
    with _client(address) as client:
        _ask_workers(client, address, there)
        silence = Silence(client, address, give_up)
        while True:
            # Asked each time: a cluster may grow, and does so for tasks that wait.
            with _gave_up(address, OSError):
                ahead = 2 * max(
                    1, sum(client.nthreads(callback_timeout=PATIENCE).values())
                )
            for task in islice(left, max(0, ahead - len(waiting))):
                # By this name Dask says which task its workers died of.
                key = f"{_name(function)}-{uuid.uuid4().hex}"
                sent = seal(pack(function, task))
                waiting.append(client.submit(there, sent, key=key, pure=False))
            if not waiting:
                return
            silence.restart()
            with _gave_up(address, CancelledError, distributed.KilledWorker):
                while not _is_ready(waiting, ordered=ordered):
                    not_done = [future for future in waiting if not future.done()]
                    try:
                        with client.as_current():
                            distributed.wait(not_done, LOOK, "FIRST_COMPLETED")
                        silence.restart()
                    except TimeoutError:
                        silence.look({future.key for future in not_done})
                answer = waiting.pop(0).result()
            if isinstance(answer, str):
                raise SourceError(_useless(address, answer))
            yield unpack(answer)


def _is_ready(waiting: list[Any], *, ordered: bool) -> bool:
    """Whether the first is done; in any order, one that is done is put first."""
    if not ordered:
        waiting.sort(key=lambda future: not future.done())
    return bool(waiting[0].done())


def _carry_out_there(version: str, code: str) -> Callable[[bytes | None], bytes | str]:
    """Return what a worker runs: it gives a result, or says why it cannot.

    A worker that cannot read what it is sent ends. So this is sent by value, as a
    function within a function is, and needs nothing until it is run; of no task, it
    only says whether it could.
    """

    def carry_out(sealed: bytes | None) -> bytes | str:
        try:
            import bt_lstm_rotation as package
            from bt_lstm_rotation.forecasting.store.content_key import package_hash
            from bt_lstm_rotation.forecasting.walkforward.parcel import open_and_do
        except Exception as error:
            reason = " ".join(str(error).split())
            return f"cannot import bt_lstm_rotation ({type(error).__name__}: {reason})"
        if package.__version__ != version:
            return f"has version {package.__version__} of bt_lstm_rotation"
        if package_hash() != code:
            return f"has other code of bt_lstm_rotation {version}"
        return b"" if sealed is None else open_and_do(sealed)

    return carry_out


def _ask_workers(client: Any, address: str, there: Callable[..., Any]) -> None:
    """Raise SourceError if a worker cannot do what it will be sent.

    One that does not answer may be busy, and is left to the watch for silence.
    """

    async def ask(name: str) -> tuple[str, Any]:
        try:
            async with asyncio.timeout(TO_ASK):
                how = {"workers": [name], "on_error": "return"}
                return name, (await client.run(there, None, **how)).get(name)
        except (TimeoutError, OSError):
            return name, b""

    async def ask_all() -> list[tuple[str, Any]]:
        names = await client.scheduler.ncores(workers=None)
        return await asyncio.gather(*map(ask, names))

    with suppress(TimeoutError, OSError):
        for name, answer in client.sync(ask_all, callback_timeout=2 * TO_ASK):
            if isinstance(answer, Exception):
                answer = f"cannot be asked for bt_lstm_rotation ({in_words(answer)})"
            if answer:
                raise SourceError(_useless(address, f"{answer}, at {name}"))


def _useless(address: str, answer: str) -> str:
    return (
        f"a worker of the Dask cluster at {address} {answer}; install "
        f"bt-lstm-rotation {__version__} where the workers are, the same as here"
    )


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


@contextmanager
def _gave_up(address: str, *kinds: type[BaseException]) -> Iterator[None]:
    try:
        yield
    except kinds as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SourceError(f"the Dask cluster at {address} gave up: {reason}") from error


@contextmanager
def _client(address: str) -> Iterator[Any]:
    """Connect to a cluster that is there and has a worker."""
    import distributed

    # Before there is a client, which waits for ever for a server that is no scheduler,
    # such as its dashboard. In a thread, as a notebook has a running loop in this one.
    _check_address(address)
    with ThreadPoolExecutor(1) as thread:
        try:
            thread.submit(asyncio.run, _greet(address)).result()
        except Exception as error:
            # OSError, TypeError without certificates for TLS, and of any kind of what
            # does not speak as Dask does: a size of exabytes, taken from HTTP.
            reason = "what answers there is none"
            if isinstance(error, OSError | TypeError):
                reason = str(error) or f"no answer in {PATIENCE:g} s"
            raise SourceError(f"no Dask scheduler at {address}: {reason}") from error
    client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    try:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            problem = f"the Dask scheduler at {address} has had no worker"
            raise SourceError(f"{problem} for {PATIENCE:g} s; start one") from error
        yield client
    finally:
        with suppress(TimeoutError, OSError):  # one that is frozen says no goodbye
            client.close(timeout=PATIENCE)


def _check_address(address: str) -> None:
    from distributed.comm import parse_address, parse_host_port
    from distributed.comm.registry import get_backend

    try:
        scheme, place = parse_address(address)
        get_backend(scheme)
        if scheme != "inproc":  # of a cluster in this process
            parse_host_port(place)
    except ValueError as error:
        raise SpecError("Workers", "scheduler", address, ADDRESS) from error


async def _greet(address: str) -> None:
    """Shake hands with a scheduler, or raise."""
    from distributed import Security, rpc

    how = Security().get_connection_args("client")
    async with asyncio.timeout(PATIENCE):
        server = rpc(address, timeout=PATIENCE, connection_args=how)
        try:
            kind = (await server.identity())["type"]
        finally:
            await server.close_rpc()
    if kind != "Scheduler":
        raise OSError(f"a {kind} answers there")
