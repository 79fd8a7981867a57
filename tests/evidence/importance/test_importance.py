"""What each input brings: known answers, the one law, and what is refused."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pytest
from fakes import random_panel

from bt_lstm_rotation.errors import DataError, HistoryError, SpecError
from bt_lstm_rotation.evidence.importance import importance
from bt_lstm_rotation.forecasting import ForecastSpec, MomentumSpec, walk_forward
from bt_lstm_rotation.forecasting.beside import ContextRule, InputRule
from bt_lstm_rotation.forecasting.walkforward.beside_panel import Beside
from bt_lstm_rotation.measures.skill import realised_returns, skill
from bt_lstm_rotation.prices.simulated import MARKET, ContextMarket

SMALL = ForecastSpec(lookback=12, train_size=60, horizon=3, units=6)
N = 200


@pytest.fixture(scope="module")
def known():
    """A market whose news come from a series alone, and an input of pure noise."""
    market = ContextMarket(n_sessions=1_400, n_sectors=6, seed=3)
    panel = market.panel()
    sectors = panel.select([name for name in panel.symbols if name != MARKET])
    noise = np.random.default_rng(1).normal(size=sectors.traded.shape)
    spec = ForecastSpec(
        lookback=42, horizon=5, train_size=504, units=16, retrain="quarterly"
    ).reading([InputRule(name="noise")], [ContextRule(name="CONTEXT")])
    beside = Beside({"noise": noise}, market.context())
    ours = ["relative_return", "volume", "noise"]
    return importance(
        sectors, spec, beside=beside, groups={"the rest": ours}, permutations=3
    )


@pytest.mark.parametrize("table", ["permuted", "refitted"])
def test_the_series_that_brings_the_news_matters_and_nothing_else(known, table):
    found = getattr(known, table)
    series = found.loc["CONTEXT"]
    assert series["p"] < 0.001
    # Without it nothing is left to know, and with it nearly all is.
    assert abs(series["ic_without"]) < 2 * series["error"]
    assert series["drop"] > 0.8 * series["ic"]
    for name in ("relative_return", "volume", "noise"):
        assert abs(found.loc[name, "drop"]) < 2 * found.loc[name, "error"] + 1e-9
    assert set(found["kind"]) == {"feature", "input", "context", "group"}


def test_what_it_found_is_said(known):
    for sentence in known.sentences[1:]:
        assert sentence.count("±") == 1
        assert "CONTEXT" in sentence
    assert known.sentences[0].startswith("Out of sample")
    assert "CONTEXT" in str(known)
    # A network has a feature at least.
    rest = known.refitted.loc["the rest"]
    assert np.isnan(rest["drop"])
    assert "features" in rest["note"]
    assert known.refitted.loc["noise", "note"] == ""


def test_who_brings_all_the_skill_there_is_loses_all_of_it():
    panel = random_panel("DABC", 600, seed=5)
    came = realised_returns(panel, 1)
    noise = np.random.default_rng(99).normal(size=came.shape)
    hint = np.where(np.isfinite(came), came / np.nanstd(came), 0.0) + 2 * noise
    spec = replace(SMALL, horizon=1).reading([InputRule(name="hint")])
    found = importance(panel, spec, beside=Beside({"hint": hint}), refits=False)
    row = found.permuted.loc["hint"]
    assert row["ic"] > 0.2
    assert abs(row["ic_without"]) < 2 * row["error"] + 0.02
    assert abs(found.permuted.loc["volume", "drop"]) < 0.05


def small(seed=0):
    panel = random_panel("DABC", N, seed=seed)
    values = np.random.default_rng(seed).normal(size=panel.traded.shape)
    return panel, Beside({"rsi": values}, random_panel("V", N, seed=seed + 50))


def test_figures_are_those_of_the_walk_forward_and_nothing_is_changed():
    panel, beside = small()
    spec = SMALL.reading([InputRule(name="rsi")])
    before = walk_forward(panel, spec, beside=beside).values
    kept = panel.bars.copy(), beside.inputs["rsi"].copy()
    found = importance(panel, spec, beside=beside, permutations=2)
    np.testing.assert_array_equal(kept[0], panel.bars)
    np.testing.assert_array_equal(kept[1], beside.inputs["rsi"])
    after = walk_forward(panel, spec, beside=beside).values
    np.testing.assert_array_equal(before, after)
    came = realised_returns(panel, 3)
    assert found.figures["ic"]["mean"] == pytest.approx(skill(before, came)["ic"])
    alone = walk_forward(panel, SMALL).values
    both = np.isfinite(before) & np.isfinite(alone)
    row = found.refitted.loc["rsi"]
    for name, values in (("ic", before), ("ic_without", alone)):
        expected = skill(np.where(both, values, np.nan), came)["ic"]
        assert row[name] == pytest.approx(expected)
    assert row["drop"] == pytest.approx(row["ic"] - row["ic_without"])


def test_the_same_seed_gives_the_same_and_another_one_does_not():
    panel, beside = small()
    spec = SMALL.reading(context=[ContextRule(name="V")])
    once, again, other = (
        importance(panel, spec, beside=beside, refits=False, seed=seed, permutations=2)
        for seed in (1, 1, 2)
    )
    assert once.figures == again.figures
    assert (once.permuted["drop"] != other.permuted["drop"]).all()
    assert len(once.refitted) == 0
    assert len(once.sentences) == 2
    json.dumps(once.figures["permuted"], allow_nan=False)


def test_it_begins_and_ends_where_it_is_told():
    panel, beside = small()
    spec = SMALL.reading([InputRule(name="rsi")])
    first, last = panel.sessions[120].astype(object), panel.sessions[170].astype(object)
    told = []
    found = importance(
        panel, spec, beside=beside, start=first, end=last, announce=told.append
    )
    # The returns of the last three sessions have not come in.
    assert found.figures["ic"]["sessions"] == 51 - 3
    assert found.figures["data"]["first_session"] == str(first)
    assert told[:3] == ["with all", "permuted", "without relative_return"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"spec": MomentumSpec()}, "a ForecastSpec.*verdict.*MomentumSpec"),
        ({"spec": ForecastSpec}, "a ForecastSpec"),
        ({"panel": "bars"}, "a PricePanel"),
        ({"beside": {}}, "a Beside"),
        ({"training": 3}, "Training"),
        ({"start": "2001-01-01"}, "a datetime.date"),
        ({"end": 3}, "a datetime.date"),
        ({"permutations": 0}, "permutations"),
        ({"permutations": 10**9}, "permutations"),
        ({"permutations": 2.5}, "permutations"),
        ({"seed": -1}, "seed"),
        ({"refits": "no"}, "refits"),
        ({"announce": "loud"}, "callable"),
        ({"groups": {"x": ["rsi"]}}, "read by the network"),
        ({"spec": SMALL.reading([InputRule(name="macd")])}, "macd"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(arguments, said):
    given = {"panel": random_panel("ABC", N), "spec": SMALL, **arguments}
    with pytest.raises(SpecError, match=said):
        importance(given.pop("panel"), given.pop("spec"), **given)


def test_too_little_to_tell_is_refused():
    with pytest.raises(HistoryError):
        importance(random_panel("ABC", 40), SMALL)
    with pytest.raises(DataError, match="3 symbols"):
        importance(random_panel("AB", N), SMALL)
    with pytest.raises(DataError):
        importance(random_panel("ABC", N), SMALL, end=dt.date(1950, 1, 1))
