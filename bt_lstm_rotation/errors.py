"""Every error a user can meet.

One base, few children. A message says what was wrong, the value received and what
would be valid; the same facts are attributes, so that a program can act on them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from bt_lstm_rotation.wording import closest, shown

__all__ = [
    "ClockError",
    "DataError",
    "FeatureError",
    "FitsError",
    "ForecastError",
    "HeldError",
    "HistoryError",
    "JournalError",
    "LookaheadError",
    "MissingExtraError",
    "OutputError",
    "RotationError",
    "SourceError",
    "SpecError",
    "StrategyError",
    "TrainingError",
    "closest",
]


class RotationError(Exception):
    """Base of every error that this package raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        # An error may have to leave a worker process. By default it would be made again
        # from its message alone, which most of these do not take.
        return _made_again, (type(self), self.args, self.__dict__)


class DataError(RotationError, ValueError):
    """Bars that cannot be used.

    Parameters
    ----------
    session : str, optional
        The first session where it was found, as an ISO date.
    field : str, optional
        The column where it was found, for example ``"Close"``.
    """

    def __init__(
        self,
        problem: str,
        *,
        symbol: str | None = None,
        session: str | None = None,
        field: str | None = None,
        value: object = None,
        valid: str | None = None,
    ) -> None:
        self.problem, self.value, self.valid = problem, value, valid
        self.symbol, self.session, self.field = symbol, session, field
        where = " ".join(part for part in (symbol, session, field) if part)
        got = "" if value is None else f" (got {shown(value)})"
        hint = "" if valid is None else f"; {valid}"
        super().__init__(f"{where}: {problem}{got}{hint}".removeprefix(": "))


class HistoryError(DataError):
    """Fewer sessions than the spec needs."""

    def __init__(
        self,
        problem: str,
        *,
        needed: int,
        available: int,
        symbol: str | None = None,
        valid: str | None = None,
    ) -> None:
        self.needed, self.available = needed, available
        super().__init__(
            f"{problem}: {needed:,} sessions are needed, there are {available:,}",
            symbol=symbol,
            valid=valid,
        )


class SourceError(RotationError):
    """A source that could not deliver: no answer, and no cache that covers it."""


class SpecError(RotationError, ValueError):
    """A setting with an impossible value, or two that contradict each other.

    `owner` is what is being configured, for example ``"ForecastSpec"``.
    """

    def __init__(self, owner: str, field: str, value: object, valid: str) -> None:
        self.owner, self.field, self.value, self.valid = owner, field, value, valid
        super().__init__(f"{owner}: {field} must be {valid} (got {shown(value)})")


class ForecastError(RotationError):
    """A forecaster that does not keep to what ``docs/forecasters.md`` asks of it.

    Parameters
    ----------
    owner, method : str
        Whose method it is, for example ``"MyModel"`` and ``"forecast"``.
    problem : str
        What it does.
    """

    def __init__(self, owner: str, method: str, problem: str, valid: str) -> None:
        self.owner, self.method = owner, method
        self.problem, self.valid = problem, valid
        super().__init__(f"{owner}.{method} {problem}; {valid}")


class StrategyError(RotationError):
    """A strategy that cannot be found, loaded or run as asked."""


class LookaheadError(RotationError):
    """A strategy or indicator that reads what is not known yet.

    Parameters
    ----------
    line : str
        What was read, for example ``"XLK.close"`` or ``"SMA(XLK).sma"``.
    ago : int
        The index it was read at; above 0 is the future.
    place : str
        File name and line number of the code that reads.
    session : str, optional
        The session it was read in, as an ISO date; None before the first one.
    delayed : bool
        Whether `ago` is a delay, as in ``close(1)``, and not an index.
    """

    def __init__(
        self,
        line: str,
        ago: int,
        problem: str,
        *,
        place: str,
        session: str | None = None,
        delayed: bool = False,
    ) -> None:
        self.line, self.ago, self.problem = line, ago, problem
        self.place, self.session, self.delayed = place, session, delayed
        read = f"{line}({ago})" if delayed else f"{line}[{ago}]"
        when = "before the first session" if session is None else f"session {session}"
        super().__init__(f"{read} at {place}, {when}: {problem}")


