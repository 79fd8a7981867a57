"""Indicators go on from restated bars as if there had never been any others."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from scripted import Scripted, day, run

from bt_lstm_rotation.feeds.restating import recalculate
from bt_lstm_rotation.prices.corporate_actions import CorporateAction

SPLIT = CorporateAction(1 / 3, 3.0, 0.0)
DIVIDEND = CorporateAction(0.9932, 1.0, 0.68)
AT = 60

BAR_BY_BAR = {"runonce": False}


def frames_of(seed=0, n=90, names="AB"):
    rng = np.random.default_rng(seed)
    frames = {}
    for name in names:
        close = 100 * np.exp(rng.normal(0, 0.02, n).cumsum())
        opened = close * np.exp(rng.normal(0, 0.01, n))
        frames[name] = pd.DataFrame(
            {
                "Open": opened,
                "High": np.maximum(opened, close) * 1.01,
                "Low": np.minimum(opened, close) * 0.99,
                "Close": close,
                "Volume": rng.integers(1_000, 9_000, n).astype(float),
            },
            index=pd.DatetimeIndex([day(number) for number in range(n)]),
        )
    return frames


def in_new_units(frames, actions):
    """All bars in the units of the last, whatever they were seen in."""
    whole = {name: frame.copy() for name, frame in frames.items()}
    for number, named in actions.items():
        for name, action in named.items():
            past = whole[name].index < pd.Timestamp(day(number))
            whole[name].loc[past, ["Open", "High", "Low", "Close"]] *= action.price
            whole[name].loc[past, "Volume"] *= action.shares
    return whole


class Twice(bt.Indicator):
    """An indicator of indicators, bound line by line."""

    lines = ("smooth", "gap")

    def __init__(self):
        self.l.smooth = bt.ind.EMA(bt.ind.SMA(self.data, period=4), period=5)
        self.l.gap = bt.ind.EMA(self.data.close - self.l.smooth, period=3)


class Decayed(bt.Indicator):
    """Recursive, by hand, both ways."""

    lines = ("level",)

    def __init__(self):
        self.addminperiod(3)

    def nextstart(self):
        self.l.level[0] = self.data[0]

    def next(self):
        self.l.level[0] = 0.9 * self.l.level[-1] + 0.1 * self.data[0]

    def oncestart(self, start, end):
        self.l.level.array[start] = self.data.array[start]

    def once(self, start, end):
        level, data = self.l.level.array, self.data.array
        for row in range(start, end):
            level[row] = 0.9 * level[row - 1] + 0.1 * data[row]


class BarByBar(bt.Indicator):
    """Has only a ``next``."""

    lines = ("level",)

    def __init__(self):
        self.level = 0.0

    def next(self):
        self.level = 0.9 * self.level + 0.1 * self.data[0]
        self.l.level[0] = self.level


class Halved(bt.ind.SMA):
    """Overrides one of two ways of calculation."""

    def next(self):
        super().next()
        self.l.sma[0] /= 2


class Listens(BarByBar):
    """Has only a ``next``, and looks after itself."""

    def notify_corporate_action(self, data, action):
        if data is self.data:
            self.level *= action.price


class Watches(Scripted):
    """Notes every line of its indicators, session by session."""

    params = (("make", None),)

    def __init__(self):
        super().__init__()
        self.made = self.p.make(*self.datas)
        self.seen: dict[int, list[float]] = {}

    def next(self):
        super().next()
        self.seen[self.session] = [
            line[0] if len(line) else np.nan for one in self.made for line in one.lines
        ]


def seen(frames, make, actions=None, **how):
    ran = run(frames, None, actions, strategy=Watches, make=make, **how)
    assert len(ran.seen) == len(frames["A"])
    return pd.DataFrame.from_dict(ran.seen, orient="index")


def of_a(*kinds):
    return lambda a, *_: [kind(a) for kind in kinds]


STANDARD = (
    bt.ind.SMA,
    bt.ind.EMA,
    bt.ind.RSI,
    bt.ind.MACDHisto,
    bt.ind.ATR,
    bt.ind.BollingerBands,
    bt.ind.Stochastic,
    bt.ind.KAMA,
    bt.ind.HullMovingAverage,
    bt.ind.ROC,
    bt.ind.ADX,
    bt.ind.Ichimoku,
    bt.ind.WilliamsR,
    bt.ind.CCI,
    bt.ind.AwesomeOscillator,
    bt.ind.TrueStrengthIndicator,
    bt.ind.AroonOscillator,
    bt.ind.WMA,
    bt.ind.DEMA,
)


@pytest.mark.parametrize("action", [SPLIT, DIVIDEND])
@pytest.mark.parametrize("mode", [{}, {"preload": False}], ids=["", "not preloaded"])
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(of_a(*STANDARD), id="standard"),
        pytest.param(of_a(Twice, Decayed, Listens), id="own"),
        pytest.param(
            lambda a, b: [
                bt.ind.EMA(a.close - a.open, period=5),
                bt.ind.CrossOver(bt.ind.SMA(a, period=5), bt.ind.EMA(a, period=9)),
                bt.If(a.close > a.close(-2), a.high, a.low),
                bt.ind.EMA(a.volume, period=6),
                bt.ind.RSI(bt.ind.EMA(a, period=5), period=5),
            ],
            id="lines",
        ),
        pytest.param(
            lambda a, b: [a.close / b.close, bt.ind.EMA(a.close - b.close, period=5)],
            id="two feeds",
        ),
        pytest.param(
            of_a(
                lambda a: bt.ind.SMA(a, period=80),
                lambda a: bt.ind.EMA(a, period=AT),
                lambda a: bt.ind.EMA(a, period=AT + 1),
            ),
            id="hardly begun",
        ),
    ],
)
def test_after_it_values_are_those_of_a_restated_history(make, action, mode, caplog):
    frames, actions = frames_of(), {AT: {"A": action}}
    found = seen(frames, make, actions, mode=mode)
    expected = seen(in_new_units(frames, actions), make, mode=BAR_BY_BAR)
    pd.testing.assert_frame_equal(
        found.loc[AT:], expected.loc[AT:], rtol=1e-9, atol=1e-9
    )
    assert expected.loc[AT:].notna().any(axis=None)
    # And what was seen before it was seen in old units.
    before = seen(frames, make, mode=BAR_BY_BAR)
    pd.testing.assert_frame_equal(found.loc[: AT - 1], before.loc[: AT - 1])
    assert "cannot be calculated again" not in caplog.text


def test_several_actions_on_the_way():
    actions = {30: {"A": SPLIT, "B": DIVIDEND}, 45: {"A": DIVIDEND}, AT: {"B": SPLIT}}

    def make(a, b):
        return [Twice(a), bt.ind.MACDHisto(b), bt.ind.RSI(a), bt.ind.ATR(b)]

    found = seen(frames_of(), make, actions)
    whole = in_new_units(frames_of(), actions)
    expected = seen(whole, make, mode=BAR_BY_BAR)
    pd.testing.assert_frame_equal(
        found.loc[AT:], expected.loc[AT:], rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (of_a(BarByBar), ["BarByBar(A)"]),
        (of_a(Halved), ["Halved(A)"]),
        (of_a(bt.ind.HeikinAshi), ["HeikinAshi(A)"]),
        (of_a(bt.ind.ParabolicSAR), ["ParabolicSAR(A)"]),
        (lambda a, b: [bt.ind.EMA(BarByBar(a), period=3)], ["BarByBar(A)"]),
        (lambda a, b: [bt.ind.SMA(a, period=3)(), BarByBar(b)], ["LinesCoupler"]),
    ],
)
def test_what_cannot_be_calculated_again_is_named_once(make, names, caplog):
    actions = {30: {"A": SPLIT}, AT: {"A": DIVIDEND}}
    seen(frames_of(), make, actions)
    warned = [r.getMessage().split(" cannot")[0] for r in caplog.records]
    assert len(warned) == len(names)
    assert all(map(str.startswith, warned, names))


def test_feeds_of_different_sessions_cannot_be_calculated_by_row(caplog):
    frames = frames_of()
    frames["B"] = frames["B"].drop(frames["B"].index[20])
    made = []

    def make(a, b):
        made[:] = [a.close - b.close, bt.ind.SMA(a, period=3), bt.ind.SMA(b, period=3)]
        return made

    actions = {AT: {"A": SPLIT}}
    found = seen(frames, make, actions)
    assert [r.getMessage().split(" cannot")[0] for r in caplog.records] == [
        "LinesOperation"
    ]
    # From that session on it is right all the same, as it looks at nothing behind it.
    expected = seen(in_new_units(frames, actions), make, mode=BAR_BY_BAR)
    pd.testing.assert_frame_equal(found.loc[AT:], expected.loc[AT:])


def test_indicators_of_other_feeds_are_left_alone():
    class Asks(Watches):
        def __init__(self):
            super().__init__()

        def notify_corporate_action(self, data, action):
            self.answers = [recalculate(self, [feed]) for feed in self.datas]

    ran = run(
        frames_of(),
        None,
        {AT: {"A": SPLIT}},
        strategy=Asks,
        make=lambda a, b: [BarByBar(b), bt.ind.SMA(a)],
    )
    assert ran.answers == [[], ["BarByBar(B)"]]
