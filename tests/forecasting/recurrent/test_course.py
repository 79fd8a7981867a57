"""How a training went: losses, held-out losses and gradients, step by step."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from fakes import random_panel

from bt_lstm_rotation.forecasting import BarHistory, ForecastSpec
from bt_lstm_rotation.forecasting.recurrent import backend
from bt_lstm_rotation.forecasting.recurrent.backend import Optimiser, Sequences
from bt_lstm_rotation.forecasting.recurrent.course import joined
from bt_lstm_rotation.forecasting.recurrent.network import Network
from bt_lstm_rotation.forecasting.recurrent.optimisation import Course
from bt_lstm_rotation.forecasting.window import Window

STEPPING = ForecastSpec(
    units=4, steps=6, lookback=10, horizon=3, train_size=60, initial_weights="random"
)


def fitted(spec, seed=0):
    panel = random_panel("ABC", spec.fit_bars + 1, seed=seed)
    history = BarHistory.from_panel(panel)
    stack = history.window(history.symbols, panel.sessions[-1:], spec.fit_bars)
    window = Window(stack.symbols, stack.dates[0], stack.bars[:, 0])
    return spec.forecaster().fit(window, panel.sessions[-1])


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_norms_and_held_out_losses_are_those_worked_out_apart(cell):
    rng = np.random.default_rng(1)
    network = Network.seeded(rng, 2, 4, 1, cell)
    network = replace(network, head=rng.normal(size=4).astype(np.float32))
    shape = (9, 5)
    weights = (rng.uniform(size=shape) < 0.7).astype(np.float32)
    data = Sequences(
        rng.normal(size=(*shape, 2)).astype(np.float32),
        rng.normal(size=shape).astype(np.float32),
        weights,
        1 - weights,
    )
    one = Optimiser(1, 0.01, 0.05, patience=1)
    _, course = backend.train_watched(network, data, one, (0, 0))
    loss, gradient = backend.loss_and_gradient(network, data)
    norm = math.sqrt(sum((a**2).sum() for a in gradient.keras_weights()))
    assert course.losses == pytest.approx([loss], rel=1e-5)
    assert course.norms == pytest.approx([norm], rel=1e-5)  # before it was clipped
    assert norm > 0.05
    states = network.states(np.moveaxis(data.inputs, 1, 0))
    errors = (np.moveaxis(states @ network.head, 1, 0) - data.targets) ** 2
    expected = (errors * data.held_out).sum() / data.held_out.sum()
    assert course.held_out == pytest.approx([expected], rel=1e-5)


@pytest.mark.slow
def test_a_fit_tells_how_each_step_went():
    fit = fitted(STEPPING)
    assert len(fit.losses) == len(fit.gradient_norms) == 6
    assert fit.held_out_losses == ()
    assert 0 <= fit.clipped <= 1
    assert fitted(replace(STEPPING, clip_norm=1e-6)).clipped == 1.0
    assert fitted(replace(STEPPING, clip_norm=1e6)).clipped == 0.0
    held = fitted(replace(STEPPING, validation=0.3, members=2))
    assert len(held.held_out_losses) == len(held.losses) > 0
    assert np.isfinite(held.held_out_losses).all()


def test_a_fit_that_takes_no_step_has_a_loss_and_no_course():
    fit = fitted(replace(STEPPING, initial_weights="memory", steps=0))
    assert len(fit.losses) == 1
    assert fit.gradient_norms == fit.held_out_losses == ()
    assert math.isnan(fit.clipped)


@pytest.mark.slow
@pytest.mark.parametrize("spec", [STEPPING, replace(STEPPING, validation=0.3)])
def test_a_course_is_kept_as_arrays_to_the_last_bit(spec):
    fit, made = fitted(spec), spec.forecaster()
    again = made.from_arrays(fit.model.symbols, made.to_arrays(fit))
    for name in ("losses", "held_out_losses", "gradient_norms", "clipped"):
        assert getattr(again, name) == getattr(fit, name)


def test_what_an_earlier_version_has_kept_is_read_without_its_course():
    spec = replace(STEPPING, initial_weights="memory", steps=0)
    fit, made = fitted(spec), spec.forecaster()
    arrays = {
        name: array
        for name, array in made.to_arrays(fit).items()
        if name in ("scalers", "weights", "filters", "losses")
    }
    assert made.from_arrays(fit.model.symbols, arrays).losses == fit.losses


def test_courses_are_averaged_as_far_as_all_of_them_went():
    first = Course(np.array([4.0, 2.0, 1.0]), np.zeros(0), np.array([3.0, 0.5, 0.1]))
    second = Course(np.array([2.0, 0.0]), np.zeros(0), np.array([1.0, 1.5]))
    assert joined([first, second], 1.0) == {
        "losses": (3.0, 1.0),
        "held_out_losses": (),
        "gradient_norms": (2.0, 1.0),
        "clipped": 0.4,  # 2 of all 5
    }
