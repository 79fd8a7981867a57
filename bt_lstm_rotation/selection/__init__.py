"""Forecasts -> chosen symbols -> target weights.

Pure stages, each of which can be replaced: a ranking says which symbols are held, a
weighting how much of each, a turnover limit how far to go at once. `Selection` puts
them together. What is not invested stays in cash.
"""

from bt_lstm_rotation.selection.ranking import (
    choose,
    ranked,
    select_quantile,
    select_top,
)
from bt_lstm_rotation.selection.selection import ROUND_TRIP, Selection
from bt_lstm_rotation.selection.turnover import limit_turnover
from bt_lstm_rotation.selection.weighting import (
    WEIGHTINGS,
    Weighting,
    equal_weights,
    forecast_weights,
    inverse_volatility_weights,
    weighting_named,
)

__all__ = [
    "ROUND_TRIP",
    "WEIGHTINGS",
    "Selection",
    "Weighting",
    "choose",
    "equal_weights",
    "forecast_weights",
    "inverse_volatility_weights",
    "limit_turnover",
    "ranked",
    "select_quantile",
    "select_top",
    "weighting_named",
]
