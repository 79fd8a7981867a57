"""Boosted trees: scikit-learn's, walked without it, on inputs that are there."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from fakes import random_panel, same_bytes, without
from one_window import fitted, last_window, session_window

from bt_lstm_rotation.errors import MissingExtraError, SpecError
from bt_lstm_rotation.forecasting import (
    ForecastStore,
    Training,
    TreeSpec,
    Workers,
    walk_forward,
)
from bt_lstm_rotation.forecasting.baselines import tree
from bt_lstm_rotation.forecasting.baselines.forest import Forest
from bt_lstm_rotation.forecasting.forecaster import Fit, Storable

ensemble = pytest.importorskip(
    "sklearn.ensemble", reason="the extra test has scikit-learn"
)

SMALL = {
    **{"lookback": 10, "horizon": 4, "train_size": 60, "retrain": "monthly"},
    **{"trees": 8, "leaf_size": 5, "learning_rate": 0.3},
}


def boosted(seed=0, n=400, k=4, **settings):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, k))
    x[:, 1] = np.round(x[:, 1])  # of many equal values
    y = np.sin(3 * x[:, 0]) + x[:, 1] * (x[:, 2] > 0) + rng.normal(0, 0.1, n)
    model = ensemble.HistGradientBoostingRegressor(early_stopping=False, **settings)
    return model.fit(x, y), x, rng


@pytest.mark.parametrize(
    "settings",
    [
        {"max_iter": 1, "max_leaf_nodes": 2},
        {"max_iter": 50, "max_leaf_nodes": 4},
        {"max_iter": 30, "max_leaf_nodes": 31, "min_samples_leaf": 1},
        {"max_iter": 5, "max_leaf_nodes": None, "learning_rate": 1.0},
        {"max_iter": 5, "min_samples_leaf": 1_000},  # no split at all
    ],
)
def test_a_walk_gives_what_scikit_learn_predicts(settings):
    model, seen, rng = boosted(**settings)
    forest = Forest.of(model)
    other = rng.normal(0, 5, (500, 4))
    thresholds = forest.threshold[forest.left != np.arange(len(forest.left))]
    edges = np.repeat(thresholds[:200, None], 4, axis=1)
    for x in (seen, other, edges, np.zeros((1, 4)), np.full((1, 4), 1e300)):
        if len(x):
            expected = model.predict(x)
            assert forest.predict(x) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert forest.predict(np.empty((0, 4))).shape == (0,)


def test_a_fit_is_that_of_scikit_learn_on_matured_targets_alone():
    spec = TreeSpec(features=("relative_return", "log_return"), **SMALL)
    panel = random_panel("ABC", spec.fit_bars, seed=2)
    closes = last_window(panel, spec.fit_bars).close
    logs = np.diff(np.log(closes), axis=1)
    relative = logs - logs.mean(axis=0)

    def inputs(bar):
        """Of one bar, by hand: three lags, then means, of each feature."""
        rows = []
        for row in range(3):
            own = [series[row, bar - 9 : bar + 1] for series in (relative, logs)]
            columns = [values[-1 - lag] for lag in range(3) for values in own]
            for half_life in tree.HALF_LIVES:
                share = 1 - 0.5 ** (1 / half_life)
                weights = share * (1 - share) ** np.arange(9, -1, -1)
                columns += [weights @ values for values in own]
            rows.append(columns)
        return np.array(rows)

    last = logs.shape[1] - 1
    bars = range(last - 4 - 59, last - 4 + 1)  # 60 bars whose target has matured
    ahead = closes[:, 5:] / closes[:, 1:-4] - 1
    x = np.concatenate([inputs(bar) for bar in bars])
    level = ahead.mean()
    y = np.concatenate([ahead[:, bar] - ahead[:, bar].mean() for bar in bars])
    expected = ensemble.HistGradientBoostingRegressor(
        max_iter=8,
        max_leaf_nodes=4,
        min_samples_leaf=5,
        learning_rate=0.3,
        early_stopping=False,
    ).fit(x, y)
    model = fitted(panel, spec).model
    made = model.forecast(session_window(panel, spec))[0, 0]
    assert made == pytest.approx(level + expected.predict(inputs(last)), rel=1e-6)
    assert model.level == pytest.approx(level, rel=1e-12)


def test_two_fits_are_the_same_to_the_last_bit():
    spec = TreeSpec(**{**SMALL, "trees": 40})
    panel = random_panel("ABCDEF", spec.fit_bars)
    forecaster = spec.forecaster()
    first, again = (forecaster.to_arrays(fitted(panel, spec)) for _ in range(2))
    assert all(same_bytes(first[name], again[name]) for name in first)


@pytest.mark.parametrize("backend", ["threads", "processes"])
def test_workers_change_no_bit(backend):
    panel = random_panel("ABC", 150)
    spec = TreeSpec(**{**SMALL, "retrain": "weekly"})
    alone = walk_forward(panel, spec, training=Training(workers=Workers(jobs=1)))
    several = Training(workers=Workers(jobs=3, backend=backend))
    made = walk_forward(panel, spec, training=several)
    assert len(made.fits) > 8
    assert same_bytes(made.values, alone.values)


def test_a_stored_fit_is_the_same_to_the_last_bit(tmp_path, monkeypatch):
    panel = without(random_panel("ABC", 180), "B", [120, 121, 150])
    spec = TreeSpec(features=["relative_return", "rank", "volume"], **SMALL)
    assert isinstance(spec.forecaster(), Storable)
    store = ForecastStore(tmp_path)
    first = walk_forward(panel, spec, training=Training(store=store))
    # What is stored is read without the library.
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    again = walk_forward(panel, spec, training=Training(store=store))
    assert {fit.origin for fit in again.fits} == {"stored"}
    assert same_bytes(again.values, first.values)


def arrays_of(spec):
    forecaster = spec.forecaster()
    return forecaster, forecaster.to_arrays(
        fitted(random_panel("AB", spec.fit_bars), spec)
    )


def test_arrays_are_plain_numbers():
    _, arrays = arrays_of(TreeSpec(**SMALL))
    assert {array.dtype.kind for array in arrays.values()} <= set("fi")


@pytest.mark.parametrize(
    ("name", "change", "problem"),
    [
        ("left", lambda a: a * 0, "left lead out of the trees"),  # round and round
        ("right", lambda a: a + 1_000_000, "right lead out of the trees"),
        ("roots", lambda a: a - 1, "roots lead out of the trees"),
        ("feature", lambda a: a + 50, "feature lead out of the trees"),
        ("feature", lambda a: a - 1, "feature lead out of the trees"),
        ("value", lambda a: a * np.nan, "value are not finite"),
        ("value", lambda a: a[:-1], "value are float64 of shape"),
        ("threshold", lambda a: a.astype(np.float32), "threshold are float32"),
        ("levels", lambda a: a[:1], "levels are float64 of shape"),
        ("roots", lambda a: None, "no roots among"),
        ("feature", lambda a: a[None], "feature are int64 of shape"),
    ],
)
def test_arrays_of_another_kind_are_refused(name, change, problem):
    forecaster, arrays = arrays_of(TreeSpec(**SMALL))
    arrays[name] = change(arrays[name])
    kept = {name: array for name, array in arrays.items() if array is not None}
    with pytest.raises(ValueError, match=problem):
        forecaster.from_arrays(("A", "B"), kept)


def test_a_fit_of_another_kind_is_not_turned_into_arrays():
    with pytest.raises(SpecError, match="one with its own model"):
        TreeSpec().forecaster().to_arrays(Fit(None))


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("features", "log_return", "features must be a tuple of names"),
        ("features", (), "features must be at least one name"),
        ("features", ("rank", "rank"), "each of them once"),
        ("features", ("log_retrn",), "did you mean 'log_return'"),
        ("features", (3,), "features must be a feature"),
        ("trees", 0, "trees must be a whole number of at least 1"),
        ("trees", 10**6, "trees must be a whole number of at most 10,000"),
        ("leaves", 1, "leaves must be a whole number of at least 2"),
        ("leaf_size", 0.5, "leaf_size must be a whole number"),
        ("learning_rate", 0, "learning_rate must be"),
        ("learning_rate", 1.5, "learning_rate must be a number from 0 to 1"),
        ("learning_rate", float("nan"), "learning_rate must be"),
        ("lookback", 2, "lookback must be a whole number of at least 3"),
    ],
)
def test_impossible_settings_are_refused(field, value, problem):
    with pytest.raises(SpecError, match=f"TreeSpec: .*{problem}"):
        TreeSpec(**{field: value})


def test_one_symbol_is_enough_where_nothing_is_compared():
    assert TreeSpec(target="plain", features=["log_return"]).min_symbols == 1
    assert TreeSpec(target="plain", features=["rank"]).min_symbols == 2
    assert TreeSpec(features=["log_return"]).min_symbols == 2


def test_without_the_library_the_extra_is_named_before_a_fit(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    with pytest.raises(MissingExtraError, match=r"bt-lstm-rotation\[tree\]"):
        walk_forward(random_panel("AB", 120), TreeSpec(**SMALL))