class FeatureError(RotationError):
    """A feature of a user's own that is refused, because it cannot be believed.

    `name` is the feature's, and `problem` what it does; `session` of the simulated
    bars, an ISO date, bars it looks `ahead`, and bars `needed` as its warm-up are None
    where that is not what is wrong.
    """

    def __init__(
        self,
        name: str,
        problem: str,
        valid: str,
        *,
        session: str | None = None,
        ahead: int | None = None,
        needed: int | None = None,
    ) -> None:
        self.name, self.problem, self.valid = name, problem, valid
        self.session, self.ahead, self.needed = session, ahead, needed
        where = "" if session is None else f" (session {session} of simulated bars)"
        super().__init__(f"feature {name!r} {problem}{where}; {valid}")


class TrainingError(RotationError):
    """A network that cannot be trained where that was asked for."""


class FitsError(TrainingError):
    """Every fit of a run has failed, for one reason or several: no forecast at all."""

    def __init__(
        self, owner: str, count: int, reasons: Sequence[str], place: str = ""
    ) -> None:
        self.owner, self.count, self.reasons = owner, count, tuple(reasons)
        fits = f"all {count:,} fits" if count > 1 else "the only fit"
        others = f", the first of {len(reasons):,} reasons" if reasons[1:] else ""
        reason = f"{reasons[0]}{place}{others}"
        super().__init__(f"no forecast was made: {fits} of {owner} failed: {reason}")


class MissingExtraError(RotationError, ImportError):
    """An optional dependency that is not installed.

    `feature` is what was asked for, for example ``"reading Parquet files"``.
    """

    def __init__(self, feature: str, extra: str) -> None:
        self.feature, self.extra = feature, extra
        super().__init__(
            f"{feature} needs an extra: pip install 'bt-lstm-rotation[{extra}]'"
        )


class ClockError(RotationError):
    """A clock that was set back: it says less than what was written down before.

    Parameters
    ----------
    now, written : datetime
        What it says, and when the last record was written; both aware.
    """

    def __init__(self, now: dt.datetime, written: dt.datetime) -> None:
        self.now, self.written = now, written
        says, last = (at.astimezone(dt.UTC) for at in (now, written))
        super().__init__(
            f"the clock says {says:%F %H:%M} UTC, but the last record was written at "
            f"{last:%F %H:%M} UTC; set the clock right, or give a later date"
        )


class OutputError(RotationError):
    """A result that cannot be written where it was asked for."""


class JournalError(RotationError):
    """A journal of paper trading that cannot be trusted, or not be read.

    Parameters
    ----------
    name : str, optional
        Whose journal it is.
    last_sound : date, optional
        The last session that can be restored.
    restorable : bool
        Whether ``bt-lstm-rotation paper restore NAME`` makes it sound again.
    """

    def __init__(
        self,
        problem: str,
        *,
        name: str | None = None,
        last_sound: dt.date | None = None,
        restorable: bool = False,
    ) -> None:
        self.problem, self.name = problem, name
        self.last_sound, self.restorable = last_sound, restorable
        whose = "" if name is None else f"the journal of {name!r}: "
        command = f"`bt-lstm-rotation paper restore {name}`"
        hint = f"; it is sound up to {last_sound}; {command} goes on from there"
        hint = hint if restorable else ""
        super().__init__(f"{whose}{problem}{hint}")


class HeldError(RotationError):
    """Paper trading that another process is at work on.

    `pid`, `host`, `since` (an ISO time) and `purpose` are those of that process; None
    where it has not said so.
    """

    def __init__(
        self,
        name: str,
        *,
        pid: int | None = None,
        host: str | None = None,
        since: str | None = None,
        purpose: str | None = None,
    ) -> None:
        self.name, self.pid, self.host = name, pid, host
        self.since, self.purpose = since, purpose
        holder = "another process"
        if pid is not None:
            holder = f"process {pid} on {host} since {since} ({purpose})"
        super().__init__(f"{name!r} is in use by {holder}; wait for it, or end it")


def _made_again(
    kind: type[RotationError], args: tuple[Any, ...], attributes: dict[str, Any]
) -> RotationError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error
