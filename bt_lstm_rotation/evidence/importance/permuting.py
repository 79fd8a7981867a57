"""Forecasts of trained networks from columns that are not their own.

A symbol is shown the columns, its whole lookback, of one that is drawn for it, itself
included, anew for each session and from those with a forecast at the same close. What
they say of the market and of its volatility stays; which symbol they are about does
not, and nothing of a later session is read. All permutations are as likely: over all of
them a column's correlation with what came is 0, so that whoever brings all the skill
there is loses all of it; were no symbol to keep its own, it would be below 0.

What is the same for every symbol, such as context, is turned round in time instead:
every session is shown the lookback of the session so many later, and the last ones that
of the first, at least so far apart that the two have no bar in common. The series stays
whole, and with it its own dependence, as a block as long as the sample [1]_. That is a
measurement of forecasts long made: none that is served is made so.

References
----------
.. [1] D. N. Politis and J. P. Romano (1992), A circular block-resampling procedure for
   stationary data, in Exploring the Limits of Bootstrap, Wiley.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.evidence.importance.groups import Group
from bt_lstm_rotation.forecasting.recurrent.model import RecurrentModel
from bt_lstm_rotation.forecasting.walkforward.ensemble import mean_and_deviation
from bt_lstm_rotation.forecasting.window import BarHistory

__all__ = ["Block", "Draw", "Served", "Sources"]

Array = NDArray[np.float64]
Places = NDArray[np.intp]


class Sources(Protocol):
    """Where what is shown comes from."""

    def symbols(self, session: np.datetime64, count: int) -> Places:
        """Return whose columns each of so many symbols is shown, (count,)."""
        ...

    def sessions(self, count: int) -> Places:
        """Return which session each of so many is shown, (count,)."""
        ...


@dataclass(frozen=True)
class Draw:
    """A random permutation, the same wherever a session stands in a block.

    Parameters
    ----------
    seed, number : int
        All that it depends on beside the session; number counts permutations.
    apart : int
        Sessions that lie between a session and the one it is shown, where there are
        enough of them.
    """

    seed: int
    number: int
    apart: int

    def symbols(self, session: np.datetime64, count: int) -> Places:
        """Draw a permutation of all symbols."""
        day = int(session.astype("datetime64[D]").astype(np.int64)) % 2**32
        return np.random.default_rng([self.seed, self.number, day]).permutation(count)

    def sessions(self, count: int) -> Places:
        """Turn all sessions round by a random number of them."""
        apart = min(self.apart, count // 2)
        rng = np.random.default_rng([self.seed, self.number])
        by = int(rng.integers(apart, max(count - apart, apart), endpoint=True))
        return np.roll(np.arange(count), -by)


@dataclass(frozen=True, eq=False)
class Block:
    """Sessions that one model forecasts together, for the same symbols."""

    model: RecurrentModel
    symbols: tuple[str, ...]
    sessions: NDArray[np.datetime64]


@dataclass(frozen=True, eq=False)
class Served:
    """A walk forward as it was served: which model forecast what.

    Parameters
    ----------
    history : BarHistory
        The bars, and what stands beside them.
    blocks : sequence of Block
        No session is in two of them.
    """

    history: BarHistory
    blocks: Sequence[Block] = field(repr=False)

    @cached_property
    def sessions(self) -> NDArray[np.datetime64]:
        """All sessions with a forecast, ascending."""
        return np.sort(np.concatenate([block.sessions for block in self.blocks]))

    def permuted(
        self, groups: Sequence[Group], sources: Sequence[Sources]
    ) -> NDArray[np.float64]:
        """Forecast with each group's columns from elsewhere.

        Returns
        -------
        (n_groups, n_sources, n_sessions, n_symbols) float64
            Decimal returns, rows as `sessions`, columns as in ``history.symbols``.
        """
        count, names = len(self.sessions), self.history.symbols
        values = np.full((len(groups), len(sources), count, len(names)), np.nan)
        turned = [source.sessions(count) for source in sources]
        for block in self.blocks:
            own, context = self._read(block)
            rows = np.searchsorted(self.sessions, block.sessions)
            columns = np.searchsorted(names, block.symbols)
            for number, source in enumerate(sources):
                whose = np.stack(
                    [source.symbols(day, len(columns)) for day in block.sessions]
                )
                elsewhere = self._alike[turned[number][rows]]
                for place, group in enumerate(groups):
                    shown = self._shown(group, own, context, whose, elsewhere)
                    members = block.model.answer(block.symbols, *shown)
                    into = values[place, number]
                    into[np.ix_(rows, columns)] = mean_and_deviation(members)[0]
        return values

    def _shown(
        self,
        group: Group,
        own: Array,
        context: Array | None,
        whose: Places,
        elsewhere: Array,
    ) -> tuple[Array, Array | None]:
        """Return columns as read, but a group's from elsewhere."""
        own = own.copy()
        for member in group.own:
            for column in member:
                if self._same[list(member)].all():
                    own[..., column] = elsewhere[:, None, :, column]
                else:
                    taken = np.take_along_axis(
                        own[..., column], whose[:, :, None], axis=1
                    )
                    own[..., column] = taken
        if context is not None and group.context:
            context = context.copy()
            for column in group.context:
                other = elsewhere[:, None, :, own.shape[-1] + column]
                context[..., column] = other
        return own, context

    def _read(self, block: Block) -> tuple[Array, Array | None]:
        bars = block.model.spec.forecast_bars
        window = self.history.window(block.symbols, block.sessions, bars)
        return block.model.read(window)

    @cached_property
    def _same(self) -> NDArray[np.bool_]:
        """Which own columns are the same for every symbol, always, (n_columns,)."""
        same = np.ones(len(self.blocks[0].model.spec.signs), dtype=bool)
        for block in self.blocks:
            own, _ = self._read(block)
            first = own[:, :1]
            alike = (own == first) | (np.isnan(own) & np.isnan(first))
            same &= alike.all(axis=(0, 1, 2))
            if not same.any():
                break
        return same

    @cached_property
    def _alike(self) -> Array:
        """What is the same for every symbol, as the first one has it.

        (n_sessions, lookback, n_columns + n_context); without any such thing, nothing
        is read, and lookback is 0.
        """
        spec = self.blocks[0].model.spec
        width = len(spec.signs) + len(spec.context)
        wanted = bool(self._same.any() or spec.context)
        steps = spec.lookback if wanted else 0
        found = np.full((len(self.sessions), steps, width), np.nan)
        for block in self.blocks if wanted else ():
            own, context = self._read(block)
            parts = own if context is None else np.concatenate([own, context], axis=-1)
            found[np.searchsorted(self.sessions, block.sessions)] = parts[:, 0]
        return found
