"""Rules of a rebalancer at their edges; what is beyond is refused elsewhere."""

from __future__ import annotations

import dataclasses

import pytest

from bt_lstm_rotation.rebalancing.rules import Rules


def test_by_default_whole_shares_are_traded_and_every_change_is_made():
    rules = Rules()
    assert (rules.lot, rules.min_trade, rules.band) == (1, 0.0, 0.0)
    assert (rules.max_attempts, rules.shorts) == (5, False)
    assert (rules.delisted, rules.delisted_after) == ("last_close", None)


def test_the_least_of_each_is_possible():
    least = {"max_attempts": 1, "delisted_after": 1, "lot": 1e-8, "min_trade": 0}
    rules = Rules(**least, band=0)
    assert {name: getattr(rules, name) for name in least} == least
    assert Rules(min_trade=0.5, band=0.99).min_trade == 0.5


def test_rules_are_a_value():
    assert hash(Rules(lot=0.1)) == hash(Rules(lot=0.1))
    with pytest.raises(dataclasses.FrozenInstanceError):
        Rules().lot = 2
    with pytest.raises(TypeError):
        Rules(5)
