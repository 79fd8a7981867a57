"""SectorRotation in a plain Cerebro: who is held, since when, how many shares.

The forecast is the last day's return, so that every decision can be worked out by hand:
2019-01-31 and 2019-02-28 are the last weekdays of their months.
"""

from __future__ import annotations

import datetime as dt
import logging

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import FakeSpec, random_panel, without
from hand_made import FREE, Fills, drop_in, fills, panel_of

from bt_lstm_rotation import MomentumSpec, SectorRotation
from bt_lstm_rotation.errors import SpecError, StrategyError
from bt_lstm_rotation.periodic import PeriodicRebalance

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

YESTERDAY = MomentumSpec(lookback=1, skip=0, horizon=1)

# Rows 0 to 3 are January's last four sessions, 4 to 23 are February's, 24 is March 1.
A = [100, 100, 100, (100, 110), (112, 110), *[110] * 18, (110, 100), (99, 100), 100]
B = [50, 50, 50, (50, 52), (53, 52), *[52] * 18, 52, (52.5, 52), 52]
C = [20, 20, 20, (20, 19), (18, 19), *[19] * 18, (19, 20.9), (21, 20.9), 20.9]

THREE = panel_of("2019-01-28", A=A, B=B, C=C)


def rotate(panel=THREE, **params):
    return drop_in(panel, SectorRotation, **{"spec": YESTERDAY, "top": 2} | params)


def test_the_best_two_are_bought_at_the_open_after_the_months_last_close():
    ran = rotate()
    assert fills(ran) == [
        # January 31: A +10%, B +4%, C -5%. 4,900 each: 44 at 110 and 94 at 52.
        ("2019-02-01", "A", 44, 112.0),
        ("2019-02-01", "B", 94, 53.0),
        # February 28: A -9%, B 0%, C +10%. Equity is 90 + 44 x 100 + 94 x 52 = 9,378,
        # of which 49% are 219 of C at 20.9 and 88 of B at 52. Sells come first.
        ("2019-03-01", "A", -44, 99.0),
        ("2019-03-01", "B", -6, 52.5),
        ("2019-03-01", "C", 219, 21.0),
    ]
    assert ran.broker.getcash() == pytest.approx(162.0)
    assert ran.broker.getvalue() == pytest.approx(162 + 88 * 52 + 219 * 20.9)


def test_a_top_larger_than_the_universe_holds_all_of_it():
    # A third of 98% is 3,266.67: 29 at 110, 62 at 52, 171 at 19.
    assert fills(rotate(top=9))[:3] == [
        ("2019-02-01", "A", 29, 112.0),
        ("2019-02-01", "B", 62, 53.0),
        ("2019-02-01", "C", 171, 18.0),
    ]


def test_a_sector_without_a_forecast_is_never_chosen():
    late = panel_of("2019-01-28", A=A, B=B, C=[None] * 3 + C[3:])
    bought = fills(rotate(late, top=3))[:2]
    assert bought == [("2019-02-01", "A", 44, 112.0), ("2019-02-01", "B", 94, 53.0)]


def test_a_sector_without_a_bar_on_the_deciding_day_is_not_chosen():
    gap = panel_of("2019-01-28", A=[*A[:3], None, *A[4:]], B=B, C=C)
    # 4,900 each: 94 of B at 52 and 257 of C at 19.
    assert fills(rotate(gap))[:2] == [
        ("2019-02-01", "B", 94, 53.0),
        ("2019-02-01", "C", 257, 18.0),
    ]


def test_sectors_trade_on_the_days_of_their_own_bars():
    class Diary(SectorRotation):
        def __init__(self):
            super().__init__()
            self.traded, self.forecast = [], []

        def next(self):
            super().next()
            self.traded.append([name in self.trading_today() for name in "ABC"])
            self.forecast.append([name in self.forecasts() for name in "ABC"])

    gaps = [*A[:15], None, None, *A[17:]]
    panel = panel_of("2019-01-28", A=gaps, B=B, C=[None] * 10 + C[10:20])
    ran = drop_in(panel, Diary, spec=YESTERDAY)
    assert ran.traded == ran.forecast == panel.traded.tolist()


def test_a_late_listing_does_not_keep_the_others_from_trading():
    late = panel_of("2019-01-28", A=A, B=B, C=[None] * 10 + C[10:])
    assert fills(rotate(late)) == fills(rotate())


@pytest.mark.parametrize("first_feed", ["A", None])
def test_the_benchmark_is_never_traded(first_feed):
    ran = rotate(first_feed=first_feed, benchmark="A", top=3)
    traded = {symbol for _, symbol, _, _ in fills(ran)}
    assert traded == {"B", "C"}
    assert "A" not in ran.forecasts()


def test_feeds_outside_the_universe_are_neither_traded_nor_forecast():
    ran = rotate(universe=("C", "A"), top=3)
    assert {symbol for _, symbol, _, _ in fills(ran)} == {"A", "C"}
    assert set(ran.forecasts()) == {"A", "C"}
    alone = drop_in(THREE.select(["A", "C"]), SectorRotation, spec=YESTERDAY, top=3)
    assert fills(ran) == fills(alone)


