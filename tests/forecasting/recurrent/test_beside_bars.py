"""Networks that read inputs and context: what they learn, and the one law of both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes import random_panel, without

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.forecasting import ForecastSpec, walk_forward
from bt_lstm_rotation.forecasting.beside import ContextRule, InputRule
from bt_lstm_rotation.forecasting.recurrent.head import (
    jointly_solved,
    solved_head,
    solved_heads,
)
from bt_lstm_rotation.forecasting.recurrent.model import RecurrentModel
from bt_lstm_rotation.forecasting.walkforward.beside_panel import (
    Beside,
    history_of,
)
from bt_lstm_rotation.measures.skill import realised_returns, skill
from bt_lstm_rotation.prices.simulated import MARKET, ContextMarket

SMALL = ForecastSpec(lookback=12, train_size=60, horizon=3, units=6)
N = 200


def market(seed=0):
    """Return a panel, an input of it, and the panel of a series that is context."""
    panel = random_panel("ABC", N, seed=seed)
    values = np.random.default_rng(seed).normal(size=panel.traded.shape)
    series = random_panel("VW", N, seed=seed + 50)
    return panel, Beside({"rsi": values}, series)


RULES = {
    "an input": {"inputs": [InputRule(name="rsi")]},
    "an even input": {"inputs": [InputRule(name="rsi", odd=False)]},
    "an input that may be missing": {"inputs": [InputRule(name="rsi", missing="zero")]},
    "context": {"context": [ContextRule(name="V")]},
    "both": {
        "inputs": [InputRule(name="rsi")],
        "context": [ContextRule(name="V"), ContextRule(name="W")],
    },
}
EACH = pytest.mark.parametrize("rules", RULES.values(), ids=RULES)


@EACH
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"pooled": False},
        {"members": 2, "cell": "gru"},
        {"mirrored": False, "target": "plain", "cell": "rnn"},
        {"layers": 2},
    ],
    ids=str,
)
def test_nothing_after_a_session_moves_its_forecast(rules, settings):
    spec = ForecastSpec(lookback=12, train_size=60, horizon=3, units=6, **settings)
    panel, beside = market()
    whole = walk_forward(panel, spec.reading(**rules), beside=beside).values
    cut = 150
    other, news = market(seed=1)
    bars = panel.bars.copy()
    bars[:, cut:] = other.bars[:, cut:]
    inputs = {"rsi": beside.inputs["rsi"].copy()}
    inputs["rsi"][cut:] = 9.0
    series = beside.context.bars.copy()
    series[:, cut:] = news.context.bars[:, cut:]
    changed = walk_forward(
        type(panel)(panel.sessions, panel.symbols, bars),
        spec.reading(**rules),
        beside=Beside(
            inputs, type(panel)(panel.sessions, beside.context.symbols, series)
        ),
    ).values
    np.testing.assert_array_equal(whole[:cut], changed[:cut])
    assert np.isfinite(whole[:cut]).any()
    assert not np.array_equal(whole[cut:], changed[cut:])


@EACH
def test_what_stands_beside_bars_is_read(rules):
    panel, beside = market()
    spec = SMALL.reading(**rules)
    found = walk_forward(panel, spec, beside=beside).values
    alone = walk_forward(panel, SMALL).values
    there = np.isfinite(found)
    assert there.any()
    assert not np.array_equal(found[there], alone[there])


@EACH
def test_a_fit_survives_its_arrays(rules):
    panel, beside = market()
    for pooled in (True, False):
        spec = ForecastSpec(
            lookback=12, train_size=60, horizon=3, units=6, pooled=pooled, members=2
        ).reading(**rules)
        history = history_of(panel, spec, beside)
        at = panel.sessions[[150]]
        window = history.window("ABC", at, spec.fit_bars)
        one = replace(window, dates=window.dates[0], bars=window.bars[:, 0])
        fit = spec.forecaster().fit(one, at[0])
        arrays = spec.forecaster().to_arrays(fit)
        again = RecurrentModel.from_arrays(spec, fit.model.symbols, arrays)
        shown = history.window("ABC", panel.sessions[150:160], spec.forecast_bars)
        np.testing.assert_array_equal(again.forecast(shown), fit.model.forecast(shown))
        # One session alone, to the last bit.
        alone = history.window("ABC", panel.sessions[[155]], spec.forecast_bars)
        np.testing.assert_array_equal(
            again.forecast(alone)[:, 0], fit.model.forecast(shown)[:, 5]
        )


def test_a_constant_input_says_nothing():
    panel, _ = market()
    beside = Beside({"rsi": np.full(panel.traded.shape, 50.0)})
    found = walk_forward(panel, SMALL.reading([InputRule(name="rsi")]), beside=beside)
    assert np.isfinite(found.values[-1]).all()


@pytest.mark.parametrize("missing", ["leave_out", "carry", "zero"])
def test_a_symbol_whose_input_is_missing(missing):
    panel, beside = market()
    values = beside.inputs["rsi"].copy()
    values[170, 1] = np.nan
    rule = InputRule(name="rsi", missing=missing, at_most=int(missing == "carry"))
    made = walk_forward(panel, SMALL.reading([rule]), beside=Beside({"rsi": values}))
    there = np.isfinite(made.values[170])
    assert there.tolist() == [True, missing != "leave_out", True]
    assert np.isfinite(made.values[171:]).all()


def test_stale_context_leaves_out_or_counts_as_the_mean():
    panel, beside = market()
    ended = without(beside.context, "V", range(150, N))
    for missing, there in (("leave_out", False), ("zero", True)):
        rule = ContextRule(name="V", max_age=7, missing=missing)
        made = walk_forward(
            panel, SMALL.reading(context=[rule]), beside=Beside(context=ended)
        )
        assert np.isfinite(made.values[152]).all()
        assert np.isfinite(made.values[170]).all() == there


def test_what_is_not_given_is_named():
    panel, beside = market()
    with pytest.raises(SpecError, match=r"given are rsi \(got 'ema'"):
        walk_forward(panel, SMALL.reading([InputRule(name="ema")]), beside=beside)
    with pytest.raises(SpecError, match=r"given are V, W \(got 'TLT'"):
        walk_forward(
            panel, SMALL.reading(context=[ContextRule(name="TLT")]), beside=beside
        )
    wrong = Beside({"rsi": np.zeros((3, 3))})
    with pytest.raises(DataError, match=r"\(200, 3\)"):
        walk_forward(panel, SMALL.reading([InputRule(name="rsi")]), beside=wrong)


@pytest.mark.parametrize(
    "rules",
    [
        {"inputs": [InputRule(name="volume")]},
        {"inputs": [InputRule(name="x"), InputRule(name="x")]},
        {"inputs": [InputRule(name="x")], "context": [ContextRule(name="x")]},
        {"inputs": ["x"]},
        {"context": [InputRule(name="x")]},
    ],
    ids=str,
)
def test_names_are_their_own_and_rules_are_rules(rules):
    with pytest.raises(SpecError):
        SMALL.reading(**rules)


def test_heads_that_are_solved_together_find_what_each_alone_does_not():
    # What is shared hides what a symbol's own states say, until both are known.
    rng = np.random.default_rng(0)
    shared = np.repeat(rng.normal(size=(1, 4000, 1)), 2, axis=0)
    quiet = rng.normal(size=(2, 4000, 1))
    signs = np.array([1.0, -1.0])[:, None, None]
    own = quiet - signs * shared
    targets = (own + signs * shared)[..., 0]
    weights = np.ones_like(targets)
    head, offset, heads, centre = jointly_solved(
        own, shared, targets, weights, 1, odd=True
    )
    assert offset == 0.0
    np.testing.assert_allclose(head, [1.0], atol=0.13)
    np.testing.assert_allclose(heads[:, 0], [1.0, -1.0], atol=0.13)
    alone, _ = solved_head(own, targets, weights, 1, odd=True)
    assert alone[0] < 0.6
    np.testing.assert_allclose(centre, shared[0].mean(axis=0))


def test_each_symbol_answers_to_the_same_news_in_its_own_way():
    rng = np.random.default_rng(1)
    shared = np.repeat(rng.normal(size=(1, 3000, 2)), 3, axis=0)
    truth = np.array([[1.0, 0.0], [-1.0, 0.5], [0.0, 0.0]])
    targets = np.einsum("sbu,su->sb", shared, truth) + rng.normal(size=(3, 3000))
    heads, _ = solved_heads(shared, targets, np.ones_like(targets), 1)
    np.testing.assert_allclose(heads, truth, atol=0.08)


def test_context_finds_what_sectors_alone_do_not_show():
    found = ContextMarket(n_sessions=2200, seed=3)
    panel = found.panel()
    sectors = panel.select([name for name in panel.symbols if name != MARKET])
    spec = ForecastSpec()
    told = spec.reading(context=[ContextRule(name="CONTEXT")])
    seen = walk_forward(sectors, told, beside=Beside(context=found.context())).values
    blind = walk_forward(sectors, spec).values
    realised = np.where(np.isfinite(seen), realised_returns(sectors, 21), np.nan)
    best = skill(found.optimal_forecast(21), realised)["ic"]
    assert skill(seen, realised)["ic"] > 0.8 * best > 0.2
    assert abs(skill(blind, realised)["ic"]) < 0.1


def test_features_against_a_benchmark_need_its_bars():
    spec = replace(SMALL, train_size=300, features=("log_return", "beta"))
    panel = random_panel("ABC", 700)
    index = random_panel("I", 700, seed=9)
    made = walk_forward(panel, spec, beside=Beside(benchmark=index)).values
    assert np.isfinite(made[-1]).all()
    other = Beside(benchmark=random_panel("I", 700, seed=8))
    assert not np.array_equal(made, walk_forward(panel, spec, beside=other).values)
    with pytest.raises(SpecError, match="benchmark"):
        walk_forward(panel, spec)
