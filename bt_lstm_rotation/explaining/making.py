"""``explain``: make an `Explanation` of one forecast."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_date, check_kind
from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.explaining.explanation import Explanation
from bt_lstm_rotation.explaining.findings import CellView, Situation
from bt_lstm_rotation.explaining.served import Served, checked_session, serve
from bt_lstm_rotation.forecasting import EWMASpec, ForecastSpec, KalmanSpec, Training
from bt_lstm_rotation.forecasting.features import deviation, forward_return
from bt_lstm_rotation.forecasting.inside.attribution import integrated_gradients
from bt_lstm_rotation.forecasting.inside.filters import (
    ewma_response,
    kalman_response,
    network_response,
    written_feature,
)
from bt_lstm_rotation.forecasting.inside.neighbours import nearest
from bt_lstm_rotation.forecasting.inside.readout import part_of, readout
from bt_lstm_rotation.forecasting.inside.time_constants import (
    half_life,
    memories,
)
from bt_lstm_rotation.forecasting.inside.unrolled import unroll
from bt_lstm_rotation.forecasting.inside.vanishing import fading, gradient_norms
from bt_lstm_rotation.forecasting.recurrent.columns import own_columns
from bt_lstm_rotation.forecasting.recurrent.network import Cell, Network
from bt_lstm_rotation.forecasting.walkforward.training import default_training
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.prices import PricePanel

__all__ = ["explain"]

Array = NDArray[np.float64]

CELLS: Final[tuple[Cell, ...]] = ("lstm", "gru", "rnn")

# Past bars that are shown.
SITUATIONS: Final = 12


def explain(
    prices: PricePanel,
    symbol: str,
    session: dt.date | None = None,
    *,
    spec: ForecastSpec | None = None,
    benchmark: str | None = None,
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
        The network's settings; by default ``ForecastSpec()``.
    benchmark : str, optional
        A symbol that is none of the sectors, and is left out.
    training : Training, optional
        How fits are made; by default kept and shown, as `LSTMForecast` does.

    Raises
    ------
    DataError
        If there is no such symbol, no bar on the session, or no forecast yet.
    SpecError
        If an argument is of the wrong kind, or `spec` is not a network's.
    """
    check_kind("explain", "prices", prices, PricePanel, "a PricePanel")
    check_kind("explain", "symbol", symbol, str, "a symbol's name")
    spec = ForecastSpec() if spec is None else spec
    if not isinstance(spec, ForecastSpec):
        raise SpecError("explain", "spec", spec, "a ForecastSpec: networks have gates")
    if spec.extra:
        valid = "without inputs and context, which a panel does not have"
        raise SpecError("explain", "spec", ", ".join(spec.extra), valid)
    names = [name for name in prices.symbols if name != benchmark]
    panel = prices.select(names)
    check_date("explain", "session", session)
    day = checked_session(panel, symbol, session)
    training = default_training() if training is None else training
    order: list[Cell] = [spec.cell, *(cell for cell in CELLS if cell != spec.cell)]
    served = {
        cell: serve(panel, replace(spec, cell=cell), day, training) for cell in order
    }
    return _explained(spec, symbol, served, panel.source)


def _explained(
    spec: ForecastSpec, symbol: str, served: dict[Cell, Served], source: str
) -> Explanation:
    own = served[spec.cell]
    if symbol not in own.model.symbols:
        raise DataError(
            f"not among those that the fit of {own.made_at} was made of",
            symbol=symbol,
            valid=f"it has {', '.join(own.model.symbols)}",
        )
    function, inputs = readout(own.model, own.read, symbol)
    (network, *_) = function.part.networks
    past = _Past.of(spec, own, symbol)
    states = unroll(network, past.inputs)[-1].hidden
    begun = spec.forecaster().begun(own.made_at)
    # What the head would give each unit, had it been solved for at the start, is not
    # asked: before training it is zero.
    at_start = memories(begun, unroll(begun, past.inputs)[-1].hidden)
    row = own.read.symbols.index(symbol)
    found = unroll(network, inputs)[-1].values
    by_time = _by_time_constant(network, found)
    features = own_columns(spec, own.read)[row]
    usable = states[:, spec.lookback - 1 : spec.train_size]
    return Explanation(
        symbol=symbol,
        session=own.read.dates[row, -1].astype(object),
        fitted_at=own.made_at.astype("datetime64[D]").astype(object),
        source=source,
        cell=spec.cell,
        horizon=spec.horizon,
        relative=spec.target == "relative",
        dates=own.read.dates[row, -spec.lookback :],
        features={name: features[:, i] for i, name in enumerate(spec.features)},
        gates={name: values[:, by_time] for name, values in found.items()},
        memories=memories(network, states),
        memories_at_start=at_start,
        attribution=integrated_gradients(function, inputs),
        cells={cell: _view(one, symbol) for cell, one in served.items()},
        responses=_responses(spec, own, symbol),
        situations=tuple(
            Situation(
                past.symbols[one.row],
                past.dates[one.row, one.bar + spec.lookback - 1].astype(object),
                one.distance,
                float(past.followed[one.row, one.bar + spec.lookback - 1]),
            )
            for one in nearest(
                usable, found["hidden"][-1], count=SITUATIONS, apart=spec.horizon
            )
        ),
    )


