"""What a plain buy() is for: a stake, a share of the cash, a sizer of one's own."""

from __future__ import annotations

import json
import math

import backtrader as bt
import numpy as np
import pytest
from hand_made import panel_of

from bt_lstm_rotation import Broker, PeriodicRebalance, SectorRotation, run_backtest
from bt_lstm_rotation.backtest.sizing import fixed_stake, share_of_cash
from bt_lstm_rotation.errors import SpecError, StrategyError
from bt_lstm_rotation.reporting import write_run

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

# What is bought at one close is filled at the next open, at the same price.
FREE = Broker(cash=100_000.0, commission=0.0, slippage=0.0)
PANEL = panel_of("2020-02-03", A=[100.0] * 6, B=[50.0] * 6)


class Buyer(bt.Strategy):
    """Buys A at the first close and B at the third."""

    def __init__(self):
        pass

    def next(self):
        if len(self) == 1:
            self.buy(self.getdatabyname("A"))
        if len(self) == 3:
            self.buy(self.getdatabyname("B"))


class Twice(bt.Sizer):
    """Somebody's own: as many shares as `lots` times two."""

    params = (("lots", 1),)

    def _getsizing(self, comminfo, cash, data, isbuy):
        return 2 * self.p.lots


def filled(sizer) -> list[float]:
    result = run_backtest(PANEL, Buyer, broker=FREE, sizer=sizer)
    return result.orders["filled"].tolist()


@pytest.mark.parametrize(
    ("sizer", "shares"),
    [
        (None, [1, 1]),
        (bt.sizers.FixedSize, [1, 1]),
        ((bt.sizers.FixedSize, {"stake": 100}), [100, 100]),
        (fixed_stake(100), [100, 100]),
        (fixed_stake(0.5), [0.5, 0.5]),
        # A fifth of 100,000 at 100; a fifth of the 80,000 left at 50.
        (share_of_cash(0.2), [200, 320]),
        (share_of_cash(1), [1000]),  # no cash is left, and no order of 0 is sent
        (Twice, [2, 2]),
        ((Twice, {"lots": 7}), [14, 14]),
    ],
)
def test_a_plain_buy_is_for_as_much_as_the_sizer_says(sizer, shares):
    assert filled(sizer) == pytest.approx(shares)


def test_a_stake_typed_as_a_float_is_whole_shares():
    _, given = fixed_stake(100.0)
    assert given == {"stake": 100}
    assert isinstance(given["stake"], int)


@pytest.mark.parametrize(
    "shares", [0, -1, math.nan, math.inf, -math.inf, True, "100", None]
)
def test_an_impossible_stake_is_refused(shares):
    with pytest.raises(SpecError, match="stake must be a finite number above 0"):
        fixed_stake(shares)


@pytest.mark.parametrize(
    "share", [0, -0.2, 1.0001, 20, math.nan, math.inf, True, "0.2", None]
)
def test_an_impossible_share_of_the_cash_is_refused(share):
    with pytest.raises(SpecError, match="sizer must be a share of the cash, above 0"):
        share_of_cash(share)


def test_numbers_of_numpy_are_numbers():
    assert fixed_stake(np.int64(3))[1] == {"stake": 3}
    assert share_of_cash(np.float64(0.5))[1] == {"percents": 50}


@pytest.mark.parametrize(
    "sizer",
    [
        100,
        "FixedSize",
        bt.sizers.FixedSize(stake=3),
        bt.Strategy,
        (),
        (Twice,),
        (Twice, {}, {}),
        (Twice, "lots"),
        [Twice, {"lots": 7}],
        ({"lots": 7}, Twice),
    ],
)
def test_what_is_no_sizer_is_refused(sizer):
    with pytest.raises(SpecError, match=r"sizer must be a bt\.Sizer class, or a tuple"):
        filled(sizer)


@pytest.mark.parametrize("name", ["lotz", "", 3, "_getkeys"])
def test_a_parameter_that_a_sizer_does_not_have_is_refused(name):
    with pytest.raises(SpecError, match=r"Twice: parameter must be known \(.*lots"):
        filled((Twice, {name: 2}))


@pytest.mark.parametrize("strategy", [PeriodicRebalance, SectorRotation])
def test_a_strategy_that_sizes_its_own_orders_takes_no_sizer(strategy):
    with pytest.raises(
        StrategyError, match=rf"{strategy.__name__} sizes its own orders.*would change"
    ):
        run_backtest(PANEL, strategy, {}, sizer=Twice)


def test_the_summary_says_how_orders_were_sized(tmp_path):
    result = run_backtest(PANEL, Buyer, broker=FREE, sizer=share_of_cash(0.2))
    write_run(result, tmp_path / "run")
    summary = json.loads((tmp_path / "run" / "summary.json").read_text("utf-8"))
    assert summary["strategy"]["sizer"] == {
        "name": "PercentSizer",
        "params": {"percents": 20.0, "retint": False},
    }
    unsized = run_backtest(PANEL, Buyer, broker=FREE)
    assert "sizer" not in unsized.summary["strategy"]


def test_orders_of_one_session_are_sized_by_the_same_cash():
    class Both(bt.Strategy):
        def __init__(self):
            pass

        def next(self):
            if len(self) == 1:
                for feed in self.datas:
                    self.buy(feed)

    # 60,000 each of 100,000: the second is one too many.
    result = run_backtest(PANEL, Both, broker=FREE, sizer=share_of_cash(0.6))
    assert result.orders["size"].tolist() == [600, 1200]
    assert result.orders["status"].tolist() == ["Completed", "Margin"]
