"""Forecasters by name: each is what it says, and takes the LSTM's place."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting import (
    FORECASTERS,
    ForecastSpec,
    MomentumSpec,
    RidgeSpec,
    find_forecaster,
)
from bt_lstm_rotation.forecasting.forecaster import Spec
from bt_lstm_rotation.forecasting.walkforward.contract import (
    check_forecaster,
    check_spec,
)


@pytest.mark.parametrize("name", FORECASTERS)
def test_every_name_stands_for_a_spec(name):
    spec = find_forecaster(name)
    assert isinstance(spec, Spec)
    check_spec(spec)
    check_forecaster(spec, spec.forecaster())
    assert spec.horizon == 21
    assert spec.retrain == "monthly"
    hash(spec)


def test_what_names_stand_for():
    assert find_forecaster("lstm") == ForecastSpec()
    assert find_forecaster("gru").cell == "gru"
    assert find_forecaster("rnn").cell == "rnn"
    assert find_forecaster("ridge") == RidgeSpec(inputs="means")
    # Jegadeesh and Titman's year, and half a year, without the last month.
    assert find_forecaster("momentum_12_1") == MomentumSpec(lookback=252, skip=21)
    assert find_forecaster("momentum_6_1") == MomentumSpec(lookback=126, skip=21)
    assert find_forecaster("momentum_63") == MomentumSpec(lookback=63, skip=0)
    assert find_forecaster("momentum") == MomentumSpec()


@pytest.mark.parametrize(
    "name", ["", "LSTM", " lstm", None, 3, ["lstm"], {}, "x" * 10_000, "\0", b"lstm"]
)
def test_what_is_no_name_is_refused(name):
    with pytest.raises(SpecError, match="name must be the name of a forecaster"):
        find_forecaster(name)


def test_the_closest_name_is_said():
    with pytest.raises(SpecError, match="did you mean 'momentum_12_1'"):
        find_forecaster("momentum-12-1")


def test_no_name_can_be_added_from_outside():
    with pytest.raises(TypeError):
        FORECASTERS["mine"] = ForecastSpec()


def test_names_are_known_without_the_libraries_that_fit():
    heavy = ["tensorflow", "keras", "statsmodels", "sklearn", "scipy"]
    code = (
        "from bt_lstm_rotation.forecasting import FORECASTERS\n"
        "[spec.forecaster() for spec in FORECASTERS.values()]\n"
        f"import sys\nprint(sorted(set({heavy!r}) & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == "[]"
