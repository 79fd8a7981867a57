"""Forecasts that read inputs and context as a function, shared out among all of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes import random_panel
from moved_inputs import check_gradient
from networks import SMALL, busy_network

from bt_lstm_rotation.forecasting.beside import ContextRule, InputRule
from bt_lstm_rotation.forecasting.inside.attribution import integrated_gradients
from bt_lstm_rotation.forecasting.inside.readout import readout
from bt_lstm_rotation.forecasting.recurrent.columns import Column, columns_read
from bt_lstm_rotation.forecasting.recurrent.model import RecurrentModel
from bt_lstm_rotation.forecasting.recurrent.network import Layer
from bt_lstm_rotation.forecasting.walkforward.beside_panel import Beside, history_of

PANEL = random_panel("ABC", 90, seed=3)
RNG = np.random.default_rng(8)
VALUES = RNG.normal(size=PANEL.traded.shape)
HOLES = np.where(RNG.random(VALUES.shape) < 0.2, np.nan, VALUES)
BESIDE = Beside({"rsi": VALUES, "gap": HOLES}, random_panel("VW", 90, seed=50))
READ = {
    "inputs": [InputRule(name="gap", missing="zero", odd=False), InputRule(name="rsi")],
    "context": [ContextRule(name="V"), ContextRule(name="W")],
}
NAMES = ("relative_return", "volume", "gap", "rsi", "gap is missing", "V", "W")

WAYS = {
    "default": {},
    "plain": {"target": "plain", "mirrored": False},
    "one each": {"pooled": False},
    "members": {"members": 2},
    "two layers": {"layers": 2},
    "gru": {"cell": "gru"},
    "rnn": {"cell": "rnn"},
}
each_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def fitted(way=None, rules=READ):
    """A model, and the window that its next forecast reads."""
    spec = replace(SMALL, **way or {}).reading(**rules)
    history = history_of(PANEL, spec, BESIDE)

    def window(bars):
        stack = history.window(history.symbols, PANEL.sessions[-1:], bars)
        return replace(stack, dates=stack.dates[0], bars=stack.bars[:, 0])

    model = spec.forecaster().fit(window(spec.fit_bars), PANEL.sessions[-1]).model
    assert isinstance(model, RecurrentModel)
    return model, window(spec.forecast_bars)


def busy(model):
    """The model with networks whose every weight is at work, and nothing else."""
    spec = model.spec
    parts = []
    for part in model.parts:
        networks = tuple(
            busy_network(spec.cell, spec.layers, spec.units, len(spec.signs), seed)
            for seed in range(spec.members)
        )
        branches = tuple(
            replace(
                branch,
                network=busy_network(spec.cell, spec.layers, spec.units, 2, 9 + seed),
                heads=np.random.default_rng(seed).normal(size=branch.heads.shape),
            )
            for seed, branch in enumerate(part.context)
        )
        parts.append(replace(part, networks=networks, context=branches, filters=None))
    return replace(model, parts=tuple(parts))


def served(model, window):
    one = replace(window, dates=window.dates[None], bars=window.bars[:, None])
    return model.forecast(one).mean(axis=0)[0]


def test_columns_have_the_names_and_the_order_in_which_they_are_read():
    spec = SMALL.reading(**READ)
    read = columns_read(spec)
    assert tuple(column.name for column in read) == NAMES
    kinds = ["feature"] * 2 + ["input"] * 3 + ["context"] * 2
    assert [column.kind for column in read] == kinds
    assert columns_read(SMALL) == (
        Column("relative_return", "feature"),
        Column("volume", "feature"),
    )


def test_names_are_different_whatever_inputs_are_called():
    odd = ("gap is missing", "gap", "gap is missing?")
    rules = [InputRule(name=name, missing="zero") for name in odd]
    names = [column.name for column in columns_read(SMALL.reading(rules))]
    assert len(set(names)) == len(names) == 2 + 3 + 3


@each_way
@pytest.mark.parametrize("is_busy", [False, True])
def test_the_function_is_the_models_forecast(way, is_busy):
    model, window = fitted(way)
    model = busy(model) if is_busy else model
    expected = served(model, window)
    for row, symbol in enumerate(window.symbols):
        function, inputs = readout(model, window, symbol)
        assert inputs.shape == (12, len(NAMES))
        size = 1 + abs(expected[row])
        assert abs(function.forecast(inputs) - expected[row]) < 1e-6 * size


@each_way
def test_its_gradient_is_that_of_moves_of_each_bar(way):
    model, window = fitted(way)
    check_gradient(*readout(busy(model), window, "B"))


@each_way
@pytest.mark.parametrize("is_busy", [False, True])
def test_shares_add_up_to_the_forecast_less_the_baseline(way, is_busy):
    model, window = fitted(way)
    function, inputs = readout(busy(model) if is_busy else model, window, "A")
    found = integrated_gradients(function, inputs)
    whole = found.forecast - found.baseline
    assert abs(found.gap) <= 1e-4 * abs(whole) + 1e-12
    # The default RNN has no gate that what keeps its sign could move.
    assert not is_busy or found.shares.any(axis=0).all()


def test_what_context_adds_is_shared_out_to_context_and_to_nothing_else():
    model, window = fitted()
    model = busy(model)
    (part,) = model.parts
    silent = replace(part.context[0], heads=np.zeros_like(part.context[0].heads))
    without = replace(model, parts=(replace(part, context=(silent,)),))
    found, alone = (
        integrated_gradients(*readout(one, window, "C")) for one in (model, without)
    )
    added = served(model, window)[2] - served(without, window)[2]
    of_mean = found.baseline - alone.baseline  # what the mean bar's context adds
    assert found.shares[:, 5:].sum() == pytest.approx(added - of_mean, abs=1e-6)
    assert not alone.shares[:, 5:].any()
    np.testing.assert_allclose(found.shares[:, :5], alone.shares[:, :5], atol=1e-7)


def test_a_column_that_no_weight_reads_has_no_share_and_no_say():
    model, window = fitted()
    model = busy(model)
    (part,) = model.parts
    (network,) = part.networks
    first = network.layers[0]
    kernel = first.kernel.copy()
    kernel[3] = 0.0  # of rsi
    deaf = replace(network, layers=(Layer(kernel, first.recurrent, first.bias),))
    model = replace(model, parts=(replace(part, networks=(deaf,)),))
    shares = integrated_gradients(*readout(model, window, "A")).shares
    assert not shares[:, 3].any()
    assert shares[:, 2].any()

    def shuffled(name):
        row = 5 + window.extra.index(name)
        bars = window.bars.copy()
        bars[row] = np.random.default_rng(1).permuted(bars[row], axis=-1)
        return served(model, replace(window, bars=bars))

    np.testing.assert_array_equal(shuffled("rsi"), served(model, window))
    assert not np.array_equal(shuffled("V"), served(model, window))


def test_a_mirrored_network_turns_round_what_its_own_columns_add():
    """Of context it knows no mirror image: what that adds stays."""
    model, window = fitted()
    function, inputs = readout(busy(model), window, "B")
    signs = np.array([-1.0, 1.0, 1.0, -1.0, 1.0])  # gap is even, missing too
    mirrored = inputs.copy()
    mirrored[:, :5] *= signs
    found, turned = (integrated_gradients(function, x) for x in (inputs, mirrored))
    np.testing.assert_allclose(turned.shares[:, 5:], found.shares[:, 5:])
    np.testing.assert_allclose(turned.shares[:, :5], -found.shares[:, :5], atol=1e-9)
