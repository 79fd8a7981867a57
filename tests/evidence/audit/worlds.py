"""Bars, and Cerebros over them, for what is audited."""

from __future__ import annotations

import backtrader as bt

from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket

# The benchmark, which moves with the sectors, is the last column.
PANEL = SimulatedMarket(n_sectors=2, n_sessions=200).panel()


def cerebro_of(
    strategy, panel=PANEL, *, first=None, coc=False, weekly=False, coo=False, **params
):
    cerebro = bt.Cerebro(stdstats=False, cheat_on_open=coo)
    add_feeds(cerebro, panel, first)
    if weekly:
        feed = cerebro.datas[0]
        cerebro.resampledata(feed, name="weekly", timeframe=bt.TimeFrame.Weeks)
    if coc:
        cerebro.broker.set_coc(True)
    cerebro.addstrategy(strategy, **params)
    return cerebro


def made_of(frames, strategy, **params):
    """A Cerebro as a script makes it of DataFrames."""
    cerebro = bt.Cerebro(stdstats=False)
    for name, frame in frames.items():
        cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=name)
    cerebro.addstrategy(strategy, **params)
    return cerebro


__all__ = ["MARKET", "PANEL", "cerebro_of", "made_of"]
