"""Bars -> causal features and targets.

Every feature of a bar is made from that bar and earlier ones, its target from that
close and the close `horizon` bars later. Windows are longer by `warmup`, the bars that
a feature reaches back, and are never padded.

Those that there are stand in `built_in`; a user's own are made by `feature`, and proved
to be causal before they are used (`proof`).
"""

from bt_lstm_rotation.forecasting.features.built_in import FEATURES
from bt_lstm_rotation.forecasting.features.column import Feature
from bt_lstm_rotation.forecasting.features.columns import (
    check_features,
    check_rows,
    compute,
    features_of,
    mirror,
    warmup,
)
from bt_lstm_rotation.forecasting.features.crosswise import deviation
from bt_lstm_rotation.forecasting.features.own import feature, load_features
from bt_lstm_rotation.forecasting.features.targets import forward_return

__all__ = [
    "FEATURES",
    "Feature",
    "check_features",
    "check_rows",
    "compute",
    "deviation",
    "feature",
    "features_of",
    "forward_return",
    "load_features",
    "mirror",
    "warmup",
]
