"""Backtests of a candidate and of its rivals, and what is measured of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.measures.annualisation import measured_periods
from bt_lstm_rotation.measures.distribution import session_returns
from bt_lstm_rotation.measures.equal_weight import equal_weight
from bt_lstm_rotation.measures.inference.diebold_mariano import session_losses
from bt_lstm_rotation.measures.information import wide_forecasts
from bt_lstm_rotation.measures.skill import session_ic
from bt_lstm_rotation.measures.units import restated_closes
from bt_lstm_rotation.result import BacktestResult

__all__ = ["Run"]

_Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Run:
    """A backtest, by session.

    Parameters
    ----------
    name : str
    horizon : int
        Bars that its forecasts look ahead over.
    result : BacktestResult
    """

    name: str
    horizon: int
    result: BacktestResult = field(repr=False)

    @cached_property
    def _wide(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        return wide_forecasts(self.result.forecasts)

    @property
    def forecast(self) -> _Floats:
        """Decimal returns, (n_sessions, n_symbols)."""
        return self._wide[0].to_numpy(dtype="float64")

    @property
    def realised(self) -> _Floats:
        """What came of them; NaN until it is known."""
        return self._wide[1].to_numpy(dtype="float64")

    def ic(self, *, ranks: bool = False) -> pd.Series[Any]:
        """Each session's information coefficient; NaN where there is none."""
        index = self._wide[0].index
        found = session_ic(self.forecast, self.realised, ranks=ranks)
        return pd.Series(found, index=index)

    @cached_property
    def losses(self) -> pd.Series[Any]:
        """Each session's mean squared error."""
        found = session_losses(self.forecast, self.realised)
        return pd.Series(found, index=self._wide[0].index)

    @cached_property
    def returns(self) -> pd.Series[Any]:
        """Decimal returns of the account, net of costs."""
        account = self.result.account
        return session_returns(account["equity"], account["flows"])

    @cached_property
    def equal_weight_worth(self) -> pd.Series[Any]:
        """What 1 becomes in equal parts of all symbols, evened out monthly."""
        result = self.result
        closes = restated_closes(result.bars, result.actions)
        symbols = [s for s in result.summary["data"]["symbols"] if s in closes]
        close = closes[symbols].reindex(result.account.index)
        return equal_weight(close)

    @cached_property
    def equal_weight(self) -> pd.Series[Any]:
        """Returns of that."""
        return session_returns(self.equal_weight_worth)

    @cached_property
    def benchmark(self) -> pd.Series[Any] | None:
        """Returns of the benchmark, if there is one."""
        if self.result.summary["benchmark"] is None:
            return None
        account = self.result.account
        return session_returns(account["benchmark"], account["flows"])

    @property
    def periods_a_year(self) -> float | None:
        """Sessions a year, by which ratios are annualised."""
        given = self.result.summary["metrics"]["periods_a_year"]
        if given is not None:
            return float(given)
        return measured_periods(pd.DatetimeIndex(self.result.account.index))

    @property
    def metrics(self) -> dict[str, Any]:
        """As in ``summary.json``."""
        return dict(self.result.summary["metrics"])
