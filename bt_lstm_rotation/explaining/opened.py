"""A forecast, opened: from bars with all that is read beside them to an Explanation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.explaining.explanation import Explanation
from bt_lstm_rotation.explaining.findings import CellView, Situation
from bt_lstm_rotation.explaining.past import Past
from bt_lstm_rotation.explaining.served import Served, checked_session, serve
from bt_lstm_rotation.forecasting import (
    BarHistory,
    EWMASpec,
    ForecastSpec,
    KalmanSpec,
    Training,
)
from bt_lstm_rotation.forecasting.inside.attribution import integrated_gradients
from bt_lstm_rotation.forecasting.inside.filters import (
    ewma_response,
    kalman_response,
    network_response,
    written_feature,
)
from bt_lstm_rotation.forecasting.inside.neighbours import nearest
from bt_lstm_rotation.forecasting.inside.readout import Readout, readout
from bt_lstm_rotation.forecasting.inside.time_constants import (
    half_life,
    memories,
)
from bt_lstm_rotation.forecasting.inside.unrolled import unroll
from bt_lstm_rotation.forecasting.inside.vanishing import fading, gradient_norms
from bt_lstm_rotation.forecasting.recurrent.columns import columns_read
from bt_lstm_rotation.forecasting.recurrent.network import Cell, Network
from bt_lstm_rotation.forecasting.window import Window

__all__ = ["explained"]

Array = NDArray[np.float64]

CELLS: Final[tuple[Cell, ...]] = ("lstm", "gru", "rnn")

# Past bars that are shown.
SITUATIONS: Final = 12


def explained(
    history: BarHistory,
    spec: ForecastSpec,
    symbol: str,
    session: dt.date | None,
    *,
    training: Training,
    source: str,
) -> Explanation:
    """Explain the forecast of a symbol at a session, by default its last.

    Raises DataError if there is no such symbol, no bar on the session, or no forecast.
    """
    day = checked_session(history, symbol, session)
    order: list[Cell] = [spec.cell, *(cell for cell in CELLS if cell != spec.cell)]
    served = {
        cell: serve(history, replace(spec, cell=cell), day, training) for cell in order
    }
    own = served[spec.cell]
    if symbol not in own.model.symbols:
        raise DataError(
            f"not among those that the fit of {own.made_at} was made of",
            symbol=symbol,
            valid=f"it has {', '.join(own.model.symbols)}",
        )
    function, inputs = readout(own.model, own.read, symbol)
    (network, *_) = function.part.networks
    past = Past.of(spec, own, symbol)
    begun = spec.forecaster().begun(own.made_at)
    # What the head would give each unit, had it been solved for at the start, is not
    # asked: before training it is zero.
    at_start = memories(begun, unroll(begun, past.inputs)[-1].hidden)
    row = own.read.symbols.index(symbol)
    gates, beside = _gates(function, inputs)
    return Explanation(
        symbol=symbol,
        session=own.read.dates[row, -1].astype(object),
        fitted_at=own.made_at.astype("datetime64[D]").astype(object),
        source=source,
        cell=spec.cell,
        horizon=spec.horizon,
        relative=spec.target == "relative",
        dates=own.read.dates[row, -spec.lookback :],
        features=_features(own, row),
        kinds={column.name: column.kind for column in columns_read(spec)},
        gates=_by_time_constant(network, gates),
        context_gates={
            name: values
            for branch in function.part.context[:1]
            for name, values in _by_time_constant(branch.network, beside).items()
        },
        memories=memories(network, past.states),
        memories_at_start=at_start,
        filtered=float(function.filtered(inputs)) if function.part.filters else None,
        attribution=integrated_gradients(function, inputs),
        cells={cell: _view(one, symbol) for cell, one in served.items()},
        responses=_responses(spec, own, symbol),
        situations=_situations(spec, past, gates, beside),
    )


def _features(served: Served, row: int) -> dict[str, Array]:
    """Return what is read of a symbol's bars, in its own units."""
    own, context = served.model.read(served.read)
    read = own[row] if context is None else np.hstack([own[row], context[row]])
    columns = columns_read(served.model.spec)
    return {column.name: values for column, values in zip(columns, read.T, strict=True)}


def _gates(
    function: Readout, inputs: Array
) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
    """Return the first member's last layer, and that of its network over context."""
    own, context = np.split(inputs, [function.n_own], axis=-1)
    gates = unroll(function.part.networks[0], own)[-1].values
    if not function.part.context:
        return gates, {}
    return gates, unroll(function.part.context[0].network, context)[-1].values


def _situations(
    spec: ForecastSpec,
    past: Past,
    gates: Mapping[str, Array],
    beside: Mapping[str, Array],
) -> tuple[Situation, ...]:
    """Find the past bars after which the head read nearly what it reads now."""
    states = np.concatenate([past.states, past.context], axis=-1)
    usable = states[:, spec.lookback - 1 : spec.train_size]
    parts = [found["hidden"][-1] for found in (gates, beside) if found]
    return tuple(
        Situation(
            past.symbols[one.row],
            past.dates[one.row, one.bar + spec.lookback - 1].astype(object),
            one.distance,
            float(past.followed[one.row, one.bar + spec.lookback - 1]),
        )
        for one in nearest(
            usable, np.concatenate(parts), count=SITUATIONS, apart=spec.horizon
        )
    )


def _view(served: Served, symbol: str) -> CellView:
    function, inputs = readout(served.model, served.read, symbol)
    slopes = np.linalg.norm(function.gradient(inputs), axis=-1)
    own = inputs[None, :, : function.n_own]
    norms = gradient_norms(function.part.networks[0], own)
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
    last = Window(window.symbols, window.dates[:, -bars:], window.bars[:5, :, -bars:])
    return spec.forecaster().fit(last, served.made_at).model


def _by_time_constant(
    network: Network, values: Mapping[str, Array]
) -> dict[str, Array]:
    """Order units by the share of their state that they keep, the shortest first."""
    shares = np.abs(np.diag(network.layers[-1].recurrent)).astype(np.float64)
    for gate in ("forget_gate", "update_gate"):
        if gate in values:
            shares = values[gate].mean(axis=0)
    order = np.argsort(shares, kind="stable")
    return {name: array[:, order] for name, array in values.items()}
