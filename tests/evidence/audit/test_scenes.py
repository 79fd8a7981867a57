"""A copy whose feeds are played trades as the original does."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import plain_strategies as plain
import pytest
from hand_made import Fills
from modes import MODES
from worlds import PANEL

from bt_lstm_rotation.backtest.strategy_file import find_strategy
from bt_lstm_rotation.evidence.audit.rows import WHOLE
from bt_lstm_rotation.evidence.audit.running import run_world
from bt_lstm_rotation.evidence.audit.scenes import Recorded

pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)


def original(strategy, weekly):
    """Frames with a missing price, so that our strategies put a filter on the feed."""
    frames = PANEL.frames()
    if not weekly:
        frames["S2"].iloc[50, 3] = np.nan
    cerebro = bt.Cerebro(stdstats=False)
    for name, frame in frames.items():
        feed = bt.feeds.PandasData(dataname=frame, fromdate=frame.index[5])
        cerebro.adddata(feed, name=name)
    if weekly:
        feed = cerebro.datas[0]
        cerebro.resampledata(feed, name="weekly", timeframe=bt.TimeFrame.Weeks)
    cerebro.addstrategy(strategy)
    return cerebro


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("modes", MODES.values(), ids=MODES)
@pytest.mark.parametrize(
    ("strategy", "weekly"),
    [(find_strategy("equal_weight"), False), (plain.Weekly, True)],
)
def test_a_played_copy_trades_as_the_original_in_every_mode(strategy, weekly, modes):
    cerebro = original(strategy, weekly)
    scene = Recorded(cerebro)
    for _ in range(2):  # and once more, as nothing is left of the first
        trace = run_world(lambda: scene.cerebro(WHOLE), modes=modes)
        assert trace.failure is None
        played = [
            (act.feed, *act.key[2:4])
            for act in trace.acts
            if act.kind == "fill" and act.key[1] == "Completed"
        ]
    cerebro.addanalyzer(Fills, _name="fills")
    (ran,) = cerebro.run(**modes)
    assert played == [fill[1:] for fill in ran.analyzers.fills.rets]
    assert len(played) > 5
