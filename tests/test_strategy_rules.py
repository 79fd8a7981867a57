"""The rules of a selection as SectorRotation follows them, order by order.

Forecast and days are those of ``test_strategy.py``: the forecast is the last day's
return. January 31: A +10%, B +4%, C -5%. February 28: A -9.1%, B 0%, C +10%.
"""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import random_panel, shocked, without
from hand_made import FREE, drop_in, fills, panel_of
from modes import MODES

from bt_lstm_rotation import Broker, MomentumSpec, SectorRotation
from bt_lstm_rotation.backtest.settings import parse_settings
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.feeds import add_feeds

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

YESTERDAY = MomentumSpec(lookback=1, skip=0, horizon=1)

A = [100, 100, 100, (100, 110), (112, 110), *[110] * 18, (110, 100), (99, 100), 100]
B = [50, 50, 50, (50, 52), (53, 52), *[52] * 18, 52, (52.5, 52), 52]
C = [20, 20, 20, (20, 19), (18, 19), *[19] * 18, (19, 20.9), (21, 20.9), 20.9]

THREE = panel_of("2019-01-28", A=A, B=B, C=C)


class Diary(SectorRotation):
    """Note the weights of each decision, and trade none of them."""

    def __init__(self):
        super().__init__()
        self.noted = {}

    def weights(self):
        self.noted[self.datetime.date(0).isoformat()] = super().weights()
        return {}


def rotate(panel=THREE, strategy=SectorRotation, broker=FREE, **params):
    given = {"spec": YESTERDAY, "top": 2} | params
    return drop_in(panel, strategy, broker=broker, **given)


def orders(**params):
    return [(day[5:], name, size) for day, name, size, _ in fills(rotate(**params))]


def test_a_quantile_holds_a_share_of_the_sectors():
    # 0.4 of three is one: 9,800 at 110.
    assert orders(quantile=0.4)[0] == ("02-01", "A", 89)
    assert orders(quantile=0.67) == orders(top=2)


def test_a_slot_below_the_threshold_stays_in_cash():
    assert orders(threshold=0.05) == [
        # 4,900 at 110. B's other 4,900 stay.
        ("02-01", "A", 44),
        # Equity is 10,000 - 44 x 12 = 9,472, of which 49% are 222 of C at 20.9.
        ("03-01", "A", -44),
        ("03-01", "C", 222),
    ]


def test_with_every_sector_below_the_threshold_everything_is_sold():
    # A's forecast on January 31 clears 10%; on February 28 no slot of one does.
    bought = orders(top=1, threshold=0.1 - 1e-9)
    assert bought[0] == ("02-01", "A", 89)
    down = panel_of("2019-01-28", A=A, B=B, C=[20] * 26)
    assert orders(panel=down, top=1, threshold=0.05) == [
        ("02-01", "A", 89),
        ("03-01", "A", -89),
    ]


def test_a_round_trip_is_twice_the_commission_and_the_slippage():
    # 2 x (2% + 0.5%): B's 4% do not pay for it. 2 x 1.5% they do.
    dear = Broker(cash=10_000.0, commission=0.02, slippage=0.005)
    cheap = Broker(cash=10_000.0, commission=0.015, slippage=0.0)

    def bought(broker):
        diary = rotate(strategy=Diary, broker=broker, threshold="round_trip")
        return diary.noted["2019-01-31"]

    assert bought(dear) == {"A": 0.49, "B": 0.0}
    assert bought(cheap) == {"A": 0.49, "B": 0.49}


def test_a_commission_per_share_is_taken_at_the_deciding_close():
    class PerShare:
        def set_up(self, cerebro):
            # 3 are 2.7% of A's 110, 5.8% of B's 52; B's 4% are below twice that.
            fixed = bt.CommInfoBase.COMM_FIXED
            cerebro.broker.setcommission(3.0, commtype=fixed, stocklike=True)

    diary = rotate(strategy=Diary, broker=PerShare(), threshold="round_trip")
    assert diary.noted["2019-01-31"] == {"A": 0.49, "B": 0.0}


def test_a_fee_per_order_makes_no_threshold_and_is_refused_at_once():
    class Flat(bt.CommInfoBase):
        params = (("stocklike", True), ("commtype", bt.CommInfoBase.COMM_FIXED))

        def _getcommission(self, size, price, pseudoexec):
            return 5.0

    class PerOrder:
        def set_up(self, cerebro):
            cerebro.broker.addcommissioninfo(Flat())

    with pytest.raises(SpecError, match=r"threshold must be a number .*in proportion"):
        rotate(broker=PerOrder(), threshold="round_trip", spec=MomentumSpec())
    assert fills(rotate(broker=PerOrder(), threshold=0.01)) != []


def test_weights_follow_forecasts():
    # 10 : 4 of 9,800: 7,000 at 110 and 2,800 at 52.
    assert orders(weighting="forecast")[:2] == [("02-01", "A", 63), ("02-01", "B", 53)]


def test_no_sector_gets_more_than_the_cap():
    # 3,000 at 110 and at 52; two fifths stay in cash.
    assert orders(cap=0.3)[:2] == [("02-01", "A", 27), ("02-01", "B", 57)]
    # 10 : 4 capped at half: 5,000, and the rest to B, 4,800.
    capped = orders(cap=0.5, weighting="forecast")
    assert capped[:2] == [("02-01", "A", 45), ("02-01", "B", 92)]


