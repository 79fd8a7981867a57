"""Fits and forecasts on disk, addressed by what they were made from."""

from bt_lstm_rotation.forecasting.store.forecast_store import (
    ForecastStore,
    default_folder,
    usual_store,
)

__all__ = ["ForecastStore", "default_folder", "usual_store"]
