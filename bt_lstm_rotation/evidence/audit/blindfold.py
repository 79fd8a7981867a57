"""A run in which every bar is altered until its session comes.

Backtrader keeps all bars behind the lines that a strategy reads. Here they are false
from the next one on, and each becomes true just before it is shown, so that one run
tells of every session in which a bar or a value was read ahead of its time. What is
calculated ahead of the run has been calculated by then, of true bars.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

import backtrader as bt
import numpy as np

from bt_lstm_rotation.evidence.audit.rows import Rows, World

__all__ = ["blindfold"]


def blindfold(cerebro: Any, world: World) -> None:
    """Hide the future of a Cerebro that is about to begin; nothing if it loads none."""
    if not cerebro._dopreload:
        return
    veils = [_Veil(feed, world, n) for n, feed in enumerate(cerebro.datas)]
    if not cerebro._dorunonce:
        for veil in veils:
            veil.fall()
        return
    waiting = list(cerebro.runningstrats)
    for strategy in cerebro.runningstrats:
        strategy.reset = _Reset(strategy, waiting, veils, world)


class _Reset:
    """What a strategy is reset by, once its indicators have been calculated."""

    def __init__(
        self, strategy: Any, waiting: list[Any], veils: list[Any], world: World
    ) -> None:
        self._strategy, self._waiting = strategy, waiting
        self._veils, self._world = veils, world

    def __call__(self) -> None:
        type(self._strategy).reset(self._strategy)
        if self._strategy in self._waiting:
            self._waiting.remove(self._strategy)
        for number, indicator in enumerate(
            self._strategy._lineiterators[bt.LineIterator.IndType], len(self._veils)
        ):
            _Veil(indicator, self._world, number).fall()
        if not self._waiting:
            for veil in self._veils:
                veil.fall()


class _Veil:
    """Hides what comes after the last value that a feed or an indicator shows."""

    def __init__(self, series: Any, world: World, stream: int) -> None:
        self._series, self._world, self._stream = series, world, stream
        single = isinstance(series, bt.LineBuffer)
        self._lines = [series] if single else list(series.lines)
        names = [""] if single else list(series.getlinealiases())
        self._names = names[: len(self._lines)]
        self._true: list[list[float]] = []
        self._false: list[list[float]] = []

    def fall(self) -> None:
        """Alter all values, and have each shown when it is its turn."""
        series = self._series
        if self._true or not len(self._lines[0].array):
            return
        values = np.array([list(line.array) for line in self._lines], dtype=np.float64)
        rows = Rows(
            tuple(self._names), values.T, np.arange(values.shape[1], dtype=float)
        )
        altered = rows.altered(self._world, self._stream).T
        self._true, self._false = values.tolist(), altered.tolist()
        shown = self._lines[0].idx + 1
        for line, true, false in zip(self._lines, self._true, self._false, strict=True):
            line.array[shown:] = array("d", false[shown:])
            line.array[:shown] = array("d", true[:shown])
        series.advance = self.advance
        series.rewind = self.rewind

    def advance(self, size: int = 1, *args: Any, **kwargs: Any) -> None:
        """Show the next values, and go there."""
        self._show(range(self._lines[0].idx + 1, self._lines[0].idx + 1 + size))
        type(self._series).advance(self._series, size, *args, **kwargs)

    def rewind(self, size: int = 1) -> None:
        """Go back, and hide again."""
        last = self._lines[0].idx
        type(self._series).rewind(self._series, size)
        for line, false in zip(self._lines, self._false, strict=True):
            for row in range(last - size + 1, last + 1):
                line.array[row] = false[row]

    def _show(self, rows: Iterable[int]) -> None:
        for row in rows:
            for line, true in zip(self._lines, self._true, strict=True):
                if row < len(true):
                    line.array[row] = true[row]
