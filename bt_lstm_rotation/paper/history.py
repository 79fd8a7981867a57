"""How much of the past an account keeps: what its forecasts and indicators need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bt_lstm_rotation.backtest.preparing import first_decision
from bt_lstm_rotation.errors import HistoryError
from bt_lstm_rotation.forecasting.forecaster import Spec
from bt_lstm_rotation.paper.configuration import Configuration
from bt_lstm_rotation.periods import longest_period
from bt_lstm_rotation.prices import PricePanel

__all__ = ["kept_history"]

# Four years of sessions: what an indicator without end, such as an EMA of 200, has
# forgotten beyond is less than a rounding.
SESSIONS = 1_000


def kept_history(
    panel: PricePanel, wanted: Configuration, strategy: Any, params: Mapping[str, Any]
) -> PricePanel:
    """Return the sessions to keep, the last of which is the first to decide on.

    Raises
    ------
    HistoryError
        If there are too few for a first decision at the last close.
    """
    if len(panel) < 2:
        raise HistoryError(
            "a paper account begins with bars of the past",
            needed=2,
            available=len(panel),
        )
    spec = params.get("spec", getattr(strategy.params, "spec", None))
    sessions = SESSIONS
    if isinstance(spec, Spec) and not isinstance(spec, type):
        # A fit waits for the first session of a period that begins within the history.
        waits = 2 * longest_period(spec.retrain)
        sessions = max(sessions, spec.fit_bars + waits)
        traded = panel.select(wanted.symbols or panel.symbols)
        last = panel.sessions[-1]
        possible = first_decision(panel, traded, spec, None)
        if possible > last:
            raise HistoryError(
                "too little history for a first forecast",
                needed=int((panel.sessions <= possible).sum()),
                available=len(panel),
            )
    return panel.rows(max(0, len(panel) - sessions), len(panel))