@pytest.mark.parametrize(
    ("universe", "error", "message"),
    [
        ("AB", SpecError, "universe must be a tuple of feed names, or None"),
        (3, SpecError, "universe must be a tuple of feed names, or None"),
        (("A", "b"), StrategyError, "no feed for 'b' of the universe; .*known: A, B"),
        (("A", "C"), StrategyError, "'C' cannot be traded and be the benchmark"),
        ((), StrategyError, "no feed to trade besides 'C'"),
        (("A", ["B"]), StrategyError, "no feed for \"\\['B'\\]\" of the universe"),
    ],
)
def test_an_impossible_universe_is_refused(universe, error, message):
    with pytest.raises(error, match=message):
        rotate(universe=universe, benchmark="C")


def test_sessions_of_a_feed_outside_the_universe_change_nothing():
    # The session after the first decision: one of A and B is bought, and waits.
    holes = without(without(random_panel("ABC", 90), "A", [22]), "B", [22, 43])

    def rotated(*others):
        cerebro = bt.Cerebro(stdstats=False)
        for symbol in "ABC":
            frame = holes.frame(symbol)
            cerebro.adddata(bt.feeds.PandasData(dataname=frame, name=symbol))
        for feed in others:
            cerebro.adddata(feed, name="coin")
        FREE.set_up(cerebro)
        cerebro.addanalyzer(Fills, _name="Fills")
        cerebro.addstrategy(
            SectorRotation, spec=FakeSpec(min_symbols=2), top=2, universe=tuple("ABC")
        )
        (ran,) = cerebro.run()
        return fills(ran), ran.rebalancer.events

    # A currency that trades at weekends too, and moves by a tenth a night.
    days = pd.date_range("2019-01-01", periods=130, freq="D")
    price = 100 * 1.1 ** (np.arange(130) % 2)
    coin = pd.DataFrame(dict.fromkeys(("Open", "High", "Low", "Close"), price), days)
    coin["Volume"] = 1.0
    alone = rotated()
    assert rotated(bt.feeds.PandasData(dataname=coin, name="coin")) == alone
    assert any(event.kind == "no_bar" for event in alone[1])


def test_a_single_feed_needs_no_name():
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=THREE.frame("A")))
    FREE.set_up(cerebro)
    cerebro.addanalyzer(Fills)
    cerebro.addstrategy(SectorRotation, spec=YESTERDAY)
    (ran,) = cerebro.run()
    # 9,800 at 110. A month later 8,900 + 32 are worth 98% = 87 shares at 100.
    assert ran.analyzers.fills.get_analysis() == [
        ("2019-02-01", "", 89, 112.0),
        ("2019-03-01", "", -2, 99.0),
    ]


def test_start_is_the_first_session_that_fills():
    assert fills(rotate(start=dt.date(2019, 2, 1))) == fills(rotate())
    # February's trade is made up for at its first close: all 0%, so A and B by name.
    ran = rotate(start=dt.date(2019, 2, 4))
    assert fills(ran)[0] == ("2019-02-04", "A", 44, 110.0)
    assert fills(rotate(start=dt.date(2019, 3, 5))) == []


def test_a_period_is_traded_once_however_often_next_is_called():
    class Eager(SectorRotation):
        def __init__(self):
            super().__init__()

        def next(self):
            for _ in range(3):
                super().next()

    params = {"spec": YESTERDAY, "top": 2}
    assert fills(drop_in(THREE, Eager, **params)) == fills(rotate())


@pytest.mark.parametrize(
    ("rebalance", "decided"),
    [
        ("weekly", ["01-28", "02-01", "02-08", "02-15", "02-22", "03-01"]),
        ("monthly", ["01-28", "01-31", "02-28"]),
        ("quarterly", ["01-28"]),
    ],
)
def test_a_decision_falls_on_the_last_weekday_of_a_period(rebalance, decided):
    class Diary(PeriodicRebalance):
        def __init__(self):
            super().__init__()
            self.decided = []

        def weights(self):
            self.decided.append(f"{self.datetime.date(0):%m-%d}")
            return {"A": 0.5}

    assert drop_in(THREE, Diary, rebalance=rebalance).decided == decided


def test_without_weights_it_is_asked_again_at_the_next_close():
    class Undecided(PeriodicRebalance):
        def __init__(self):
            super().__init__()
            self.asked = 0

        def weights(self):
            self.asked += 1
            return {"B": 0.5} if self.asked == 3 else {}

    ran = drop_in(THREE, Undecided, start=dt.date(2019, 2, 5))
    # Asked on February 4, 5 and 6; 5,000 are 96 shares at 52. Nothing came of March.
    assert fills(ran) == [("2019-02-07", "B", 96, 52.0)]


