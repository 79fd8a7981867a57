"""What each input brings to the forecasts of a run, if a report is asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bt_lstm_rotation.errors import DataError, StrategyError
from bt_lstm_rotation.evidence.importance.in_run import (
    RETRAINED,
    Retraining,
    ServedModels,
    check_permutable,
    measured_in_run,
)
from bt_lstm_rotation.feeds.naming import FeedLabels, feed_name
from bt_lstm_rotation.forecasting import BarHistory, ForecastSpec
from bt_lstm_rotation.indicators import Forecast
from bt_lstm_rotation.indicators.whole_bars import WholeBars
from bt_lstm_rotation.result import BacktestResult

__all__ = ["ImportanceOfRun"]


class ImportanceOfRun:
    """Watches the network behind some strategies, and permutes its inputs at the end.

    Parameters
    ----------
    strategies : sequence of bt.Strategy
    asked : {True, "retrained"}
        With the second, networks are also trained without each.

    Raises
    ------
    StrategyError
        If there is not one forecaster of all their forecasts.
    SpecError
        If it has no columns that could be permuted, or forecasts too few symbols.
    """

    def __init__(self, strategies: Sequence[Any], asked: bool | str = True) -> None:
        pools: dict[int, Any] = {}
        self._names: dict[str, str] = {}
        for strategy in strategies:
            labels = FeedLabels(strategy)
            for one in strategy.getindicators():
                if isinstance(one, Forecast):
                    pools[id(one.pool)] = one.pool
                    self._names[labels[one.data]] = feed_name(one.data)
        if len(pools) != 1:
            count = len(pools) or "none"
            raise StrategyError(
                "importance needs one network for all feeds that are forecast, such as "
                f"SectorRotation and LSTMForecast.pooled have (got {count})"
            )
        (self._pool,) = pools.values()
        check_permutable("RunReport", self._pool.spec, len(self._pool.symbols))
        self._models = ServedModels()
        self._pool.readers.append(self._models)
        self._retrains = asked == RETRAINED
        if self._retrains and self._pool.beside:
            # Without an input there are the bars on which it was missing.
            rules = self._pool.beside.rules
            self._pool.whole = WholeBars(self._pool.symbols, rules)

    def measured(self, result: BacktestResult) -> BacktestResult:
        """Return a result with what was found; or with a note, if nothing could be."""
        pool, summary = self._pool, result.summary
        try:
            table, figures = measured_in_run(
                pool.spec,
                self._models.served(pool.history),
                result.forecasts,
                self._names,
                Retraining(self._bars, pool.training) if self._retrains else None,
            )
        except DataError as error:
            return self.unmeasured(result, str(error))
        return replace(
            result, importance=table, summary={**summary, "importance": figures}
        )

    def unmeasured(self, result: BacktestResult, reason: str) -> BacktestResult:
        """Return a result with a note that nothing was found, and why."""
        note = f"What each input brings could not be measured: {reason}."
        notes = [*result.summary["notes"], note]
        return replace(result, summary={**result.summary, "notes": notes})

    def _bars(self, spec: ForecastSpec) -> BarHistory:
        """Return the bars of a network that reads less, with what it reads."""
        whole = self._pool.whole
        history: BarHistory = self._pool.history
        return history if whole is None else whole.read_by(spec)
