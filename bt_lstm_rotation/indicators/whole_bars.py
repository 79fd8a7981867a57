"""Bars with all that came beside them, also those that a forecast leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bt_lstm_rotation.forecasting import BarHistory
from bt_lstm_rotation.forecasting.beside import RowJoiner, Rule, Usage, rules_of
from bt_lstm_rotation.forecasting.features.columns import BENCHMARK

__all__ = ["WholeBars"]


class WholeBars:
    """Every valid bar of some feeds, with the rows beside it as they came.

    A bar without one of them is none for a forecaster that reads it, and is one for
    another that does not: histories of both can be made of these.

    Parameters
    ----------
    symbols : sequence of str
    rules : sequence of rules
        How the rows are read, in their order.

    Attributes
    ----------
    bars : BarHistory
        Filled by whoever has the feeds; rows are NaN where one is missing.
    """

    def __init__(self, symbols: Sequence[str], rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        self.bars = BarHistory(symbols, tuple(rule.name for rule in rules))

    def read_by(self, spec: Any) -> BarHistory:
        """Return the history of a forecaster that reads some of the rows."""
        names = {rule.name for rule in rules_of(spec)}
        if any(column.needs_benchmark for column in spec.feature_columns):
            names.add(BENCHMARK)
        rules = [rule for rule in self._rules if rule.name in names]
        places = [5 + self._rules.index(rule) for rule in rules]
        usage = {rule.name: Usage() for rule in rules}
        history = BarHistory(self.bars.symbols, tuple(usage))
        sessions = self.bars.sessions()
        counts = self.bars.counts(sessions).max(axis=0, initial=0).tolist()
        for symbol, count in zip(self.bars.symbols, counts, strict=True):
            if not count:
                continue
            window = self.bars.window([symbol], sessions[-1:], count)
            dates, bars = window.dates[0, 0], window.bars[:, 0, 0]
            rows, kept = RowJoiner(rules, usage).join(bars[places])
            whole = np.concatenate([bars[:5], rows])
            history.extend(symbol, dates[kept], whole[:, kept])
        return history
