"""Rivals: who they are, what they share with the candidate, and who stays out."""

from __future__ import annotations

import pytest

from bt_lstm_rotation.errors import MissingExtraError, SpecError
from bt_lstm_rotation.evidence.verdict.rivals import RIVALS, find_rivals
from bt_lstm_rotation.forecasting import ForecastSpec, KalmanSpec, MomentumSpec
from bt_lstm_rotation.forecasting.baselines import tree


def test_arima_is_left_out_and_named_unless_it_is_asked_for():
    found = find_rivals(MomentumSpec())
    assert "arima" in found.left_out
    assert "arima" not in found.specs
    pytest.importorskip("statsmodels", reason="the extra arima")
    assert list(find_rivals(MomentumSpec(), ["arima"]).specs) == ["arima"]


def test_they_look_as_far_ahead_and_are_fitted_as_often_on_as_much():
    candidate = ForecastSpec(horizon=10, retrain="quarterly", train_size=600)
    found = find_rivals(candidate, ["kalman", "momentum", "zero"])
    assert found.specs["kalman"].train_size == 600
    for spec in found.specs.values():
        assert (spec.horizon, spec.retrain) == (10, "quarterly")


def test_a_window_that_is_too_short_for_a_rival_is_its_own():
    candidate = ForecastSpec(lookback=10, horizon=1, train_size=30)
    found = find_rivals(candidate, ["kalman", "ridge"])
    assert set(found.specs) == {"kalman", "ridge"}


def test_a_rival_that_is_the_candidate_is_left_out():
    found = find_rivals(KalmanSpec(), ["kalman", "zero"])
    assert found.left_out == {"kalman": "it is the candidate"}


def test_one_whose_extra_is_missing_is_left_out_and_named(monkeypatch):
    def missing(*_):
        raise MissingExtraError("fitting boosted trees", "tree")

    monkeypatch.setattr(tree.TreeForecaster, "prepare", missing)
    found = find_rivals(MomentumSpec(), ["tree", "zero"])
    assert list(found.specs) == ["zero"]
    assert "bt-lstm-rotation[tree]" in found.left_out["tree"]


@pytest.mark.parametrize("names", [["lstn"], [3], "zero", 5])
def test_unknown_names_are_refused(names):
    with pytest.raises(SpecError, match="rivals"):
        find_rivals(MomentumSpec(), names)


def test_each_of_the_names_is_a_forecaster():
    asked = [name for name in RIVALS if name != "arima"]
    found = find_rivals(MomentumSpec(lookback=20, skip=0), asked)
    assert set(found.specs) | set(found.left_out) == set(asked)
