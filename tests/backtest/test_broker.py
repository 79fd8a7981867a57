"""What trading costs: a share of the value, or a commission scheme of one's own."""

from __future__ import annotations

import json

import backtrader as bt
import pytest
from hand_made import panel_of

from bt_lstm_rotation import Broker, PeriodicRebalance, run_backtest
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.reporting import write_run


class PerShare(bt.CommInfoBase):
    """So much a share, and a minimum an order."""

    params = (
        ("commission", 0.01),
        ("least", 1.0),
        ("stocklike", True),
        ("commtype", bt.CommInfoBase.COMM_FIXED),
    )

    def _getcommission(self, size, price, pseudoexec):
        return max(self.p.least, abs(size) * self.p.commission)


class Hold(PeriodicRebalance):
    def __init__(self):
        super().__init__()

    def weights(self):
        return dict.fromkeys(self.trading_today(), 0.49)


# 10,000 of cash at a close of 10 and of 200: 490 shares of one, 24 of the other.
PANEL = panel_of("2020-02-03", A=[10.0] * 5, B=[200.0] * 5)


@pytest.mark.parametrize(
    ("commission", "costs"),
    [
        (0.001, [4.90, 4.80]),
        (PerShare(), [4.90, 1.00]),
        (PerShare(commission=0.05, least=0.0), [24.50, 1.20]),
        (bt.CommissionInfo(commission=2.0, stocklike=True, percabs=True), None),
    ],
)
def test_what_each_order_costs(commission, costs):
    broker = Broker(cash=10_000.0, commission=commission, slippage=0.0)
    result = run_backtest(PANEL, Hold, {"cash_buffer": 0.02}, broker=broker)
    orders = result.orders.sort_values("symbol")
    assert list(orders["filled"]) == ([490, 24] if costs else orders["filled"].tolist())
    if costs:
        assert list(orders["commission"]) == pytest.approx(costs)
    assert result.summary["metrics"]["costs"] == orders["commission"].sum() > 0


def test_a_scheme_is_named_in_the_summary_with_its_parameters(tmp_path):
    broker = Broker(cash=10_000.0, commission=PerShare(least=2.0))
    write_run(run_backtest(PANEL, Hold, broker=broker), tmp_path / "run")
    text = (tmp_path / "run" / "summary.json").read_text(encoding="utf-8")
    told = json.loads(text)["broker"]
    assert (told["cash"], told["slippage"]) == (10_000.0, 0.0002)
    assert told["commission"]["scheme"] == "PerShare"
    assert told["commission"]["least"] == 2.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cash": 0}, "cash must be a number from 0.01"),
        ({"cash": "1000"}, "cash must be a number"),
        ({"commission": -0.01}, "commission must be a number from 0 to 0.5"),
        ({"commission": 2}, "commission must be a number from 0 to 0.5"),
        ({"commission": PerShare}, "an instance of a bt.CommInfoBase"),
        ({"commission": "0.1%"}, "a number from 0 to 0.5, or an instance"),
        ({"commission": None}, "a number from 0 to 0.5, or an instance"),
        ({"slippage": True}, "slippage must be a number from 0 to 0.5"),
    ],
)
def test_what_is_no_cost_is_refused(settings, message):
    with pytest.raises(SpecError, match=message):
        Broker(**settings)
