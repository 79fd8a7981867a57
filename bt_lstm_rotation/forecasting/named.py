"""Forecasters by name, as they are typed on a command line.

A name stands for a spec with its defaults; ``--set`` and ``--grid`` change its fields.
"""

from __future__ import annotations

from types import MappingProxyType

from bt_lstm_rotation.errors import SpecError, closest
from bt_lstm_rotation.forecasting.baselines import (
    ArimaSpec,
    EWMASpec,
    FiltersSpec,
    KalmanSpec,
    MeanSpec,
    MomentumSpec,
    OracleSpec,
    ReversalSpec,
    RidgeSpec,
    TreeSpec,
    ZeroSpec,
)
from bt_lstm_rotation.forecasting.forecaster import Spec
from bt_lstm_rotation.forecasting.recurrent import ForecastSpec
from bt_lstm_rotation.wording import in_text

__all__ = ["FORECASTERS", "find_forecaster"]

FORECASTERS: MappingProxyType[str, Spec] = MappingProxyType(
    {
        "lstm": ForecastSpec(),
        "gru": ForecastSpec(cell="gru"),
        "rnn": ForecastSpec(cell="rnn"),
        "filters": FiltersSpec(),
        "kalman": KalmanSpec(),
        "ewma": EWMASpec(),
        "ridge": RidgeSpec(),
        "tree": TreeSpec(),
        "arima": ArimaSpec(),
        "momentum": MomentumSpec(),
        "momentum_12_1": MomentumSpec(lookback=252, skip=21),
        "momentum_6_1": MomentumSpec(lookback=126, skip=21),
        "momentum_63": MomentumSpec(lookback=63, skip=0),
        "reversal": ReversalSpec(),
        "mean": MeanSpec(),
        "zero": ZeroSpec(),
        "oracle": OracleSpec(),
    }
)


def find_forecaster(name: object) -> Spec:
    """Return the spec that a name stands for.

    Raises SpecError, which says the closest there is, if it is none of `FORECASTERS`.
    """
    if isinstance(name, str) and name in FORECASTERS:
        return FORECASTERS[name]
    valid = f"the name of a forecaster ({closest(in_text(name), FORECASTERS)})"
    raise SpecError("find_forecaster", "name", name, valid)
