"""The session of a row: the exchange's local date, as the row itself is written.

A row dated ``2024-01-02 00:00-05:00`` belongs to the session 2024-01-02, whatever zone
other rows or files are in. What cannot be known is an error: daily bars at 23:00 UTC
are some exchange's midnight of the next day, and read as they stand they would show
tomorrow's close today.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError

__all__ = ["iso_dates", "latest_date", "sessions_of"]

# One exchange's offset moves by an hour between winter and summer; Moscow's and
# Lisbon's have moved by two over the years. More than that is more than one exchange.
ONE_EXCHANGE = dt.timedelta(hours=2)

# Lines of plain dates; the year 0 is none of Python's.
_DAY = r"(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}"
_PLAIN = re.compile(rf"{_DAY}(\n{_DAY})*")

HOUR, DAY = 60, 24 * 60  # minutes
SUNDAY, FRIDAY = 6, 4
# Fewer bars than in a week say nothing about weekdays.
WEEK = 5


def latest_date(now: dt.datetime) -> dt.date:
    """Return the latest date on Earth at a moment: that of the time zone UTC+14.

    A file written in UTC, or in Tokyo, may have a bar that an American evening would
    call tomorrow's.
    """
    return now.astimezone(dt.timezone(dt.timedelta(hours=14))).date()


def sessions_of(symbol: str, index: pd.Index[Any]) -> pd.DatetimeIndex:
    """Date a frame's rows by session: naive midnights in nanoseconds.

    Raises DataError if the index is not dates, has a hole, mixes dates with and without
    a zone or two exchanges' zones, or is at a midnight elsewhere.
    """

    def rejected(problem: str, value: object = None) -> DataError:
        valid = "one date a row (see pandas.to_datetime), all in one time zone"
        return DataError(problem, symbol=symbol, value=value, valid=valid)

    if isinstance(index, pd.DatetimeIndex):
        local = index.tz_localize(None)
        utc = index.tz is not None and index.tz.utcoffset(None) == dt.timedelta(0)
    else:
        # Nothing is guessed: pandas reads 01/02/2020 as January, 5 as 1970, and "now".
        for stamp in index:
            if not (stamp is None or isinstance(stamp, dt.date)):
                raise rejected("the index is not dates", stamp)
        dated = [stamp for stamp in index if not pd.isna(stamp)]
        offsets = {_offset(stamp) for stamp in dated}
        if not _one_exchange(offsets):
            zones = {str(getattr(stamp, "tzinfo", None)) for stamp in dated}
            raise rejected("dates in mixed time zones", sorted(zones))
        utc = offsets == {dt.timedelta(0)}
        try:
            local = pd.DatetimeIndex([_without_zone(stamp) for stamp in index])
        except pd.errors.OutOfBoundsDatetime as error:
            raise rejected("a date outside 1678 to 2261", str(error)) from error
    try:
        stamps = local.normalize().as_unit("ns")
    except pd.errors.OutOfBoundsDatetime as error:
        raise rejected("a date outside 1678 to 2261", str(error)) from error
    if stamps.hasnans:
        raise rejected(f"row {int(np.argmax(stamps.isna())) + 1} has no date")
    days = stamps.to_numpy().astype("datetime64[D]")
    clock = (local.hour * HOUR + local.minute).to_numpy()
    _check_midnight(symbol, days, clock, utc=utc)
    # Neither a name nor a frequency: they depend on how the frame was made.
    return pd.DatetimeIndex(stamps.to_numpy())


def iso_dates(symbol: str, file: str, texts: pd.Series[Any]) -> pd.DatetimeIndex:
    """Date a file's rows by session from ISO texts, labelled by their rows.

    Raises DataError if one is no ISO date, and on zones as `sessions_of` does.
    """
    if (plain := _plain_days(texts)) is not None:
        _check_midnight(symbol, plain, np.zeros(len(plain), dtype=int), utc=False)
        return pd.DatetimeIndex(plain)
    stamps = []
    for row, text in texts.items():
        try:
            stamps.append(dt.datetime.fromisoformat(str(text).strip()))
        except ValueError as error:
            raise DataError(
                f"{file}, row {row} is not dated",
                symbol=symbol,
                field="Date",
                value=text,
                valid="an ISO date, YYYY-MM-DD, with or without a time and a zone",
            ) from error
    offsets = {stamp.utcoffset() for stamp in stamps}
    if not _one_exchange(offsets):
        raise DataError(
            "dates in mixed time zones",
            symbol=symbol,
            value=[
                "none" if offset is None else str(dt.timezone(offset))
                for offset in dict.fromkeys(stamp.utcoffset() for stamp in stamps)
            ],
            valid="one exchange's local dates in a file",
        )
    days = np.array([stamp.date() for stamp in stamps], dtype="datetime64[D]")
    clock = np.array([stamp.hour * HOUR + stamp.minute for stamp in stamps])
    _check_midnight(symbol, days, clock, utc=offsets == {dt.timedelta(0)})
    return pd.DatetimeIndex(days)


def _plain_days(texts: pd.Series[Any]) -> NDArray[np.datetime64] | None:
    """Read texts that are all of the form YYYY-MM-DD, which takes a tenth of the time.

    None where one is not, or is no date: whoever reads them one by one says which.
    """
    cells = texts.tolist()
    if not _PLAIN.fullmatch("\n".join(map(str, cells))):
        return None
    try:
        return np.array(cells, dtype="datetime64[D]")
    except ValueError:
        return None


def _offset(stamp: dt.date) -> dt.timedelta | None:
    return stamp.utcoffset() if isinstance(stamp, dt.datetime) else None


def _without_zone(stamp: dt.date | None) -> dt.date | None:
    if isinstance(stamp, dt.datetime) and not pd.isna(stamp):
        return stamp.replace(tzinfo=None)
    return stamp


def _one_exchange(offsets: Iterable[dt.timedelta | None]) -> bool:
    known = [offset for offset in offsets if offset is not None]
    if not known:
        return True
    return None not in offsets and max(known) - min(known) <= ONE_EXCHANGE


def _check_midnight(
    symbol: str, days: NDArray[Any], clock: NDArray[Any], *, utc: bool
) -> None:
    """Refuse daily bars whose time of day is another place's midnight.

    `days` are datetime64[D], `clock` minutes since midnight, both as written.
    """
    if not clock.any():
        return
    moments = np.unique(np.stack([days.astype(np.int64), clock]), axis=1)
    # Several times in one day are bars within the day, which are refused for that.
    if len(np.unique(days)) < moments.shape[1]:
        return
    times = np.unique(clock)
    # An exchange does not move by the clock of its own place, but by that of another.
    moves = len(times) == 2 and int(times[1] - times[0]) in (HOUR, DAY - HOUR)
    weekdays = set(((days.astype(np.int64) + 3) % 7).tolist())
    early = len(days) >= WEEK and SUNDAY in weekdays and FRIDAY not in weekdays
    if utc or moves or early:
        row = int(np.argmax(clock != 0))
        shown = [f"{time // HOUR:02d}:{time % HOUR:02d}" for time in times.tolist()[:4]]
        raise DataError(
            f"daily bars at {' and '.join(shown)}{' UTC' if utc else ''}: "
            "a midnight elsewhere",
            symbol=symbol,
            session=str(days[row]),
            value=f"{days[row]} {clock[row] // HOUR:02d}:{clock[row] % HOUR:02d}",
            valid="give local dates, the days on which the exchange traded: "
            "frame.index = frame.index.tz_convert('Europe/Berlin').date",
        )
