"""ForecastSpec: what it refuses, and what it says then."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from bt_lstm_rotation.errors import RotationError, SpecError
from bt_lstm_rotation.forecasting import ForecastSpec
from bt_lstm_rotation.forecasting.features import FEATURES
from bt_lstm_rotation.forecasting.forecaster import Forecaster, Spec

WHOLE = {"lookback": 1, "horizon": 1, "train_size": 2, "units": 1, "layers": 1,
         "steps": 0, "seed": 0}  # fmt: skip
NOT_WHOLE = [True, False, 1.0, 2.5, math.nan, math.inf, "3", b"3", None, [3], (3,), {}]
NOT_A_NUMBER = [True, False, math.nan, "0.1", None, [0.1], 1j]


def refused(field, value, **others):
    with pytest.raises(SpecError) as info:
        ForecastSpec(**{field: value}, **others)
    assert (info.value.owner, info.value.field) == ("ForecastSpec", field)
    return info.value


@pytest.mark.parametrize("field", WHOLE)
@pytest.mark.parametrize("value", NOT_WHOLE, ids=repr)
def test_a_count_that_is_no_whole_number_is_refused(field, value):
    if (field, value) == ("steps", None):  # as many as suit the start
        return
    error = refused(field, value)
    assert error.value is value
    assert f"whole number of at least {WHOLE[field]}" in str(error)


@pytest.mark.parametrize(("field", "least"), WHOLE.items())
def test_a_count_below_the_least_is_refused_and_the_least_is_not(field, least):
    for value in (least - 1, -(10**30)):
        assert f"at least {least} (got {value})" in str(refused(field, value))
    smallest = {"lookback": 1, "train_size": 2, field: least}
    assert getattr(ForecastSpec(**smallest), field) == least


@pytest.mark.parametrize("field", ["learning_rate", "clip_norm"])
@pytest.mark.parametrize("value", [*NOT_A_NUMBER, 0, 0.0, -1e-9, math.inf, -math.inf])
def test_a_rate_that_is_not_finite_and_positive_is_refused(field, value):
    if (field, value) == ("learning_rate", None):  # what suits the start
        return
    assert "a finite number above 0" in str(refused(field, value))


@pytest.mark.parametrize("value", [*NOT_A_NUMBER, -0.01, 1, 1.0, math.inf])
def test_a_dropout_outside_0_to_1_is_refused(value):
    assert "from 0 up to, but not, 1" in str(refused("dropout", value))


@pytest.mark.parametrize("field", ["cell", "target", "initial_weights"])
@pytest.mark.parametrize(
    "value", ["", "LSTM", "Plain", "GRU", None, 1, [], ("lstm",), np.array(["lstm"])]
)
def test_a_choice_that_there_is_not_is_refused_with_those_there_are(field, value):
    known = {"cell": "'lstm', 'gru', 'rnn'", "target": "'relative', 'plain'",
             "initial_weights": "'memory', 'random'"}[field]  # fmt: skip
    assert f"one of {known}" in str(refused(field, value))


def test_steps_are_those_of_the_start_unless_they_are_given():
    assert (ForecastSpec().step_count, ForecastSpec().step_size) == (0, 5e-4)
    random = ForecastSpec(initial_weights="random")
    assert (random.step_count, random.step_size) == (15, 5e-3)
    given = ForecastSpec(steps=3, learning_rate=0.1)
    assert (given.step_count, given.step_size) == (3, 0.1)
    assert "at least 1 (got 0)" in str(refused("steps", 0, initial_weights="random"))


@pytest.mark.parametrize("field", ["dropout", "validation"])
def test_what_belongs_to_steps_is_refused_where_none_is_taken(field):
    assert "0 where no step is taken" in str(refused(field, 0.2))
    assert getattr(ForecastSpec(**{field: 0.2, "steps": 1}), field) == 0.2


@pytest.mark.parametrize("value", [0, 1, "True", None, 1.0, np.bool_(True)])
@pytest.mark.parametrize("field", ["pooled", "warm_start", "mirrored"])
def test_a_switch_is_true_or_false(field, value):
    assert "True or False" in str(refused(field, value))


@pytest.mark.parametrize("value", ["yearly", 0, True, 2.0, None])
def test_a_retrain_period_that_there_is_not_is_refused(value):
    assert "weekly, monthly, quarterly" in str(refused("retrain", value))


@pytest.mark.parametrize("value", ["log_return", None, 3, {"log_return"}, iter(())])
def test_features_that_are_no_tuple_are_refused(value):
    assert "a tuple of names" in str(refused("features", value))


@pytest.mark.parametrize("value", [(), [], ("rank", "rank")])
def test_no_feature_or_a_repeated_one_is_refused(value):
    assert "each of them once" in str(refused("features", value))


@pytest.mark.parametrize("value", [1, None, b"rank", ["rank"], {"a": 1}, "", "x" * 999])
def test_a_feature_that_is_unknown_is_refused_with_those_that_are_known(value):
    text = str(refused("features", ("log_return", value)))
    assert "known: amihud, beta, drawdown" in text


def test_a_misspelled_feature_brings_the_closest_name():
    error = refused("features", ("log_retrun",))
    assert "did you mean 'log_return'?" in str(error)
    assert error.value == "log_retrun"


def test_a_lookback_longer_than_the_training_window_is_refused():
    with pytest.raises(SpecError, match=r"lookback must be at most train_size.* 50"):
        ForecastSpec(lookback=51, train_size=50)
    assert ForecastSpec(lookback=50, train_size=50).lookback == 50


def test_a_misspelled_setting_and_a_positional_one_fail():
    with pytest.raises(TypeError, match="lookbak"):
        ForecastSpec(lookbak=10)
    with pytest.raises(TypeError):
        ForecastSpec(60)


def test_the_message_names_field_value_and_what_is_valid():
    expected = "ForecastSpec: horizon must be a whole number of at least 1 (got 0)"
    assert str(refused("horizon", 0)) == expected
    assert issubclass(SpecError, RotationError)
    assert issubclass(SpecError, ValueError)


def test_it_is_frozen_hashable_and_equal_by_value():
    spec = ForecastSpec(features=["log_return", "rank"])
    assert spec.features == ("log_return", "rank")
    assert spec == ForecastSpec(features=("log_return", "rank"))
    assert hash(spec) == hash(ForecastSpec(features=("log_return", "rank")))
    assert spec != ForecastSpec()
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.horizon = 5
    assert dataclasses.replace(spec, horizon=5).horizon == 5
    with pytest.raises(SpecError):
        dataclasses.replace(spec, horizon=0)


def test_bars_needed_are_window_plus_horizon_plus_reach():
    spec = ForecastSpec(
        lookback=60, horizon=21, train_size=756, features=("log_return",)
    )
    assert (spec.forecast_bars, spec.fit_bars) == (61, 756 + 21 + 1)
    far = dataclasses.replace(spec, features=("volume", "log_return"))
    assert (far.forecast_bars, far.fit_bars) == (60 + 20, 756 + 21 + 20)
    farther = dataclasses.replace(spec, features=("volume", "rank"))
    assert (farther.forecast_bars, farther.fit_bars) == (60 + 21, 756 + 21 + 21)


def test_it_needs_two_symbols_exactly_if_it_compares_them():
    alone = set(FEATURES) - {"relative_return", "rank"}
    for name in FEATURES:
        plain = ForecastSpec(target="plain", features=(name,), mirrored=False)
        assert plain.min_symbols == (1 if name in alone else 2)
        assert dataclasses.replace(plain, target="relative").min_symbols == 2


def test_a_mirror_image_without_a_feature_that_changes_its_sign_is_refused():
    steady = ("volatility", "volume")
    assert "none of the features" in str(refused("mirrored", True, features=steady))
    assert ForecastSpec(features=steady, mirrored=False).features == steady
    assert ForecastSpec(features=(*steady, "rank")).mirrored


def test_it_is_made_again_from_its_settings():
    assert ForecastSpec(**dataclasses.asdict(ForecastSpec())) == ForecastSpec()


def test_it_describes_a_forecaster():
    spec = ForecastSpec()
    assert isinstance(spec, Spec)
    assert spec.forecaster() == spec.forecaster()
    assert callable(Forecaster.fit)
    assert callable(spec.forecaster().fit)
