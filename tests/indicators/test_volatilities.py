"""Volatilities of a pool's feeds: what they are, and that none looks ahead."""

from __future__ import annotations

import math
from dataclasses import replace

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import FakeSpec, random_panel, shocked, without
from modes import MODES

from bt_lstm_rotation.feeds.sessions import session_of
from bt_lstm_rotation.indicators import LSTMForecast

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

PANEL = without(random_panel("ABC", 90), "B", [5, 70, 71])
LAST = 75


class Diary(bt.Strategy):
    """Note the volatilities of each session."""

    def __init__(self):
        forecasts = LSTMForecast.pooled(self.datas, spec=FakeSpec())
        self.pool = forecasts[self.data].pool
        self.noted = {}

    def prenext(self):
        self.next()

    def next(self):
        session = session_of(self.datetime[0])
        self.noted[session] = self.pool.volatilities(session)


def noted(panel, **modes):
    cerebro = bt.Cerebro(stdstats=False, **modes)
    for symbol in panel.symbols:
        feed = bt.feeds.PandasData(dataname=panel.frame(symbol))
        cerebro.adddata(feed, name=symbol)
    cerebro.addstrategy(Diary)
    return cerebro.run()[0].noted


def bits(volatilities):
    return {s: {n: v.hex() for n, v in row.items()} for s, row in volatilities.items()}


def test_they_are_the_deviations_pandas_has_of_each_feeds_own_bars():
    volatilities = noted(PANEL)
    assert list(volatilities) == list(PANEL.sessions)
    for symbol in "ABC":
        close = PANEL.frame(symbol).Close
        expected = np.log(close).diff().rolling(63).std()
        for session, row in volatilities.items():
            known = expected[: pd.Timestamp(session)].iloc[-1]
            assert row[symbol] == pytest.approx(known, rel=1e-9, nan_ok=True)
    # 64 bars make 63 returns; B has missed one by then.
    row = volatilities[PANEL.sessions[63]]
    assert math.isnan(row["B"])
    assert row["A"] > 0
    assert math.isnan(volatilities[PANEL.sessions[62]]["A"])


@pytest.mark.parametrize("modes", MODES.values(), ids=MODES)
def test_they_are_the_same_to_the_bit_in_every_mode(modes):
    assert bits(noted(PANEL, **modes)) == bits(noted(PANEL))


@pytest.mark.parametrize("modes", [{}, {"runonce": False}], ids=["ahead", "by bar"])
def test_no_later_bar_moves_them(modes):
    before, after = noted(PANEL, **modes), noted(shocked(PANEL, LAST), **modes)
    early = PANEL.sessions[: LAST + 1]
    assert bits({s: before[s] for s in early}) == bits({s: after[s] for s in early})
    later = PANEL.sessions[LAST + 1]
    assert before[later] != after[later]


@pytest.mark.parametrize("daily", [0.0, 0.01, -0.003])
def test_returns_that_are_all_the_same_have_a_volatility_of_zero(daily):
    close = 50 * np.exp(daily * np.arange(90))
    steady = replace(PANEL, bars=PANEL.bars.copy())
    steady.bars[:4, :, 0] = close
    assert noted(steady)[steady.sessions[-1]]["A"] == 0.0
