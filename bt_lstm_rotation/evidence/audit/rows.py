"""Bars as numbers, with the future cut off or altered.

A world keeps every bar up to a moment. Those after it are left out, or the next few
are kept and altered: by a tenth or so each and independently, so that whatever looks at
them sees something else. Altered bars are valid still, and their dates are true.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["TAIL", "WHOLE", "Rows", "World"]

# Altered bars that are kept: enough that a fit a month sees some.
TAIL: Final = 32
# How a feed's lines are altered, by name.
PRICES = ("open", "high", "low", "close")
AMOUNTS = ("volume", "openinterest")


@dataclass(frozen=True)
class World:
    """What is known in a run: all up to a moment, in Backtrader's days.

    Parameters
    ----------
    known : float
        Bars up to then are true.
    seed : int, optional
        Alters the next `TAIL` bars of each feed; None cuts them off.
    mirrored : bool
        Alters them the other way: what rose with the same seed falls.
    since : float
        Bars before are left out.
    opened : float, optional
        The next moment, of whose bars the open is known too.
    tail : int, optional
        How many altered bars of each feed are kept; None keeps all.
    gone : bool
        Rows to come of tables that are no bars are left out, though bars do come.
    """

    known: float = math.inf
    seed: int | None = None
    mirrored: bool = False
    since: float = -math.inf
    opened: float | None = None
    tail: int | None = TAIL
    gone: bool = False

    @property
    def is_cut(self) -> bool:
        """Whether nothing comes after what is known."""
        return math.isfinite(self.known) and self.seed is None


WHOLE: Final = World()


@dataclass(frozen=True, eq=False)
class Rows:
    """A feed's bars, as it delivers them before its filters.

    Parameters
    ----------
    names : tuple of str
        The lines' names.
    values : (n_bars, n_lines) float64
    at : (n_bars,) float64
        When each bar is dated, in UTC and Backtrader's days, ascending.
    name : str
        The feed's.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    at: NDArray[np.float64]
    name: str = ""

    def __len__(self) -> int:
        return len(self.at)

    def count(self, moment: float) -> int:
        """Return how many bars are dated up to a moment."""
        return int(np.searchsorted(self.at, moment, "right"))

    def in_world(self, world: World, stream: int) -> Rows:
        """Return the bars of a world; `stream` sets one feed's alterations apart.

        A feed that has not begun keeps altered bars even where the future is cut off:
        Backtrader cannot calculate on none, and the universe stays as it is.
        """
        known = self.count(world.known)
        first = int(np.searchsorted(self.at, world.since))
        if known == len(self):
            return self._part(first, known)
        if world.is_cut and known > first:
            return self._part(first, known)
        stop = len(self)
        if world.tail is not None:
            stop = min(stop, known + world.tail)
        values = self.values[:stop].copy()
        values[known:] = self._altered(slice(known, stop), world, stream)
        return replace(self._part(0, stop), values=values)._part(first, stop)

    def altered(self, world: World, stream: int) -> NDArray[np.float64]:
        """Return every bar altered, (n_bars, n_lines)."""
        return self._altered(slice(0, len(self)), world, stream)

    def _part(self, start: int, stop: int) -> Rows:
        return replace(self, values=self.values[start:stop], at=self.at[start:stop])

    def _altered(self, rows: slice, world: World, stream: int) -> NDArray[np.float64]:
        true = self.values[rows]
        values = true.copy()
        rng = np.random.default_rng([world.seed or 0, stream])
        noise = rng.normal(size=(len(self), len(self.names)))[rows]
        # Never small: a sign that is read ahead turns in one of two mirrored worlds.
        noise = np.sign(noise) * (0.5 + np.abs(noise))
        if world.mirrored:
            noise = -noise
        columns = {name: n for n, name in enumerate(self.names)}
        is_bar = all(name in columns for name in PRICES)
        apart = {"datetime", *(PRICES if is_bar else ())}
        for name, column in columns.items():
            if name in AMOUNTS:
                values[:, column] = np.round(true[:, column] * np.exp(noise[:, column]))
            elif name not in apart:
                values[:, column] = _elsewhere(
                    self.values[:, column], true[:, column], noise[:, column]
                )
        if is_bar:
            chosen = [columns[name] for name in PRICES]
            opens = np.exp(0.1 * noise[:, chosen[0]])
            if world.opened is not None:
                opens[self.at[rows] == world.opened] = 1.0
            closes = np.exp(0.1 * noise[:, chosen[3]])
            values[:, chosen] = _moved(true[:, chosen], opens, closes)
        return values


def _elsewhere(
    column: NDArray[np.float64],
    true: NDArray[np.float64],
    noise: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Alter a column: by shares where all of it is positive, else by deviations."""
    finite = column[np.isfinite(column)]
    if len(finite) and finite.min() > 0:
        return np.asarray(true * np.exp(0.1 * noise))
    deviation = float(finite.std()) if len(finite) else 0.0
    return np.asarray(true + (deviation or 1.0) * noise)


def _moved(
    prices: NDArray[np.float64],
    opens: NDArray[np.float64],
    closes: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Move opens and closes by factors, and the range with them: (n_bars, 4)."""
    opened, high, low, close = prices.T
    factor = np.minimum(opens, closes)
    new_open, new_close = opened * opens, close * closes
    above = (high - np.maximum(opened, close)) * factor
    below = (np.minimum(opened, close) - low) * factor
    new_high = np.maximum(new_open, new_close) + above
    new_low = np.minimum(new_open, new_close) - below
    return np.stack([new_open, new_high, new_low, new_close], axis=1)
