"""A verdict as a whole: what it says, what it leaves out, and what it refuses."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import FakeSpec

from bt_lstm_rotation.backtest import Broker
from bt_lstm_rotation.errors import DataError, SpecError, StrategyError
from bt_lstm_rotation.evidence.verdict import Trials, verdict
from bt_lstm_rotation.forecasting import MomentumSpec, OracleSpec
from bt_lstm_rotation.measures.inference.skill_claim import claim_of_skill
from bt_lstm_rotation.measures.skill import realised_returns, session_ic
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket

SPEC = MomentumSpec(lookback=63, skip=0, horizon=21)
QUICK = {"rivals": ["zero", "reversal"], "draws": 1_000, "benchmark": MARKET}


def market(signal=1.0, n_sessions=900, seed=7):
    return SimulatedMarket(signal=signal, n_sessions=n_sessions, seed=seed)


@pytest.fixture(scope="module")
def panel():
    return market().panel()


@pytest.fixture(scope="module")
def found(panel):
    return verdict(
        panel,
        params={"spec": SPEC},
        around=dt.date(2002, 1, 2),
        trials=Trials(sharpes=(0.2, 0.5, 1.1), correlation=0.5),
        **QUICK,
    )


def named(rows, name, key="name"):
    (row,) = (row for row in rows if row[key] == name)
    return row


def test_the_claim_is_that_of_the_forecasts_alone(found, panel):
    # The walk forward of momentum, worked out here.
    close = panel.close[:, :9]
    pace = np.full(close.shape, np.nan)
    pace[63:] = np.expm1(np.log(close[63:] / close[:-63]) * 21 / 63)
    sectors = panel.select(panel.symbols[:9])
    ic = session_ic(pace, realised_returns(sectors, 21))
    first = pd.Timestamp(found.figures["data"]["first_session"]).to_datetime64()
    ic[panel.sessions < first] = np.nan
    claim = claim_of_skill(ic, 21, periods_a_year=252, trials=2.0, learned=False)
    assert found.figures["claim"]["ic"] == pytest.approx(claim.test.mean)
    assert found.figures["claim"]["detectable"] == pytest.approx(claim.detectable)
    assert found.outcome == claim.outcome == found.figures["outcome"]


def test_the_sentence_never_stands_alone(found):
    assert "smallest skill that these data could have shown" in found.sentences[1]
    assert str(found) == "\n".join(found.sentences)


def test_figures_are_what_json_holds(found):
    text = json.dumps(found.figures, allow_nan=False)
    assert json.loads(text) == found.figures


def test_every_rival_is_beside_the_candidate(found):
    names = [row["name"] for row in found.figures["forecasts"]]
    assert names == ["MomentumSpec", "zero", "reversal"]
    portfolios = [row["name"] for row in found.figures["portfolios"]]
    assert portfolios == ["MomentumSpec", "equal weight", MARKET, "zero", "reversal"]
    reversal = named(found.figures["forecasts"], "reversal")
    assert reversal["ic"] < 0 < reversal["dm_gain"]
    assert reversal["dm_p"] + reversal["dm_p_rival"] == pytest.approx(1)


def test_the_interval_of_a_difference_holds_its_estimate(found):
    for row in found.figures["portfolios"][1:]:
        for figure in ("growth_ahead", "sharpe_ahead"):
            estimate, low, high = row[figure]
            assert low <= estimate <= high


def test_random_portfolios_and_the_strategy_go_through_the_same_arithmetic(found):
    chance = found.figures["random"]
    sharpe = named(found.figures["portfolios"], "MomentumSpec")["sharpe"]
    # Equal parts and whole shares differ by little.
    assert chance["strategy"] == pytest.approx(sharpe, abs=0.05)
    assert chance["draws"] == len(chance["sharpes"]) == 1_000
    assert chance["sharpes"] == sorted(chance["sharpes"])


def test_doubled_costs_earn_less(found):
    once = named(found.figures["portfolios"], "MomentumSpec")["total_return"]
    assert found.figures["costs"]["doubled"]["total_return"] < once
    assert found.figures["costs"]["cost_rate"] == pytest.approx(0.0007, rel=0.05)


def test_luck_knows_the_trials(found):
    luck = found.figures["luck"]
    assert (luck["trials"], luck["effective_trials"]) == (3, 2.0)
    assert luck["best_by_luck"] > 0
    assert luck["dsr"] < luck["psr"]
    assert luck["pbo_of"] == 3


def test_parts_add_up_to_the_whole(found):
    rows = found.figures["stability"]
    sessions = {
        kind: sum(row["sessions"] for row in rows if row["kind"] == kind)
        for kind in ("year", "date", "volatility")
    }
    assert sessions["year"] == sessions["date"] > sessions["volatility"]
    assert {r["part"] for r in rows if r["kind"] == "date"} == {
        "before 2002-01-02",
        "from 2002-01-02",
    }


def test_a_momentum_rule_has_no_seeds(found):
    assert found.figures["seeds"] is None


def test_without_a_ledger_it_says_that_it_does_not_know(panel):
    told = []
    found = verdict(
        panel, params={"spec": SPEC}, ledger=False, announce=told.append, **QUICK
    )
    assert found.figures["luck"]["trials"] is None
    assert found.figures["luck"]["dsr"] is None
    assert any("is not known" in sentence for sentence in found.sentences)
    assert told == [
        "MomentumSpec",
        "zero",
        "reversal",
        "MomentumSpec at twice the costs",
    ]


def test_nothing_is_found_where_there_is_nothing():
    found = verdict(market(0.0).panel(), params={"spec": SPEC}, **QUICK)
    assert found.outcome == "none"
    assert found.sentences[0].startswith("No evidence of skill")


def test_what_knows_all_there_is_to_know_is_found():
    world = market()
    spec = OracleSpec(market=world)
    found = verdict(world.panel(), params={"spec": spec}, **QUICK)
    assert found.outcome == "skill"
    assert found.sentences[0].startswith("Evidence of skill")
    assert named(found.figures["forecasts"], "OracleSpec")["in_set"] in (True, None)


@dataclass(frozen=True, kw_only=True)
class SeededSpec(FakeSpec):
    """A fake with a seed, of which its forecasts make no use."""

    seed: int = 3


def test_the_band_goes_over_as_many_seeds_as_are_asked_for(panel):
    found = verdict(panel, params={"spec": SeededSpec()}, seeds=5, **QUICK)
    band = found.figures["seeds"]
    assert band["seeds"] == 5
    assert band["ic"]["low"] <= band["ic"]["mean"] <= band["ic"]["high"]
    assert len(band["sharpe"]["values"]) == 5
    none = verdict(panel, params={"spec": SeededSpec()}, seeds=0, **QUICK)
    assert none.figures["seeds"] is None


class Book:
    def __init__(self):
        self.openings = []

    def opened(self, data, first, last):
        self.openings.append((data, first, last))
        return len(self.openings) - 1


def test_a_holdout_takes_part_in_nothing_else(panel):
    day, book = dt.date(2002, 6, 3), Book()
    given = {"params": {"spec": SPEC}, **QUICK}
    held = verdict(panel, holdout=day, holdouts=book, **given)
    before = verdict(panel.between(None, day - dt.timedelta(days=1)), **given)
    own = {
        name: value
        for name, value in held.figures.items()
        if name not in ("holdout", "sentences")
    }
    for name, value in own.items():
        assert value == before.figures[name], name
    assert held.figures["holdout"]["openings_before"] == 0
    assert "first time" in held.sentences[-1]
    assert book.openings == [(panel.content_hash, day, dt.date(2003, 6, 13))]
    again = verdict(panel, holdout=day, holdouts=book, **given)
    assert "no holdout any more" in again.sentences[-1]
    alone = verdict(panel, holdout=day, ledger=False, **given)
    assert alone.figures["holdout"]["openings_before"] is None


def test_a_sweep_of_the_users_own_is_judged(panel):
    rng = np.random.default_rng(0)
    sweep = pd.DataFrame(rng.normal(0, 0.01, (300, 6)))
    found = verdict(panel, params={"spec": SPEC}, sweep=sweep, **QUICK)
    assert found.figures["luck"]["pbo_of"] == 6


def test_the_same_settings_give_the_same_verdict(panel, found):
    again = verdict(
        panel,
        params={"spec": SPEC},
        around=dt.date(2002, 1, 2),
        trials=Trials(sharpes=(0.2, 0.5, 1.1), correlation=0.5),
        **QUICK,
    )
    assert again.figures == found.figures


class NoForecast(bt.Strategy):
    def __init__(self):
        super().__init__()


def test_a_strategy_without_a_forecaster_is_refused(panel):
    with pytest.raises(StrategyError, match="NoForecast has no forecaster"):
        verdict(panel, NoForecast)


@pytest.mark.parametrize(
    "bad",
    [
        {"draws": 10},
        {"seeds": 2},
        {"seeds": -1},
        {"seed": -1},
        {"around": "2002"},
        {"holdout": 5},
        {"trials": 3},
        {"sweep": [1]},
        {"panel": "no"},
        {"rivals": ["kalmann"]},
        {"rivals": "kalman"},
    ],
)
def test_impossible_arguments_are_named(panel, bad):
    given = {"panel": panel, "params": {"spec": SPEC}} | bad
    with pytest.raises(SpecError, match=next(iter(bad))):
        verdict(**given)


def test_a_holdout_after_the_last_session_is_refused(panel):
    with pytest.raises(DataError, match="held out"):
        verdict(panel, params={"spec": SPEC}, holdout=dt.date(2030, 1, 1))


def test_a_scheme_of_ones_own_is_not_doubled(panel):
    scheme = bt.CommissionInfo(commission=0.001)
    broker = Broker(commission=scheme)
    found = verdict(panel, params={"spec": SPEC}, broker=broker, **QUICK)
    assert found.figures["costs"]["doubled"] is None
