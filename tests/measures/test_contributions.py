"""What symbols earned, on paper, against the analyzer, and added up."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from books import bars_of, days, order, orders_of, random_run, run_of
from fakes import FakeSpec, random_panel, without
from hand_made import drop_in

from bt_lstm_rotation import Broker, SectorRotation
from bt_lstm_rotation.analyzers import RunReport, SectorContribution
from bt_lstm_rotation.measures.book import check_book
from bt_lstm_rotation.measures.contribution import contributions
from bt_lstm_rotation.measures.ledger import fills


def of(run):
    return contributions(run.account, run.positions, run.orders, run.bars)


def earned(run):
    return run.account["equity"].diff() - run.account["flows"]


def test_three_sessions_by_hand():
    bars = bars_of(A=[10, 11, 13, 12], B=[20, 20, 19, 18])
    orders = orders_of(
        order("A", 0, 10, 10.5, commission=1.0),
        order("B", 0, -5, 20.0, commission=2.0),
        order("A", 1, -10, 12.0, commission=1.5),
    )
    run = run_of(bars, orders, flows={2: 500.0})
    found = of(run)
    assert list(found.columns) == ["A", "B", "rest"]
    # 10 bought at 10.5 are worth 11, less 1; sold at 12, less 1.5.
    assert found["A"].tolist() == pytest.approx([0, 4.0, 8.5, 0])
    assert found["B"].tolist() == pytest.approx([0, -2.0, 5.0, 5.0])
    np.testing.assert_allclose(found["rest"], 0, atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "how", [{}, {"multiplier": 5.0}, {"multiplier": 5.0, "margin": 2.0}]
)
def test_rows_add_up_to_equity_without_flows(seed, how):
    run = random_run(seed, flows={7: 1000.0, 30: -2000.0}, **how)
    found = of(run)
    np.testing.assert_allclose(found.sum(axis=1)[1:], earned(run)[1:], atol=1e-9)
    np.testing.assert_allclose(found["rest"], 0, atol=1e-8)
    # Another way: shares held overnight earn the move, what was traded earns its own.
    filled, close = fills(run.orders), run.bars["Close"]
    for symbol in "ABC":
        own = filled[filled["symbol"] == symbol]
        size = own.groupby("session")["size"].sum().reindex(close.index).fillna(0)
        paid = (own["size"] * own["price"]).groupby(own["session"]).sum()
        fees = own.groupby("session")["commission"].sum()
        paid, fees = (x.reindex(close.index).fillna(0) for x in (paid, fees))
        move = size.cumsum().shift() * close[symbol].diff()
        trading = size * close[symbol] - paid
        expected = how.get("multiplier", 1.0) * (move + trading) - fees
        np.testing.assert_allclose(found[symbol][1:], expected[1:], atol=1e-8)


def test_what_fills_do_not_explain_is_the_rest():
    run = random_run(1)
    run.account.loc[run.account.index[10:], "equity"] -= 7.0  # interest, say
    rest = of(run)["rest"]
    assert rest.iloc[10] == pytest.approx(-7)
    np.testing.assert_allclose(rest.drop(rest.index[10]), 0, atol=1e-9)


def test_an_order_filled_by_several_bars_earns_nothing_before_its_date():
    bars = bars_of(A=[10, 10, 10, 10, 12])
    run = run_of(bars, orders_of(order("A", 0, 30, 10.0, filled_on=3)))
    for row, shares in ((1, 10.0), (2, 20.0)):
        run.positions.iloc[row, 0] = shares * 10
    assert of(run)["A"].tolist() == pytest.approx([0, 0, 0, 0, 60])


def test_a_fill_at_the_deciding_close_is_in_the_account_a_session_later():
    bars = bars_of(A=[10, 12, 15, 15])
    run = run_of(bars, orders_of(order("A", 0, 10, 10.0, commission=1.0)))
    late = run.orders.assign(executed=run.orders["submitted"])
    found = contributions(run.account, run.positions, late, run.bars)
    assert found["A"].tolist() == pytest.approx([0, 19, 30, 0])
    np.testing.assert_allclose(found["rest"], 0, atol=1e-9)


def test_positions_of_before_the_first_session_have_earned_what_they_have():
    run = random_run(3)
    whole = of(run)
    cut = (run.account.iloc[20:], run.positions.iloc[20:], run.orders, run.bars[20:])
    np.testing.assert_allclose(contributions(*cut)[1:], whole[21:], atol=1e-9)


def test_a_symbol_without_a_bar_keeps_its_close():
    bars = bars_of(A=[10, 10, 12, np.nan, 13], B=[5, 5, 6, 6, 6])
    run = run_of(bars, orders_of(order("A", 0, 10, 10.0)))
    assert of(run)["A"].tolist() == pytest.approx([0, 0, 20, 0, 10])


def test_feeds_called_cash_and_rest_have_their_own_columns():
    bars = bars_of(cash=[10, 10, 12], rest=[5, 5, 6])
    run = run_of(bars, orders_of(order("cash", 0, 10, 10.0), order("rest", 0, 1, 5.0)))
    found = of(run)
    assert list(found.columns) == ["cash", "rest", "rest"]
    np.testing.assert_allclose(found.iloc[2], [20, 1, 0], atol=1e-9)


def test_a_symbol_traded_between_closes_alone_has_a_column():
    bars = bars_of(A=[10, 10, 12])
    both = [order("B", 0, 10, 4.0), order("B", 0, -10, 5.0)]
    run = run_of(bars, orders_of())
    run.account.loc[run.account.index[1:], ["equity", "cash"]] += 10.0
    found = contributions(run.account, run.positions, orders_of(*both), run.bars)
    assert found["B"].tolist() == [0, 10, 0]
    assert found["rest"].tolist() == [0, 0, 0]


@pytest.mark.parametrize("n", [0, 1])
def test_an_account_of_hardly_a_session_earned_nothing(n):
    run = random_run(0)
    few = (run.account[:n], run.positions[:n], run.orders[:0], run.bars[:n])
    found = contributions(*few)
    assert found.shape == (n, 4)
    assert not found.to_numpy().any()
    none = contributions(*few[:2], pd.DataFrame(), pd.DataFrame())
    assert none.shape == (n, 4)


def booked(run):
    frames = (run.account, run.weights, run.positions, run.orders, run.bars)
    metrics = run.summary["metrics"]
    return check_book(
        *frames,
        costs=metrics["costs"],
        total_return=metrics["total_return"],
        events=run.events,
    )


def test_a_settled_position_that_trades_again_is_in_the_book():
    panel = without(random_panel("ABCD", 200), "D", slice(60, 90))
    ran = drop_in(
        panel,
        SectorRotation,
        broker=Broker(),
        analyzers=(RunReport,),
        spec=FakeSpec(fit_bars=12),
        top=4,
    )
    run = ran.analyzers.RunReport.result()
    assert {"delisted", "reopened"} <= set(run.events["kind"])
    assert all(each.right == each.of > 0 for each in booked(run))
    np.testing.assert_allclose(of(run)["rest"], 0, atol=1e-6)


class Trader(bt.Strategy):
    """Orders for the next open, of feeds that had a bar today, at random."""

    params = (("set_up", None),)

    def __init__(self):
        self.rng = np.random.default_rng(5)
        self.p.set_up(self.broker)

    def prenext(self):
        self.next()

    def next(self):
        today = max(feed.datetime.date() for feed in self.datas if len(feed))
        for feed in self.datas:
            if len(feed) and feed.datetime.date() == today and self.rng.random() < 0.3:
                size = int(self.rng.integers(-200, 200))
                (self.buy if size > 0 else self.sell)(feed, size=abs(size))
        if self.rng.random() < 0.05:
            self.broker.add_cash(float(self.rng.normal(0, 3_000)))


SCHEMES = {
    "in full": lambda broker: None,
    "futures": lambda broker: broker.setcommission(1.5, margin=20.0, mult=7.0),
    "leverage": lambda broker: broker.setcommission(0.002, leverage=3.0),
    "in parts": lambda broker: broker.set_filler(bt.broker.filler.FixedSize(size=70)),
    "cheat on close": lambda broker: broker.set_coc(True),
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_analyzer_agrees(scheme):
    panel = without(random_panel("ABC", 120), "B", slice(0, 30))
    ran = drop_in(
        panel,
        Trader,
        broker=Broker(cash=100_000.0, commission=0.002, slippage=0.003),
        analyzers=(RunReport, SectorContribution),
        set_up=SCHEMES[scheme],
    )
    run = ran.analyzers.RunReport.result()
    found, told = of(run), ran.analyzers.SectorContribution.get_analysis()
    assert set(told["contribution"]) == {"A", "B", "C"}
    for symbol, amount in told["contribution"].items():
        assert found[symbol].sum() == pytest.approx(amount, abs=1e-6)
    assert found["rest"].sum() == pytest.approx(0, abs=1e-6)
    if scheme != "in parts":  # then commission comes before the date
        np.testing.assert_allclose(found["rest"], 0, atol=1e-6)
    if scheme != "cheat on close":
        assert all(each.right == each.of for each in booked(run))
    assert found.index.equals(days(len(found), str(found.index[0].date())))


def test_a_result_without_positions_has_its_gain_in_the_rest():
    run = random_run(1)
    found = contributions(run.account, pd.DataFrame(), run.orders[:0], run.bars)
    np.testing.assert_allclose(found["rest"][1:], earned(run)[1:])
    checks = check_book(
        run.account,
        run.weights,
        pd.DataFrame(),
        run.orders,
        pd.DataFrame(),
        costs=None,
        total_return=None,
    )
    assert checks[1].first_wrong == "their columns differ"
