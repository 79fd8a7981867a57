"""The rivals of the network: rules and filters behind the same interface.

Each is a spec whose forecaster is fitted on the same windows, with the same purge, as
the LSTM, and goes wherever a spec goes.
"""

from bt_lstm_rotation.forecasting.baselines.arima import ArimaSpec
from bt_lstm_rotation.forecasting.baselines.constant import MeanSpec, ZeroSpec
from bt_lstm_rotation.forecasting.baselines.ewma import EWMASpec
from bt_lstm_rotation.forecasting.baselines.filters import FiltersSpec
from bt_lstm_rotation.forecasting.baselines.kalman import KalmanSpec
from bt_lstm_rotation.forecasting.baselines.momentum import MomentumSpec
from bt_lstm_rotation.forecasting.baselines.oracle import OracleSpec
from bt_lstm_rotation.forecasting.baselines.reversal import ReversalSpec
from bt_lstm_rotation.forecasting.baselines.ridge import RidgeSpec
from bt_lstm_rotation.forecasting.baselines.tree import TreeSpec

__all__ = [
    "ArimaSpec",
    "EWMASpec",
    "FiltersSpec",
    "KalmanSpec",
    "MeanSpec",
    "MomentumSpec",
    "OracleSpec",
    "ReversalSpec",
    "RidgeSpec",
    "TreeSpec",
    "ZeroSpec",
]
