"""Lines that know the future are refused by name, and clean ones are not."""

from __future__ import annotations

import logging

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import random_panel
from leaky_lines import CLEAN, LEAKS, Chance, Tomorrow

from bt_lstm_rotation.errors import FeatureError
from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.forecasting.features.scene import made_scene
from bt_lstm_rotation.indicators.proving import prove_line
from bt_lstm_rotation.indicators.twins import recipe, recomputed


def made(make, look, **modes):
    """Make a line in a strategy, and look at it before the run."""
    found = []

    class Looking(bt.Strategy):
        def __init__(self):
            try:
                found.append(look(make(self.data)))
            except Exception as error:
                found.append(error)
                self.env.runstop()

    cerebro = bt.Cerebro(stdstats=False)
    add_feeds(cerebro, random_panel("AB", 120))
    cerebro.addstrategy(Looking)
    cerebro.run(**modes)
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


@pytest.mark.parametrize(("make", "ahead"), LEAKS.values(), ids=LEAKS)
@pytest.mark.parametrize("modes", [{}, {"preload": False}], ids=str)
def test_a_line_that_looks_ahead_is_refused_by_name(make, ahead, modes):
    with pytest.raises(FeatureError, match="'leak' looks") as refused:
        made(make, lambda line: prove_line("leak", line), **modes)
    assert refused.value.session is not None
    if ahead is None:
        assert "to the last bar" in str(refused.value)
    else:
        assert refused.value.ahead == ahead


def test_one_that_reads_past_the_end_is_refused_too():
    with pytest.raises(FeatureError, match="past the last bar"):
        made(Tomorrow, lambda line: prove_line("leak", line), preload=False)


def test_a_line_of_chance_is_refused():
    with pytest.raises(FeatureError, match="other values when it is calculated again"):
        made(Chance, lambda line: prove_line("chance", line), preload=False)


@pytest.mark.parametrize("make", CLEAN.values(), ids=CLEAN)
def test_a_clean_line_is_not_refused(make):
    assert made(make, lambda line: prove_line("clean", line)) >= 0


def test_a_sum_that_never_forgets_is_refused():
    with pytest.raises(FeatureError, match="depends on where its bars begin"):
        made(bt.ind.Accum, lambda line: prove_line("sum", line))


@pytest.mark.parametrize(
    ("make", "least", "most"),
    [
        (lambda d: bt.ind.SMA(d, period=50), 49, 49),
        (lambda d: d.close / d.close(-63), 63, 63),
        # (1 - 2 / 21) ** n < 1e-9 of a close, from an error of some hundredths of it
        (lambda d: bt.ind.EMA(d, period=20), 150, 240),
        # (13 / 14) ** n of a difference that is a few times the value
        (bt.ind.RSI, 230, 320),
        (lambda d: d.close, 0, 0),
    ],
    ids=["SMA", "momentum", "EMA", "RSI", "close"],
)
def test_the_warm_up_is_what_the_mathematics_say(make, least, most):
    assert least <= made(make, lambda line: prove_line("line", line)) <= most


def test_a_line_is_recomputed_as_pandas_has_it():
    window = made_scene(300).window
    close = pd.Series(window.close[0])
    for make, expected in (
        (lambda d: bt.ind.SMA(d, period=7), close.rolling(7).mean()),
        (lambda d: d.close / d.close(-3) - 1.0, close / close.shift(3) - 1.0),
        (lambda d: bt.ind.Highest(d, period=5), close.rolling(5).max()),
    ):
        found = made(make, lambda line: recomputed(line, window))
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_recomputing_leaves_the_run_as_it_was():
    shown = []

    class Showing(bt.Strategy):
        params = (("looks", True),)

        def __init__(self):
            self.line = bt.ind.MACD(self.data).signal
            if self.p.looks:
                prove_line("line", self.line)

        def next(self):
            shown[-1].append(self.line[0])

    for looks in (True, False):
        shown.append([])
        cerebro = bt.Cerebro(stdstats=False)
        add_feeds(cerebro, random_panel("A", 120))
        cerebro.addstrategy(Showing, looks=looks)
        cerebro.run()
    assert shown[0] == shown[1]
    assert len(shown[0]) > 50


def test_lines_made_alike_have_one_recipe():
    class Making(bt.Strategy):
        def __init__(self):
            made_alike = [bt.ind.SMA(bt.ind.RSI(d), period=5) for d in self.datas]
            other = bt.ind.SMA(bt.ind.RSI(self.data), period=6)
            self.recipes = [recipe(line) for line in (*made_alike, other)]

    cerebro = bt.Cerebro(stdstats=False)
    add_feeds(cerebro, random_panel("AB", 60))
    cerebro.addstrategy(Making)
    first, second, third = cerebro.run()[0].recipes
    assert first == second != third


def test_what_cannot_be_copied_is_told_of(caplog):
    class Locked(bt.Indicator):
        lines = ("value",)

        def __init__(self):
            import threading

            self.lock = threading.Lock()

        def next(self):
            self.l.value[0] = self.data.close[0]

    with caplog.at_level(logging.WARNING):
        assert made(Locked, lambda line: prove_line("locked", line)) == 0
    assert "'locked' could not be proved" in caplog.text
