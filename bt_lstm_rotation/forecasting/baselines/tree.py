"""Gradient-boosted regression trees on what the network reads.

The forecast is a sum of small trees, F = f_0 + rate (f_1 + ... + f_M), each the least
squares fit, leaf by leaf, of what the ones before it have left over (scikit-learn's
`HistGradientBoostingRegressor`, on histograms of at most 255 bins of each input). The
inputs of a bar are, of every feature, its last `LAGS` values and its exponentially
weighted means at several half-lives; all symbols are one sample.

Every bar and every input is used, and no bar is held out, so nothing is random; and all
is added up on one thread, as sums round otherwise on several.

The defaults are those of noisy data (few and small trees, large leaves, slow learning).
They were compared on simulated markets of seeds 0 to 3, never on real bars: 2, 4 and 8
leaves find 0.94, 0.93 and 0.91 of the attainable there, 50 trees no less than 100. Two
leaves would not see what lies in two inputs together.

Sources: J. H. Friedman, "Greedy function approximation: a gradient boosting machine",
Annals of Statistics 29(5), 2001; G. Ke et al., "LightGBM: a highly efficient gradient
boosting decision tree", NeurIPS 2017, for the histograms; S. Gu, B. Kelly and D. Xiu,
"Empirical asset pricing via machine learning", Review of Financial Studies 33(5), 2020.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.archive import plain_array
from bt_lstm_rotation.checks import check_positive, check_range, check_whole
from bt_lstm_rotation.errors import MissingExtraError, SpecError
from bt_lstm_rotation.forecasting.baselines.alone import alone
from bt_lstm_rotation.forecasting.baselines.ewma import smoothed
from bt_lstm_rotation.forecasting.baselines.forest import Forest
from bt_lstm_rotation.forecasting.baselines.windowed import Sample, WindowSettings
from bt_lstm_rotation.forecasting.features import (
    Feature,
    check_features,
    compute,
    features_of,
    warmup,
)
from bt_lstm_rotation.forecasting.forecaster import Fit
from bt_lstm_rotation.forecasting.window import Window

__all__ = ["TreeForecaster", "TreeModel", "TreeSpec"]

Array = NDArray[np.float64]

LAGS = 3
HALF_LIVES = (3.0, 6.0, 12.0, 24.0, 48.0, 96.0)


@dataclass(frozen=True, kw_only=True)
class TreeSpec(WindowSettings):
    """Gradient-boosted trees on features at several lags and means.

    Needs the extra ``tree`` to be fitted, and no library to forecast.

    Parameters
    ----------
    features : tuple of str
        What is read of each bar, as `ForecastSpec` takes them (docs/inputs.md).
    trees : int
        How many are added up.
    leaves : int
        Most leaves of one tree.
    leaf_size : int
        Fewest bars of a leaf.
    learning_rate : float
        Share of each tree that is added, above 0 and at most 1.
    own_features : tuple of Feature
        Those of `features` that are your own; filled in.
    lookback, horizon, train_size, retrain, target
        See `WindowSettings`.

    Raises
    ------
    SpecError
        If a value is impossible.
    """

    lookback: int = 126
    features: tuple[str, ...] = ("relative_return",)
    trees: int = 50
    leaves: int = 4
    leaf_size: int = 200
    learning_rate: float = 0.03
    own_features: tuple[Feature, ...] = field(
        default=(), repr=False, metadata={"derived": True}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        features, own = check_features("TreeSpec", self.features, self.own_features)
        object.__setattr__(self, "features", features)
        object.__setattr__(self, "own_features", own)
        check_whole("TreeSpec", "lookback", self.lookback, least=LAGS)
        check_whole("TreeSpec", "trees", self.trees, least=1, most=10_000)
        check_whole("TreeSpec", "leaves", self.leaves, least=2, most=1_000)
        check_whole("TreeSpec", "leaf_size", self.leaf_size, least=1)
        check_positive("TreeSpec", "learning_rate", self.learning_rate)
        check_range("TreeSpec", "learning_rate", self.learning_rate, 0.0, 1.0)

    @property
    def feature_columns(self) -> tuple[Feature, ...]:
        """What is read of each bar, in order."""
        return features_of(self.features, self.own_features)

    @property
    def fit_bars(self) -> int:
        """Bars of each symbol that a fit is made of; the first targets have inputs."""
        return self.train_size + self.horizon + self.forecast_bars - 1

    @property
    def forecast_bars(self) -> int:
        """Bars of each symbol that a forecast is made of."""
        return self.lookback + warmup(self.feature_columns)

    @property
    def min_symbols(self) -> int:
        """2 if symbols are compared with each other, 1 if not."""
        compares = any(feature.cross_sectional for feature in self.feature_columns)
        return 2 if compares or self.target == "relative" else 1

    def forecaster(self) -> TreeForecaster:
        """Make the forecaster that this describes."""
        return TreeForecaster(self)


@dataclass(frozen=True)
class TreeForecaster:
    """Fits what a `TreeSpec` describes."""

    spec: TreeSpec
    libraries = ("scikit-learn",)

    def prepare(self) -> None:
        """Raise MissingExtraError without scikit-learn."""
        _scikit_learn()

    def fit(self, window: Window, session: np.datetime64) -> Fit:
        """Fit all symbols of (n_symbols, fit_bars) together."""
        spec = self.spec
        inputs = _inputs(spec, window)
        sample = Sample.of(spec, window)
        targets = sample.targets[:, -inputs.shape[1] :]
        # A target that has not matured within the window is not there.
        known = np.isfinite(targets)
        regressor = _scikit_learn()
        boosted = regressor(
            max_iter=spec.trees,
            max_leaf_nodes=spec.leaves,
            min_samples_leaf=spec.leaf_size,
            learning_rate=spec.learning_rate,
            early_stopping=False,
            random_state=0,
        )
        with alone():
            boosted.fit(inputs[known], targets[known])
        forest = Forest.of(boosted)
        return Fit(TreeModel(spec, window.symbols, forest, sample.level))

    def to_arrays(self, fit: Fit) -> dict[str, NDArray[Any]]:
        """Turn a fit into arrays; SpecError if its model is not of this kind."""
        if not isinstance(fit.model, TreeModel):
            raise SpecError("TreeForecaster", "fit", fit, "one with its own model")
        levels = np.array([fit.model.level, fit.model.forest.base])
        arrays = {k: v for k, v in vars(fit.model.forest).items() if k != "base"}
        return {**arrays, "levels": levels}

    def from_arrays(
        self, symbols: tuple[str, ...], arrays: Mapping[str, NDArray[Any]]
    ) -> Fit:
        """Turn arrays back into the fit they were.

        Raises ValueError if they are not those of such a fit.
        """
        level, base = plain_array(arrays, "levels", np.float64, (2,)).tolist()
        roots = plain_array(arrays, "roots", np.int64, (None,))
        feature = plain_array(arrays, "feature", np.int64, (None,))
        same = feature.shape
        forest = Forest(
            base=base,
            roots=roots,
            feature=feature,
            threshold=plain_array(arrays, "threshold", np.float64, same),
            left=plain_array(arrays, "left", np.int64, same),
            right=plain_array(arrays, "right", np.int64, same),
            value=plain_array(arrays, "value", np.float64, same),
        )
        forest.check(len(self.spec.features) * (LAGS + len(HALF_LIVES)))
        return Fit(TreeModel(self.spec, symbols, forest, level))


@dataclass(frozen=True, eq=False)
class TreeModel:
    """Fitted trees; `level` is added to every forecast."""

    spec: TreeSpec
    symbols: tuple[str, ...]
    forest: Forest
    level: float

    def forecast(self, window: Window) -> Array:
        """Forecast from windows of (n_sessions, n_symbols, forecast_bars)."""
        inputs = _inputs(self.spec, window)[..., -1, :]
        made = self.forest.predict(inputs.reshape(-1, inputs.shape[-1]))
        return (made.reshape(inputs.shape[:-1]) + self.level)[None]


def _inputs(spec: TreeSpec, window: Window) -> Array:
    """Make inputs of (..., n_bars): (..., n_bars - forecast_bars + 1, n_inputs)."""
    features = compute(spec.feature_columns, window)
    windows = np.lib.stride_tricks.sliding_window_view(features, spec.lookback, axis=-2)
    # (..., n, n_features, lookback)
    columns = [windows[..., -1 - lag] for lag in range(LAGS)]
    columns += [smoothed(windows, half_life)[..., -1] for half_life in HALF_LIVES]
    return np.concatenate(columns, axis=-1)


def _scikit_learn() -> Any:
    try:
        from sklearn.ensemble import HistGradientBoostingRegressor
    except ImportError as error:
        raise MissingExtraError("fitting boosted trees", "tree") from error
    return HistGradientBoostingRegressor
