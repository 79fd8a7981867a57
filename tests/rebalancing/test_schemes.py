"""Commission schemes under which a weight would be something else than a share."""

from __future__ import annotations

import backtrader as bt
import pytest
from planned import flat, run

from bt_lstm_rotation.errors import StrategyError
from bt_lstm_rotation.rebalancing.schemes import multiplier_of

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

MARKET = {name: flat(100.0, range(5)) for name in "ABC"}


def rebalanced(weights, **schemes):
    """Half a portfolio, or so, with schemes of some feeds' own."""
    cerebro = bt.Cerebro(stdstats=False)
    for name, scheme in schemes.items():
        cerebro.broker.addcommissioninfo(bt.CommissionInfo(**scheme), name=name)
    return run(MARKET, {1: weights}, cerebro=cerebro)


@pytest.mark.parametrize(
    ("scheme", "what"),
    [
        ({"mult": 10.0}, "a multiplier of 10"),
        ({"mult": 10.0, "leverage": 3.0}, "a multiplier of 10"),
        ({"mult": 0.5}, "a multiplier of 0.5"),
        ({"leverage": 3.0}, "leverage 3"),
        ({"margin": 7.0}, "a future's margin and a multiplier of 1"),
        ({"margin": 7.0, "mult": 10.0}, "a future's margin and a multiplier of 10"),
    ],
)
@pytest.mark.parametrize("other", ["A", "C"])  # one by name before, one after
def test_a_feed_that_moves_by_more_than_it_ties_up_is_refused(scheme, what, other):
    with pytest.raises(StrategyError, match=f"^B has {what} in its commission scheme"):
        rebalanced({other: 0.4, "B": 0.4}, B=scheme)


def test_feeds_that_are_paid_in_full_may_have_any_commission():
    ran = rebalanced({"A": 0.4, "B": 0.4}, A={"commission": 0.01}, B={"mult": 1.0})
    assert ran.held[2] == {"A": 40, "B": 40}


def test_a_feed_that_is_left_out_may_be_a_future():
    ran = rebalanced({"A": 0.4, "B": 0.0}, B={"margin": 7.0}, C={"leverage": 3.0})
    assert ran.held[2] == {"A": 40}


@pytest.mark.parametrize(("scheme", "worth"), [({}, 1.0), ({"mult": 50.0}, 50.0)])
def test_a_multiplier_is_what_a_price_of_one_is_worth(scheme, worth):
    assert multiplier_of(bt.CommissionInfo(**scheme)) == worth