class _Past:
    """The bars of a fit that share a network with a symbol, and what followed them.

    Attributes
    ----------
    symbols : tuple of str
    dates : (n_symbols, n_bars) datetime64[D]
    inputs : (n_symbols, n_bars, n_features) float32
    followed : (n_symbols, train_size) float64
        Decimal returns over the horizon, as the network learns them.
    """

    def __init__(
        self,
        symbols: tuple[str, ...],
        dates: NDArray[np.datetime64],
        inputs: NDArray[np.float32],
        followed: Array,
    ) -> None:
        self.symbols, self.dates = symbols, dates
        self.inputs, self.followed = inputs, followed

    @classmethod
    def of(cls, spec: ForecastSpec, served: Served, symbol: str) -> _Past:
        window, skip = served.fitted_on, spec.skipped
        features = own_columns(spec, window)
        followed = forward_return(window, spec.horizon)[:, skip:]
        dates = window.dates[:, skip:]
        if spec.target == "relative":
            followed = deviation(followed, dates[:, : followed.shape[1]])
        rows = list(range(len(window.symbols)))
        if not spec.pooled:
            rows = [window.symbols.index(symbol)]
        part = part_of(served.model, symbol)
        return cls(
            tuple(window.symbols[row] for row in rows),
            dates[rows],
            part.scaler.inputs(features[rows]),
            followed[rows],
        )


def _view(served: Served, symbol: str) -> CellView:
    function, inputs = readout(served.model, served.read, symbol)
    slopes = np.linalg.norm(function.gradient(inputs), axis=-1)
    norms = gradient_norms(function.part.networks[0], inputs[None])
    return CellView(
        forecast=float(function.forecast(inputs)),
        gradient=slopes[::-1],
        half_life=half_life(slopes),
        norms=norms,
        keeps=fading(norms),
    )


def _responses(spec: ForecastSpec, served: Served, symbol: str) -> dict[str, Array]:
    function, inputs = readout(served.model, served.read, symbol)
    feature, count = written_feature(spec.feature_columns), spec.lookback
    shared = {
        "horizon": spec.horizon,
        "train_size": spec.train_size,
        "lookback": spec.lookback,
        "target": spec.target,
    }
    ewma, kalman = EWMASpec(**shared), KalmanSpec(**shared)  # type: ignore[arg-type]
    at_rest = np.zeros_like(inputs)
    name = spec.cell.upper()
    return {
        f"{name} at the mean bar": network_response(function, at_rest, feature),
        f"{name} at these bars": network_response(function, inputs, feature),
        "EWMA": ewma_response(_rival(ewma, served), count),
        "Kalman filter": kalman_response(_rival(kalman, served), count),
    }


def _rival(spec: EWMASpec | KalmanSpec, served: Served) -> object:
    """Fit a filter on the last bars of the network's window."""
    window, bars = served.fitted_on, min(spec.fit_bars, served.fitted_on.n_bars)
    last = Window(window.symbols, window.dates[:, -bars:], window.bars[:, :, -bars:])
    return spec.forecaster().fit(last, served.made_at).model


def _by_time_constant(
    network: Network, values: Mapping[str, Array]
) -> NDArray[np.int64]:
    """Order units by the share of their state that they keep, the shortest first."""
    shares = np.abs(np.diag(network.layers[-1].recurrent)).astype(np.float64)
    for gate in ("forget_gate", "update_gate"):
        if gate in values:
            shares = values[gate].mean(axis=0)
    return np.argsort(shares, kind="stable")
