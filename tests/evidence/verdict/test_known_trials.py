"""What a verdict is told of trials, and hostile values of it."""

from __future__ import annotations

import math

import pytest

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.evidence.verdict import Trials


def test_what_is_known_of_trials():
    trials = Trials(sharpes=(1.0, 2.0, math.nan), count=10, correlation=0.5)
    assert trials.number == 10
    assert trials.sharpes == (1.0, 2.0)
    assert trials.effective == 5.5
    assert trials.variance == 0.5


def test_nothing_known_is_this_trial_alone():
    assert (Trials().number, Trials().effective) == (1, 1.0)
    assert math.isnan(Trials(sharpes=[0.3]).variance)
    assert Trials(sharpes=[1, 2, 3]).effective == 3.0


@pytest.mark.parametrize(
    "bad",
    [
        {"sharpes": "12"},
        {"sharpes": [math.inf]},
        {"sharpes": ["1"]},
        {"sharpes": 5},
        {"count": 0},
        {"count": 1.5},
        {"count": 2, "sharpes": [1, 2, 3]},
        {"count": 10**7},
        {"correlation": 2},
        {"correlation": math.nan},
    ],
)
def test_impossible_values_are_refused(bad):
    with pytest.raises(SpecError, match=next(iter(bad))):
        Trials(**bad)
