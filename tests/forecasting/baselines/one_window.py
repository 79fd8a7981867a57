"""A single window and the fit of it, for tests of a forecaster's parts."""

from __future__ import annotations

import numpy as np

from bt_lstm_rotation.forecasting.forecaster import Fit, Spec
from bt_lstm_rotation.forecasting.window import BarHistory, Window
from bt_lstm_rotation.prices import PricePanel


def last_window(panel: PricePanel, n_bars: int) -> Window:
    """The last bars of all symbols, (n_symbols, n_bars), as a fit is shown them."""
    stack = BarHistory.from_panel(panel).window(
        panel.symbols, panel.sessions[-1:], n_bars
    )
    return Window(stack.symbols, stack.dates[0], stack.bars[:, 0])


def session_window(panel: PricePanel, spec: Spec) -> Window:
    """The last session, (1, n_symbols, forecast_bars), as a model is shown it."""
    history = BarHistory.from_panel(panel)
    return history.window(panel.symbols, panel.sessions[-1:], spec.forecast_bars)


def fitted(panel: PricePanel, spec: Spec) -> Fit:
    """Fit on the panel's last bars."""
    window = last_window(panel, spec.fit_bars)
    return spec.forecaster().fit(window, np.datetime64(panel.sessions[-1]))
