"""Simulated bars on which features are proved: the same for everybody, and nobody's.

They have what leaks hide in: ends of months and years, jumps, holidays, and symbols
that miss sessions others have.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.window import Window

__all__ = ["Scene", "made_scene"]

SYMBOLS = ("A", "B", "C", "D")
SEED = 1_987

# Of the sessions, those on which nobody trades; of the returns, those that jump.
HOLIDAYS, JUMPS = 0.03, 0.02

# Sessions that each symbol but the first misses, some of them in a row.
MISSED, IN_A_ROW = 60, 12

# Other bars that the future may be replaced by.
FUTURES = 3


@dataclass(frozen=True, eq=False)
class Scene:
    """Bars of some symbols, and others that may come in the place of the later ones.

    Parameters
    ----------
    window : Window
        ``(n_symbols, n_bars)``, with its extra rows.
    futures : tuple of (n_rows, n_symbols, n_bars) float64
        Bars that differ from the window's everywhere.
    """

    window: Window
    futures: tuple[NDArray[np.float64], ...]

    def scrambled(self, session: np.datetime64, future: int = 0) -> Window:
        """Replace all that comes after a session, the dates of later bars as well."""
        window, other = self.window, self.futures[future]
        later = window.dates > session
        days = np.unique(window.dates[later])
        rng = np.random.default_rng([SEED, future])
        steps = np.cumsum(rng.integers(1, 4, size=len(days)))
        moved = np.busday_offset(session, steps, roll="backward")
        dates = window.dates.copy()
        dates[later] = moved[np.searchsorted(days, dates[later])]
        return replace(window, dates=dates, bars=np.where(later, other, window.bars))

    def part(self, columns: slice) -> Window:
        """Cut some bars out, of all symbols."""
        window = self.window
        return replace(
            window, dates=window.dates[:, columns], bars=window.bars[..., columns]
        )

    def cuts(self, since: int, most: int) -> list[np.datetime64]:
        """Choose sessions to cut at, which have at least `since` bars of all before.

        Ends of months, what is before and after jumps and holes, and some at random.
        """
        window = self.window
        days = np.unique(window.dates)[:-1]
        days = days[days >= window.dates[:, since].max()]
        own = window.dates[:, since:-1]
        following = window.dates[:, since + 1 :]
        change = np.abs(np.diff(np.log(window.close[:, since:])))
        jumped = change > 4 * np.median(change)
        hole = following - own > np.timedelta64(4, "D")
        months = days.astype("datetime64[M]")
        kinds = [
            days[:-1][months[1:] > months[:-1]],
            *(dates[where] for dates in (own, following) for where in (jumped, hole)),
            days,
        ]
        rng, chosen = np.random.default_rng(SEED), set[np.datetime64]()
        for number, kind in enumerate(kinds):
            fresh = sorted(set(kind) & set(days) - chosen)
            # The first kind, where leaks are commonest, is taken whole.
            share = most if number == 0 else -(-most // len(kinds))
            count = min(len(fresh), share)
            chosen |= {fresh[at] for at in rng.permutation(len(fresh))[:count]}
        return sorted(chosen)


@functools.lru_cache(maxsize=16)
def made_scene(
    n_bars: int,
    *,
    first: str = "2004-03-01",
    holes: bool = False,
    extra: tuple[str, ...] = ("benchmark",),
) -> Scene:
    """Make a scene of so many bars from a first session on.

    With holes, symbols miss sessions that others have, and so bars in one column have
    different dates. Extra rows are prices by date, such as a benchmark's.
    """
    n_sessions = n_bars + (MISSED if holes else 0)
    rng = np.random.default_rng(SEED)
    ahead = np.arange(int(n_sessions * (1 + 3 * HOLIDAYS)) + 20)
    weekdays = np.busday_offset(np.datetime64(first, "D"), ahead, "forward")
    sessions = weekdays[rng.uniform(size=len(weekdays)) >= HOLIDAYS][:n_sessions]
    rows = np.stack(
        [
            _traded(rng, n_sessions, n_bars, n if holes else 0)
            for n in range(len(SYMBOLS))
        ]
    )
    columns = np.arange(len(SYMBOLS))[:, None]

    def bars(number: int) -> NDArray[np.float64]:
        simulated = _simulated(np.random.default_rng([SEED, number]), n_sessions, extra)
        laid: NDArray[np.float64] = simulated[:, rows, columns]
        return laid

    window = Window(SYMBOLS, sessions[rows], bars(0), extra)
    return Scene(window, tuple(bars(number + 1) for number in range(FUTURES)))


def _traded(
    rng: np.random.Generator, n_sessions: int, n_bars: int, number: int
) -> NDArray[np.int64]:
    """Choose the sessions of a symbol; the first one has all of the latest."""
    there = np.ones(n_sessions, dtype=bool)
    missed = n_sessions - n_bars
    if not number:
        there[:missed] = False
    else:
        halt = int(rng.integers(n_sessions // 2, n_sessions - IN_A_ROW))
        there[halt : halt + IN_A_ROW] = False
        left = rng.permutation(np.flatnonzero(there))
        there[left[: missed - IN_A_ROW]] = False
    return np.flatnonzero(there)


def _simulated(
    rng: np.random.Generator, n_sessions: int, extra: tuple[str, ...]
) -> NDArray[np.float64]:
    """Draw (5 + n_extra, n_sessions, n_symbols) prices, volumes and extra rows."""
    shape = (n_sessions, len(SYMBOLS))

    def walk(size: tuple[int, ...]) -> NDArray[np.float64]:
        jumps = np.where(rng.uniform(size=size) < JUMPS, 6.0, 1.0)
        steps = rng.normal(0.0, 0.011, size) * jumps
        # Drawn back a little, so that no price leaves the range of prices.
        level = np.zeros(size)
        level[0] = rng.normal(0.0, 0.1, size[1:])
        for row in range(1, len(level)):
            level[row] = 0.998 * level[row - 1] + steps[row]
        return level

    close = 50.0 * np.exp(walk(shape) + walk((n_sessions, 1)))
    before = np.vstack([close[:1], close[:-1]])
    opened = before * np.exp(rng.normal(0.0, 0.006, shape))
    high = np.maximum(opened, close) * np.exp(rng.exponential(0.004, shape))
    low = np.minimum(opened, close) * np.exp(-rng.exponential(0.004, shape))
    volume = np.round(1e6 * np.exp(rng.normal(0.0, 0.5, shape)))
    rows = [
        np.broadcast_to(100.0 * np.exp(walk((n_sessions, 1))), shape) for _ in extra
    ]
    return np.stack([opened, high, low, close, volume, *rows])
