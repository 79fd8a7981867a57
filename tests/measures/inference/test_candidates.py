"""Many candidates: what arch finds, and what is left where it cannot be asked."""

from __future__ import annotations

import builtins
import math

import numpy as np
import pytest

from bt_lstm_rotation.errors import DataError, MissingExtraError, SpecError
from bt_lstm_rotation.measures.inference.candidates import (
    confidence_set,
    superior_ability,
)

needs_arch = pytest.mark.usefixtures("arch")


@pytest.fixture
def arch():
    return pytest.importorskip("arch.bootstrap", reason="the extra evidence")


def noise(n=400, seed=0, columns=5):
    return np.random.default_rng(seed).normal(size=(n, columns))


@needs_arch
def test_a_hopeless_forecast_leaves_the_set_and_equal_ones_stay():
    table = noise() ** 2
    losses = {name: table[:, k] for k, name in enumerate("abc")}
    losses |= {"worse": table[:, 3] + 1, "same": table[:, 0]}
    found = confidence_set(losses, block=1)
    assert found["worse"] < 0.01
    assert found["same"] == found["a"]
    assert all(found[name] > 0.1 for name in "abc")


@needs_arch
def test_the_best_is_in_the_set_about_as_often_as_it_says():
    kept = 0
    for seed in range(60):
        table = noise(200, seed) ** 2
        losses = {str(k): table[:, k] for k in range(5)}
        kept += confidence_set(losses, draws=200, block=1)["0"] >= 0.1
    assert kept >= 48


@needs_arch
def test_tiny_losses_are_compared_as_large_ones():
    table = noise() ** 2
    table[:, 1] += 0.3
    small, large = (
        confidence_set({"a": unit * table[:, 0], "b": unit * table[:, 1]}, block=1)
        for unit in (1e-12, 1.0)
    )
    assert small["b"] == pytest.approx(large["b"], abs=0.02)


@needs_arch
def test_one_that_is_better_is_found_among_many_that_are_not():
    table = noise(columns=21)
    gains = {str(k): table[:, k] for k in range(20)}
    nothing = superior_ability(gains, table[:, 20], block=1)
    assert nothing.consistent > 0.05
    assert nothing.reality_check >= nothing.consistent - 0.02
    gains["19"] = gains["19"] + 0.5
    assert superior_ability(gains, table[:, 20], block=1).reality_check < 0.01


@needs_arch
def test_the_size_of_superior_ability_is_kept():
    claims = 0
    for seed in range(100):
        table = noise(200, seed, 6)
        gains = {str(k): table[:, k] for k in range(5)}
        found = superior_ability(gains, table[:, 5], draws=200, block=1)
        claims += found.reality_check <= 0.05
    assert claims <= 12


@needs_arch
def test_too_few_sessions_say_nothing():
    few = {"a": np.arange(9.0), "b": np.arange(9.0)}
    assert all(math.isnan(p) for p in confidence_set(few).values())
    assert math.isnan(superior_ability(few, np.zeros(9)).reality_check)
    same = np.ones(50)
    assert math.isnan(superior_ability({"a": same}, same).consistent)
    assert confidence_set({"a": same, "b": same}) == {"a": 1.0, "b": 1.0}


@needs_arch
@pytest.mark.parametrize(
    "losses", [{}, {"a": np.ones(30)}, {"a": np.ones(30), "b": np.ones(31)}]
)
def test_series_that_do_not_fit_are_refused(losses):
    with pytest.raises(DataError, match="same sessions"):
        confidence_set(losses)


@needs_arch
def test_impossible_settings_are_refused():
    two = {"a": np.ones(30), "b": np.zeros(30)}
    with pytest.raises(SpecError, match="draws"):
        confidence_set(two, draws=5)
    with pytest.raises(SpecError, match="size"):
        confidence_set(two, size=0.9)
    with pytest.raises(SpecError, match="block"):
        superior_ability(two, np.arange(30.0), block=0)


def test_without_the_extra_it_is_named(monkeypatch):
    real = builtins.__import__

    def refused(name, *rest, **named):
        if name == "arch" or name.startswith("arch."):
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", refused)
    with pytest.raises(MissingExtraError, match=r"bt-lstm-rotation\[evidence\]"):
        confidence_set({"a": np.ones(30), "b": np.ones(30)})