def test_a_sector_that_is_held_is_kept_within_the_rank_buffer():
    # February's ranks are C, B, A. 89 of A and 32 in cash; 98% of 8,932 are 87 of A.
    assert orders(top=1, rank_buffer=2) == [("02-01", "A", 89), ("03-01", "A", -2)]
    # 98% of 8,932 are 418 of C at 20.9, after a wide gap bought in two steps.
    moved = orders(top=1, rank_buffer=1)
    assert moved[:2] == [("02-01", "A", 89), ("03-01", "A", -89)]
    assert {name for _, name, _ in moved[2:]} == {"C"}
    assert sum(size for _, _, size in moved[2:]) == 418


def test_a_rebalance_trades_no_more_than_the_turnover():
    assert orders(max_turnover=0.49) == [
        # Half of 49% each: 2,450 at 110 and at 52.
        ("02-01", "A", 22),
        ("02-01", "B", 47),
        # Equity is 5,045 + 22 x 100 + 47 x 52 = 9,689. From A 22.7%, B 25.2% to B 49%,
        # C 49% is 95.5%; 0.49 / 0.955 = 0.5132 of it makes A 11.05% or 10, B 37.43% or
        # 69, and C 25.15% or 116.
        ("03-01", "A", -12),
        ("03-01", "B", 22),
        ("03-01", "C", 116),
    ]


def test_the_worst_sector_is_held_short():
    diary = rotate(strategy=Diary, top=1, shorts=1)
    assert diary.noted["2019-01-31"] == {"A": 0.49, "C": -0.49}
    assert diary.noted["2019-02-28"] == {"C": 0.49, "A": -0.49}


PANEL = without(random_panel("ABC", 130), "B", [5, 100])
WEEKLY = {"spec": YESTERDAY, "top": 2, "rebalance": "weekly"}


def by_volatility(panel, **modes):
    cerebro = bt.Cerebro(stdstats=False, **modes)
    add_feeds(cerebro, panel)
    cerebro.addstrategy(Diary, weighting="inverse_volatility", **WEEKLY)
    return cerebro.run()[0].noted


def test_weights_follow_the_inverse_of_a_quarters_volatility():
    frames = {symbol: PANEL.frame(symbol).Close for symbol in PANEL.symbols}
    deviation = {s: np.log(c).diff().rolling(63).std() for s, c in frames.items()}
    decided = by_volatility(PANEL)
    compared = 0
    for day, weights in decided.items():
        known = {s: deviation[s].get(pd.Timestamp(day), np.nan) for s in weights}
        if weights and not np.isnan(list(known.values())).any():
            compared += 1
            level = 0.98 / sum(1 / known[s] for s in weights)
            assert weights == pytest.approx({s: level / known[s] for s in weights})
    assert compared > 10


@pytest.mark.parametrize("modes", MODES.values(), ids=MODES)
def test_weights_by_volatility_are_the_same_to_the_bit_in_every_mode(modes):
    assert by_volatility(PANEL, **modes) == by_volatility(PANEL)


@pytest.mark.parametrize("modes", [{}, {"runonce": False}], ids=["ahead", "by bar"])
def test_no_later_bar_moves_a_weight(modes):
    row = 110
    last = str(PANEL.sessions[row])
    before = by_volatility(PANEL, **modes)
    after = by_volatility(shocked(PANEL, row), **modes)
    assert {day: w for day, w in before.items() if day <= last} == {
        day: w for day, w in after.items() if day <= last
    }
    assert before != after


def test_volatilities_and_costs_are_looked_up_only_where_a_rule_needs_them():
    class Plain(SectorRotation):
        def __init__(self):
            super().__init__()

        def volatilities(self):
            raise AssertionError

        round_trip_costs = volatilities

    assert fills(rotate(strategy=Plain)) == fills(rotate())


def test_rules_can_be_set_and_swept_as_text():
    rules = ["quantile=0.34", "threshold=round_trip", "cap=null", "rank_buffer=1"]
    params = parse_settings(SectorRotation, rules)
    assert rotate(**params).selection.threshold == "round_trip"
    cerebro = bt.Cerebro(stdstats=False, maxcpus=1)
    add_feeds(cerebro, THREE)
    cerebro.optstrategy(
        SectorRotation, spec=YESTERDAY, threshold=("round_trip", 0.1, None), top=(1, 2)
    )
    runs = [run.params for (run,) in cerebro.run()]
    assert [(p.threshold, p.top) for p in runs] == [
        (threshold, top) for threshold in ("round_trip", 0.1, None) for top in (1, 2)
    ]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"quantile": 1.5}, "quantile must be a number above 0 and at most 1, or None"),
        ({"cap": 0}, "cap must be a number above 0"),
        ({"threshold": "round trip"}, "threshold must be .* 'round_trip', or None"),
        ({"rank_buffer": -1}, "rank_buffer must be a whole number of at least 0"),
        ({"shorts": True}, "shorts must be a whole number"),
        ({"max_turnover": 3}, "max_turnover must be a number above 0 and at most 2"),
        ({"weighting": "inverse_vol"}, ".*did you mean 'inverse_volatility'"),
    ],
)
def test_an_impossible_rule_is_named_with_what_would_be_possible(params, message):
    with pytest.raises(SpecError, match=f"^SectorRotation: {message}"):
        rotate(**params)
