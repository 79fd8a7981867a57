"""Where permuted columns come from, and that a model is shown them and no other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pytest
from fakes import random_panel

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.evidence.importance.groups import groups_of, spec_without
from bt_lstm_rotation.evidence.importance.permuting import Block, Draw, Served
from bt_lstm_rotation.forecasting import ForecastSpec, Training, walk_forward
from bt_lstm_rotation.forecasting.beside import ContextRule, InputRule
from bt_lstm_rotation.forecasting.recurrent.model import RecurrentModel
from bt_lstm_rotation.forecasting.walkforward.beside_panel import Beside, history_of
from bt_lstm_rotation.measures.skill import realised_returns, session_ic

SMALL = ForecastSpec(lookback=12, train_size=60, horizon=3, units=6)
N = 150


def market(holes=False):
    """Return a panel, and an input and a series beside it."""
    panel = random_panel("ABC", N, seed=1)
    values = np.random.default_rng(1).normal(size=panel.traded.shape)
    if holes:
        values[::7] = np.nan
    return panel, Beside({"rsi": values}, random_panel("V", N, seed=51))


class Identity:
    def symbols(self, session, count):
        return np.arange(count)

    def sessions(self, count):
        return np.arange(count)


def served(panel, spec, beside):
    """Walk forward; return the forecasts, and what made them."""
    blocks = []

    def keep(model, window):
        blocks.append(Block(model, window.symbols, window.dates[:, 0, -1]))

    made = walk_forward(panel, spec, training=Training(served=keep), beside=beside)
    return made.values, Served(history_of(panel, spec, beside), blocks)


@pytest.mark.parametrize(
    "settings",
    [{}, {"pooled": False}, {"members": 2, "cell": "gru"}, {"mirrored": False}],
    ids=str,
)
def test_columns_from_where_they_are_give_the_same_bytes(settings):
    panel, beside = market(holes=True)
    rules = [InputRule(name="rsi", missing="zero")], [ContextRule(name="V")]
    spec = ForecastSpec(**{**vars(SMALL), **settings}).reading(*rules)
    values, kept = served(panel, spec, beside)
    groups = groups_of(spec, {"all": ["volume", "rsi", "V"]})
    again = kept.permuted(groups, [Identity(), Identity()])
    made = np.isfinite(values).any(axis=1)
    assert (panel.sessions[made] == kept.sessions).all()
    assert made.sum() > 50
    for group in again:
        for each in group:
            np.testing.assert_array_equal(each, values[made])


def test_a_walk_that_is_watched_forecasts_the_same():
    panel, beside = market()
    spec = SMALL.reading(context=[ContextRule(name="V")])
    plain = walk_forward(panel, spec, beside=beside)
    np.testing.assert_array_equal(served(panel, spec, beside)[0], plain.values)


@dataclass
class Echo:
    """A model whose forecast is the last value of all its columns, added up."""

    spec: ForecastSpec
    symbols: tuple[str, ...]

    def read(self, window):
        return RecurrentModel(self.spec, self.symbols, ()).read(window)

    def answer(self, symbols, own, context):
        total = own[:, :, -1].sum(axis=-1)
        if context is not None:
            total = total + context[:, :, -1].sum(axis=-1)
        return total[np.newaxis]


def echoed(spec, beside, panel):
    sessions = panel.sessions[60:]
    blocks = [
        Block(Echo(spec, ("A", "B", "C")), ("A", "B", "C"), part)
        for part in np.array_split(sessions, 3)
    ]
    return Served(history_of(panel, spec, beside), blocks)


def test_a_symbol_is_shown_what_another_has_at_the_same_close():
    panel, beside = market()
    spec = ForecastSpec(lookback=5, train_size=20, features=("log_return",)).reading(
        inputs=[InputRule(name="rsi")]
    )
    draw = Draw(0, 0, 10)
    kept = echoed(spec, beside, panel)
    base, found = kept.permuted(groups_of(spec), [Identity(), draw])[1]
    rsi = beside.inputs["rsi"][60:]
    for row, session in enumerate(kept.sessions):
        whose = draw.symbols(session, 3)
        expected = base[row] - rsi[row] + rsi[row, whose]
        np.testing.assert_allclose(found[row], expected, atol=1e-12)


@dataclass
class Always:
    """The same permutation at every session."""

    order: tuple[int, ...]

    def symbols(self, session, count):
        return np.array(self.order)

    def sessions(self, count):
        return np.arange(count)


def test_over_all_permutations_what_brings_all_loses_all():
    panel, _ = market()
    spec = ForecastSpec(lookback=5, train_size=20, features=("log_return",))
    kept = echoed(spec, Beside(), panel)
    every = [Always(order) for order in permutations(range(3))]
    (found,) = kept.permuted(groups_of(spec), every)
    came = realised_returns(panel, 5)[60:]
    ics = np.array([session_ic(values, came) for values in found])[:, :-5]
    np.testing.assert_allclose(ics.mean(axis=0), 0.0, atol=1e-12)
    assert ics.std() > 0.5


def test_context_is_shown_as_it_was_so_many_sessions_later():
    panel, beside = market()
    spec = ForecastSpec(lookback=5, train_size=20).reading(
        context=[ContextRule(name="V")]
    )
    draw = Draw(0, 0, 10)
    kept = echoed(spec, beside, panel)
    base, found = kept.permuted(groups_of(spec), [Identity(), draw])[-1]
    closes = beside.context.close[:, 0]
    known = np.diff(np.log(closes))[59:]
    shown = known[draw.sessions(len(known))]
    np.testing.assert_allclose(found, base + (shown - known)[:, None], atol=1e-12)


def test_an_input_that_is_the_same_for_all_is_turned_in_time():
    panel, _ = market()
    day = np.arange(N, dtype=float)[:, None].repeat(3, axis=1)
    spec = ForecastSpec(lookback=5, train_size=20).reading(
        inputs=[InputRule(name="day")]
    )
    draw = Draw(4, 2, 10)
    kept = echoed(spec, Beside({"day": day}), panel)
    base, found = kept.permuted(groups_of(spec), [Identity(), draw])[-1]
    moved = draw.sessions(N - 60) - np.arange(N - 60)
    np.testing.assert_allclose(found, base + moved[:, None], atol=1e-9)
    assert (abs(moved) >= 10).all()


@pytest.mark.parametrize("count", [2, 3, 9])
def test_each_symbol_is_as_likely_to_be_shown_as_any(count):
    days = np.arange("2000-01-01", "2004-01-01", dtype="datetime64[D]")
    drawn = np.array([Draw(0, 1, 5).symbols(day, count) for day in days])
    assert (np.sort(drawn) == np.arange(count)).all()
    for symbol in range(count):
        shares = np.bincount(drawn[:, symbol], minlength=count) / len(days)
        # Four deviations of a share of 1,461 draws.
        assert (abs(shares - 1 / count) < 4 * 0.5 / len(days) ** 0.5).all()


def test_a_symbol_alone_and_days_before_1970_can_be_drawn():
    day = np.datetime64("1929-10-29", "D")
    assert Draw(0, 0, 5).symbols(day, 1).tolist() == [0]
    assert sorted(Draw(0, 0, 5).symbols(day, 4)) == [0, 1, 2, 3]


@pytest.mark.parametrize("count", [1, 2, 3, 20, 21, 500])
def test_sessions_are_turned_round_and_kept_apart_as_far_as_they_go(count):
    for number in range(20):
        shown = Draw(0, number, 10).sessions(count)
        moved = (shown - np.arange(count)) % count
        assert (moved == moved[0]).all()
        assert min(moved[0], count - moved[0]) >= min(10, count // 2)


def test_a_permutation_depends_on_seed_number_and_session_alone():
    day = np.datetime64("2001-02-03", "D")
    once = Draw(7, 1, 5).symbols(day, 50).tolist()
    assert once == Draw(7, 1, 9).symbols(day, 50).tolist()
    for other in (Draw(8, 1, 5), Draw(7, 2, 5)):
        assert once != other.symbols(day, 50).tolist()


def test_groups_know_their_columns():
    rules = [InputRule(name="a", missing="zero"), InputRule(name="b")]
    rules += [InputRule(name="c", missing="zero")]
    spec = SMALL.reading(rules, [ContextRule(name="V")])
    groups = {group.name: group for group in groups_of(spec, {"two": ("c", "V", "c")})}
    # Two features, three inputs, and whether the first and the third were missing.
    assert groups["volume"].own == ((1,),)
    assert groups["a"].own == ((2, 5),)
    assert groups["b"].own == ((3,),)
    assert groups["c"].own == ((4, 6),)
    assert groups["V"].context == (0,)
    assert groups["two"].members == ("c", "V")
    assert (groups["two"].own, groups["two"].context) == (((4, 6),), (0,))


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (["volume"], "a dict of name to names"),
        ({"x": []}, "a list of some of"),
        ({"x": "volume"}, "a list of some of"),
        ({"x": ["volum"]}, "volume"),
        ({"x": [3]}, "read by the network"),
        ({"volume": ["volume"]}, "a name of its own"),
        ({" ": ["volume"]}, "a name of its own"),
        ({3: ["volume"]}, "a name of its own"),
    ],
)
def test_groups_that_cannot_be_are_refused(named, said):
    with pytest.raises(SpecError, match=said):
        groups_of(SMALL, named)


def test_what_is_left_of_a_mirrored_network_may_be_one_that_is_not():
    first, second = groups_of(SMALL)
    without, note = spec_without(SMALL, first)
    assert (without.features, without.mirrored) == (("volume",), False)
    assert note == "not mirrored"
    without, note = spec_without(SMALL, second)
    assert (without.features, without.mirrored) == (("relative_return",), True)
    assert note == ""
    everything = groups_of(SMALL, {"all": SMALL.features})[-1]
    with pytest.raises(SpecError, match="features"):
        spec_without(SMALL, everything)
