"""What buying and selling again costs, as the broker would charge it."""

from __future__ import annotations

import backtrader as bt
import pytest

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.rebalancing.round_trip import round_trip_cost


class Feed:
    _name = "XLK"


class WithMinimum(bt.CommInfoBase):
    """Half a cent a share, at least 1 an order."""

    params = (("stocklike", True), ("commtype", bt.CommInfoBase.COMM_FIXED))

    def _getcommission(self, size, price, pseudoexec):
        return max(1.0, 0.005 * abs(size))


def broker(**commission):
    made = bt.brokers.BackBroker()
    if commission:
        made.setcommission(**commission)
    return made


def test_a_percentage_is_paid_twice_at_any_price():
    free, costly = broker(), broker(commission=0.001)
    for price in (0.1, 7.0, 12_345.6):
        assert round_trip_cost(free, Feed, price) == 0
        assert round_trip_cost(costly, Feed, price) == pytest.approx(0.002, rel=1e-12)


def test_slippage_in_percent_is_added_on_both_sides():
    costly = broker(commission=0.0005)
    costly.set_slippage_perc(0.0002)
    assert round_trip_cost(costly, Feed, 50.0) == pytest.approx(0.0014, rel=1e-12)


def test_slippage_in_currency_is_a_share_of_the_price():
    costly = broker()
    costly.set_slippage_fixed(0.05)
    assert round_trip_cost(costly, Feed, 50.0) == pytest.approx(0.002, rel=1e-12)


def test_slippage_that_orders_at_the_open_do_not_have_is_not_counted():
    spared = broker()
    spared.set_slippage_perc(0.01, slip_open=False)
    assert round_trip_cost(spared, Feed, 50.0) == 0


def test_a_commission_per_share_is_a_share_of_the_price():
    per_share = broker(
        commission=0.005, commtype=bt.CommInfoBase.COMM_FIXED, stocklike=True
    )
    assert round_trip_cost(per_share, Feed, 10.0) == pytest.approx(0.001, rel=1e-12)
    assert round_trip_cost(per_share, Feed, 100.0) == pytest.approx(1e-4, rel=1e-12)


def test_a_feeds_own_commission_goes_before_the_brokers():
    both = broker(commission=0.001)
    both.setcommission(commission=0.002, name="XLK")
    assert round_trip_cost(both, Feed, 50.0) == pytest.approx(0.004, rel=1e-12)


def test_a_minimum_per_order_has_no_share_and_is_refused():
    costly = broker()
    costly.addcommissioninfo(WithMinimum(), name="XLK")
    with pytest.raises(SpecError, match=r"threshold must be a number .*XLK at 50: 1 f"):
        round_trip_cost(costly, Feed, 50.0)


def test_a_broker_without_slippage_settings_has_none():
    class Store:
        def getcommissioninfo(self, feed):
            return bt.CommissionInfo(commission=0.001)

    assert round_trip_cost(Store(), Feed, 50.0) == pytest.approx(0.002, rel=1e-12)
