"""`optstrategy` over portfolio parameters trains nothing twice."""

from __future__ import annotations

import backtrader as bt
from fakes import random_panel

from bt_lstm_rotation import ForecastSpec, ForecastStore, SectorRotation, Training
from bt_lstm_rotation.analyzers import AccountHistory, ForecastHistory
from bt_lstm_rotation.feeds import add_feeds

TINY = ForecastSpec(lookback=10, horizon=3, train_size=40, units=4, steps=2)


def test_portfolio_parameters_share_their_networks(tmp_path):
    cerebro = bt.Cerebro(stdstats=False, maxcpus=1)
    add_feeds(cerebro, random_panel("ABCD", 135))
    training = Training(store=ForecastStore(tmp_path))
    cerebro.optstrategy(SectorRotation, top=(1, 2, 3), spec=TINY, training=training)
    cerebro.addanalyzer(ForecastHistory, _name="forecasts")
    cerebro.addanalyzer(AccountHistory, _name="account")
    runs = [run.analyzers for (run,) in cerebro.run()]
    histories = [run.forecasts.get_analysis() for run in runs]
    origins = [{fit.origin for fit in history["fits"]} for history in histories]
    assert origins == [{"trained"}, {"stored"}, {"stored"}]
    assert any(histories[0]["forecasts"].values())
    for history in histories[1:]:
        assert history["forecasts"] == histories[0]["forecasts"]
    last = [list(run.account.get_analysis().values())[-1] for run in runs]
    assert [len(held) for _, _, held in last] == [1, 2, 3]
