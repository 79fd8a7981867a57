"""``explain``: open one forecast of a panel's bars."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from bt_lstm_rotation.checks import check_date, check_kind
from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.explaining.explanation import Explanation
from bt_lstm_rotation.explaining.opened import explained
from bt_lstm_rotation.forecasting import ForecastSpec, Training
from bt_lstm_rotation.forecasting.walkforward.beside_panel import Beside, history_of
from bt_lstm_rotation.forecasting.walkforward.training import default_training
from bt_lstm_rotation.prices import PricePanel

__all__ = ["explain"]


def explain(
    prices: PricePanel,
    symbol: str,
    session: dt.date | None = None,
    *,
    spec: ForecastSpec | None = None,
    benchmark: str | None = None,
    beside: Beside | None = None,
    training: Training | None = None,
) -> Explanation:
    """Open one forecast: gates, gradients, shares, memory, and past bars like these.

    The network is the one that a backtest with the same settings would have in force on
    the session; if it is stored, it is not trained again. A vanilla RNN, a GRU and an
    LSTM are fitted on the same window, for comparison.

    Parameters
    ----------
    prices : PricePanel
    symbol : str
        Whose forecast.
    session : date, optional
        When; by default the symbol's last.
    spec : ForecastSpec, optional
        The network's settings; by default ``ForecastSpec()``. With inputs or context it
        is ``ForecastSpec().reading(inputs=..., context=...)``.
    benchmark : str, optional
        A symbol that is none of the sectors, and is left out.
    beside : Beside, optional
        Inputs, and context that is not among the prices. A series of the spec's that is
        among them is taken from there, and is no sector.
    training : Training, optional
        How fits are made; by default kept and shown, as `LSTMForecast` does.

    Raises
    ------
    DataError
        If there is no such symbol, it is the benchmark or context, it has no bar on the
        session, or there is no forecast yet.
    SpecError
        If an argument is of the wrong kind, `spec` is not a network's, or it reads what
        is not given.

    See Also
    --------
    explain_forecast : The same of an `LSTMForecast` in its run, with its lines.
    """
    check_kind("explain", "prices", prices, PricePanel, "a PricePanel")
    check_kind("explain", "symbol", symbol, str, "a symbol's name")
    check_kind("explain", "benchmark", benchmark, str | None, "a symbol, or None")
    check_kind("explain", "beside", beside, Beside | None, "a Beside(...), or None")
    spec = ForecastSpec() if spec is None else spec
    if not isinstance(spec, ForecastSpec):
        raise SpecError("explain", "spec", spec, "a ForecastSpec: networks have gates")
    check_date("explain", "session", session)
    training = default_training() if training is None else training
    panel, found = _split(prices, spec, benchmark, beside or Beside())
    if symbol in prices.symbols and symbol not in panel.symbols:
        raise DataError(
            "the benchmark, or context, of which there is no forecast",
            symbol=symbol,
            valid=f"one of {', '.join(panel.symbols)}",
        )
    return explained(
        history_of(panel, spec, found),
        spec,
        symbol,
        session,
        training=training,
        source=prices.source,
    )


def _split(
    prices: PricePanel, spec: ForecastSpec, benchmark: str | None, beside: Beside
) -> tuple[PricePanel, Beside]:
    """Return the sectors' bars, and what stands beside them, found among the prices."""
    series = [rule.name for rule in spec.context]
    others = {benchmark}
    if series and beside.context is None:
        others |= {*series}
        if priced := [name for name in series if name in prices.symbols]:
            beside = replace(beside, context=prices.select(priced))
    if beside.benchmark is None and benchmark in prices.symbols:
        beside = replace(beside, benchmark=prices.select([benchmark]))
    known = () if beside.context is None else beside.context.symbols
    for name in series:
        if name not in known:
            valid = "one whose context is among the prices, or in beside=Beside(...)"
            raise SpecError("explain", "spec", f"context {name!r}", valid)
    for rule in spec.inputs:
        if rule.name not in beside.inputs:
            valid = (
                "one whose inputs are in beside=Beside(inputs={...}); of lines of "
                "Backtrader, call explain_forecast(...) in the run that has them"
            )
            raise SpecError("explain", "spec", f"input {rule.name!r}", valid)
    panel = prices.select(name for name in prices.symbols if name not in others)
    return panel, beside
