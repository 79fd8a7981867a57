"""A feed that is filled from arrays shows what Backtrader's own would show."""

from __future__ import annotations

import backtrader as bt
import pytest
from fakes import random_panel, same_bytes

from bt_lstm_rotation.feeds import PanelData

PANEL = random_panel("AB", 40)


class Seen(bt.Strategy):
    """Writes down all that its feeds show, at each close."""

    def __init__(self):
        self.seen = []

    def prenext(self):
        self.next()

    def next(self):
        for data in self.datas:
            now = [float(line[0]) for line in data.lines] if len(data) else []
            self.seen.append((data._name, len(data), data.buflen(), now))


def shown(
    kind, prepare=lambda cerebro, feed, name: cerebro.adddata(feed, name), **modes
):
    """Run Seen over a panel's frames in feeds of a kind."""
    cerebro = bt.Cerebro(stdstats=False)
    for name, frame in {"A": PANEL.frame("A"), "B": PANEL.frame("B")[5:]}.items():
        prepare(cerebro, kind(dataname=frame), name)
    cerebro.addstrategy(Seen)
    (ran,) = cerebro.run(**modes)
    return repr(ran.seen)


@pytest.mark.parametrize(
    "modes",
    [
        {},
        {"runonce": False},
        {"preload": False, "runonce": False},
        {"exactbars": 1},
        {"exactbars": -1},
        {"exactbars": -2},
        {"live": True},
    ],
    ids=str,
)
def test_it_shows_what_pandas_data_shows(modes):
    assert shown(PanelData, **modes) == shown(bt.feeds.PandasData, **modes)


def test_it_is_resampled_and_replayed_as_pandas_data_is():
    def resampled(cerebro, feed, name):
        weeks = {"timeframe": bt.TimeFrame.Weeks}
        cerebro.adddata(feed, name)
        cerebro.resampledata(feed, name=f"{name}-week", **weeks)

    def replayed(cerebro, feed, name):
        cerebro.replaydata(feed, name=name, timeframe=bt.TimeFrame.Weeks)

    for prepare in (resampled, replayed):
        expected = shown(bt.feeds.PandasData, prepare)
        assert shown(PanelData, prepare) == expected


def test_it_passes_filters_and_keeps_to_its_dates():
    def half(feed):
        if feed.close[0] > feed.open[0]:
            feed.backwards()
            return True
        return False

    def filtered(cerebro, feed, name):
        feed.addfilter(half)
        cerebro.adddata(feed, name)

    assert shown(PanelData, filtered) == shown(bt.feeds.PandasData, filtered)
    assert shown(PanelData, filtered) != shown(PanelData)
    dates = {
        "fromdate": PANEL.sessions[10].astype("datetime64[s]").astype(object),
        "todate": PANEL.sessions[20].astype("datetime64[s]").astype(object),
    }
    cut = {
        kind: shown(lambda dataname, kind=kind: kind(dataname=dataname, **dates))
        for kind in (PanelData, bt.feeds.PandasData)
    }
    assert cut[PanelData] == cut[bt.feeds.PandasData] != shown(PanelData)


def test_two_runs_of_one_feed_are_the_same():
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(PanelData(dataname=PANEL.frame("A")), "A")
    cerebro.addstrategy(Seen)
    first, second = (cerebro.run()[0].seen for _ in range(2))
    assert repr(first) == repr(second)
    assert same_bytes(PANEL.frame("A")["Close"].to_numpy(), PANEL.close[:, 0])
