"""A walk forward over all sessions of a panel, without Backtrader."""

from __future__ import annotations

import logging

import numpy as np

from bt_lstm_rotation.checks import check_kind
from bt_lstm_rotation.forecasting.forecaster import Spec
from bt_lstm_rotation.forecasting.walkforward.beside_panel import Beside, history_of
from bt_lstm_rotation.forecasting.walkforward.calendar import first_forecast
from bt_lstm_rotation.forecasting.walkforward.records import Forecasts
from bt_lstm_rotation.forecasting.walkforward.training import Training
from bt_lstm_rotation.forecasting.walkforward.walk import WalkForward
from bt_lstm_rotation.prices import PricePanel

__all__ = ["walk_forward"]

logger = logging.getLogger(__name__)


def walk_forward(
    panel: PricePanel,
    spec: Spec,
    *,
    start: np.datetime64 | None = None,
    training: Training | None = None,
    beside: Beside | None = None,
) -> Forecasts:
    """Forecast every session of a panel, from `start` on if given.

    The panel has the sectors' bars, without the benchmark; symbols keep its order.
    `beside` is what stands beside them, where the spec has inputs or context.

    Raises
    ------
    HistoryError, SpecError
        If no forecast is possible at all, as `first_forecast` says, or the spec reads
        an input or a series that is not given.
    FitsError
        If every fit fails.
    """
    check_kind("walk_forward", "panel", panel, PricePanel, "a PricePanel")
    check_kind(
        "walk_forward", "beside", beside, Beside | None, "a Beside(...), or None"
    )
    panel.check_carried()
    first_forecast(panel, spec)
    history = history_of(panel, spec, beside or Beside())
    walk = WalkForward(spec, history, start=start, training=training)
    order = [history.symbols.index(symbol) for symbol in panel.symbols]
    values, dispersion = walk.forecast(panel.sessions)[:, :, order]
    if failure := walk.failure():
        logger.warning("%s", failure)
    return Forecasts(
        panel.sessions, panel.symbols, values, dispersion, tuple(walk.fits_)
    )
