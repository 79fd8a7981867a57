"""What is said of a cluster that gives no result, and when it is given up."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from typing import Any, Final

from bt_lstm_rotation.errors import SourceError

__all__ = ["GIVEN_UP_AFTER", "Silence"]

# Seconds without a result until the first word about it; each later one takes twice as
# long.
SAID_AFTER: Final = 25.0

# Seconds in which no worker that is alive has been at work. Dask itself takes a frozen
# one for dead after 300, and gives its tasks to others.
GIVEN_UP_AFTER: Final = 600.0

# Seconds for a scheduler to say what it knows.
PATIENCE: Final = 5.0

logger = logging.getLogger(__name__)


class Silence:
    """How long a cluster has given no result, and what its scheduler knows.

    Parameters
    ----------
    client : distributed.Client
    address : str
        The scheduler's.
    give_up : float or None
        Seconds without a result after which it is given up; None for `GIVEN_UP_AFTER`
        of those in which no worker that is alive was at work.
    """

    def __init__(self, client: Any, address: str, give_up: float | None) -> None:
        self._client, self._address, self._give_up = client, address, give_up
        self._beats: dict[str, float] = {}
        self._said_at_work = False
        self.restart()

    def restart(self) -> None:
        """Count from here on: a result has come, or nobody waited before."""
        self._since = self._alive = time.monotonic()
        self._say_at = SAID_AFTER

    def look(self, keys: Collection[str]) -> None:
        """Ask the scheduler for the tasks of these keys, and say what it knows.

        Raises
        ------
        SourceError
            If there was no result for too long.
        """
        known, at_work = self._known(keys)
        now = time.monotonic()
        if at_work and self._give_up is None:
            self._alive = now
        limit = GIVEN_UP_AFTER if self._give_up is None else self._give_up
        cluster = f"the Dask cluster at {self._address}"
        if now - self._alive >= limit:
            waited = f"{now - self._since:.0f} s"
            raise SourceError(
                f"{cluster} has given no result for {waited}: {known}; start or mend "
                "its workers, and run this again; --give-up sets how long is waited"
            )
        if now - self._since < self._say_at:
            return
        self._say_at *= 2
        if at_work and self._said_at_work:
            return  # they merely take long, as was said before
        self._said_at_work |= at_work
        logger.warning(
            "no result for %.0f s from %s: %s", now - self._since, cluster, known
        )

    def _known(self, keys: Collection[str]) -> tuple[str, bool]:
        """Tell of the workers, and whether one that is alive is at work on a task."""

        async def ask() -> tuple[Any, Any]:
            scheduler = self._client.scheduler
            workers = (await scheduler.identity())["workers"]
            return workers, await scheduler.processing(workers=None)

        try:
            workers, busy = self._client.sync(ask, callback_timeout=PATIENCE)
        except (TimeoutError, OSError) as error:
            return f"its scheduler does not answer ({error})", False
        beats = {name: worker["last_seen"] for name, worker in workers.items()}
        # By their beats alone: clocks of two machines may differ.
        frozen = [name for name in beats if beats[name] == self._beats.get(name)]
        self._beats = beats
        counts = {name: len(set(busy.get(name, ())) & set(keys)) for name in beats}
        if not beats:
            return "it has no worker left", False
        given = sum(counts.values())
        known = [
            f"{len(beats):,} workers" if len(beats) > 1 else "1 worker",
            f"{given:,} of {len(keys):,} tasks given to them",
        ]
        if frozen:
            silent = ", ".join(f"{name} ({counts[name]:,})" for name in frozen[:3])
            more = ", ..." if frozen[3:] else ""
            known.append(f"{len(frozen):,} silent, with tasks: {silent}{more}")
        return ", ".join(known), any(counts[n] for n in beats if n not in frozen)
