"""`ForecastSpec`: which recurrent network makes the forecasts."""

from __future__ import annotations

from dataclasses import dataclass

from bt_lstm_rotation.forecasting.recurrent.forecaster import RecurrentForecaster
from bt_lstm_rotation.forecasting.recurrent.settings import RecurrentSettings

__all__ = ["ForecastSpec"]


@dataclass(frozen=True, kw_only=True)
class ForecastSpec(RecurrentSettings):  # noqa: D101
    __doc__ = RecurrentSettings.__doc__

    def forecaster(self) -> RecurrentForecaster:
        """Make the forecaster that this describes."""
        return RecurrentForecaster(self)