def test_all_weights_zero_sell_everything():
    class Leaving(PeriodicRebalance):
        def __init__(self):
            super().__init__()

        def weights(self):
            return {"A": 0.5 if self.datetime.date(0).month == 1 else 0.0}

    ran = drop_in(THREE, Leaving, start=dt.date(2019, 2, 1))
    assert fills(ran) == [
        ("2019-02-01", "A", 45, 112.0),
        ("2019-03-01", "A", -45, 99.0),
    ]


def test_a_run_too_short_for_a_forecast_says_so_at_its_end(caplog):
    short = panel_of("2019-01-28", A=A[:3], B=B[:3])
    with caplog.at_level(logging.WARNING):
        ran = rotate(short)
    assert fills(ran) == []
    assert "no forecast was possible: MomentumSpec needs 2 bars" in caplog.text
    caplog.clear()
    rotate()
    assert "no forecast" not in caplog.text


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"rebalance": "montly"}, "rebalance must be one of weekly, monthly"),
        ({"rebalance": 0}, "rebalance must be"),
        ({"cash_buffer": 1}, "cash_buffer must be a number from 0 up to, but not, 1"),
        ({"cash_buffer": "2%"}, "cash_buffer must be"),
        ({"top": 0}, "top must be a whole number of at least 1 .got 0."),
        ({"top": 2.0}, "top must be a whole number"),
        ({"weighting": "eqal"}, "did you mean 'equal'"),
        ({"max_attempts": 0}, "max_attempts must be a whole number of at least 1"),
        ({"delisted_after": 0}, "delisted_after must be a whole number of at least 1"),
        ({"start": "2019-02-01"}, "start must be a datetime.date, or None"),
        ({"spec": "lstm"}, "spec must be a forecaster's spec"),
    ],
)
def test_an_impossible_parameter_is_named_with_what_would_be_possible(params, message):
    with pytest.raises(SpecError, match=message):
        rotate(**params)


def test_an_unknown_benchmark_is_answered_with_the_closest_feed():
    panel = panel_of("2019-01-28", XLE=A, XLK=B, SPY=C)
    with pytest.raises(StrategyError, match=r"no feed for benchmark 'SPX'.*'SPY'"):
        rotate(panel, benchmark="SPX")
    with pytest.raises(StrategyError, match="no feed for benchmark 5"):
        rotate(panel, benchmark=5)


def test_a_benchmark_alone_leaves_nothing_to_trade():
    with pytest.raises(StrategyError, match="no feed to trade besides 'A'"):
        rotate(panel_of("2019-01-28", A=A), benchmark="A")


@pytest.mark.parametrize("strategy", [SectorRotation, PeriodicRebalance])
def test_a_misspelled_parameter_is_not_swallowed(strategy):
    with pytest.raises(TypeError, match="rebalanc"):
        drop_in(THREE, strategy, rebalanc="weekly")


class Answers(PeriodicRebalance):
    """Gives whatever it is told to as its weights."""

    params = (("answer", None),)

    def __init__(self):
        super().__init__()

    def weights(self):
        return self.p.answer


def test_weights_for_a_feed_that_is_not_traded_name_the_closest():
    with pytest.raises(StrategyError, match=r"Answers.weights\(\) names no sector 'a'"):
        drop_in(THREE, Answers, answer={"a": 0.5})
    with pytest.raises(StrategyError, match="names no sector 'C'; known: A, B"):
        drop_in(THREE, Answers, answer={"C": 0.5}, benchmark="C")


@pytest.mark.parametrize("answer", [["A"], None, 0.5])
def test_weights_that_are_no_dict_are_refused(answer):
    with pytest.raises(StrategyError, match="must return a dict of feed name to share"):
        drop_in(THREE, Answers, answer=answer)


def test_more_than_everything_cannot_be_held():
    with pytest.raises(SpecError, match="sum of weights must be 1 or less"):
        drop_in(THREE, Answers, answer={"A": 0.6, "B": 0.6})


def test_a_strategy_without_weights_is_told_to_have_them():
    class Empty(PeriodicRebalance):
        def __init__(self):
            super().__init__()

    with pytest.raises(NotImplementedError, match=r"Empty needs a method weights\(\)"):
        drop_in(THREE, Empty)


@pytest.mark.parametrize("cheat", ["set_coc", "set_coo"])
def test_a_broker_that_fills_at_the_deciding_price_is_refused(cheat):
    cerebro = bt.Cerebro()
    panel = panel_of("2019-01-07", A=[10, 11, 12], B=[20, 21, 22])
    for name in panel.symbols:
        cerebro.adddata(bt.feeds.PandasData(dataname=panel.frame(name), name=name))
    getattr(cerebro.broker, cheat)(True)
    cerebro.addstrategy(SectorRotation, spec=MomentumSpec(lookback=2, skip=0))
    with pytest.raises(StrategyError, match="filled at the next open; with cheat-on-"):
        cerebro.run()


@pytest.mark.parametrize("shorts", ["yes", -1, 0.5, None])
def test_whether_weights_may_be_negative_is_no_text(shorts):
    with pytest.raises(SpecError, match="shorts must be a whole number of at least 0"):
        drop_in(THREE, Answers, shorts=shorts)
