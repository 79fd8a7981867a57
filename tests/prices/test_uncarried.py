"""Prices that floats cannot carry are an error that names symbol, session and value."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import backtrader as bt
import numpy as np
import pytest
from fakes import random_panel

from bt_lstm_rotation import (
    MomentumSpec,
    RunReport,
    SectorRotation,
    Training,
    cli,
    load_prices,
    run_backtest,
)
from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.forecasting import walk_forward
from bt_lstm_rotation.prices.bars import adjusted
from bt_lstm_rotation.prices.yahoo import YahooPrices

SPEC = MomentumSpec(lookback=10, skip=0, horizon=5)
PANEL = random_panel("ABC", 80)
FIELDS = ("Open", "High", "Low", "Close", "Adj Close")


def frames(field=None, value=1.0, *, row=30, scale=1.0):
    """Bars of three, with one cell of B's changed, or all of its prices scaled."""
    made = {name: frame.assign(**{"Adj Close": frame["Close"]})
            for name, frame in PANEL.frames().items()}  # fmt: skip
    made["B"][list(FIELDS)] *= scale
    if field is not None:
        made["B"].iloc[row, made["B"].columns.get_loc(field)] = value
    return made


def refused(call, *values):
    with pytest.raises(DataError, match="a size that floats cannot carry") as error:
        call(*values)
    return error.value


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", [5e-324, 1e-310, 9e-36, 2e35, 1e308])
def test_one_of_them_is_named(field, value):
    error = refused(load_prices, frames(field, value))
    day = str(PANEL.sessions[30])
    assert (error.symbol, error.session, error.field) == ("B", day, field)
    assert error.value == value
    assert f"B {day} {field}: " in str(error)
    assert "from 1e-35 to 1e+35" in str(error)


@pytest.mark.parametrize("scale", [1e-311, 1e-300, 1e60, 1e300])
def test_so_are_bars_that_are_all_of_that_size(scale):
    error = refused(load_prices, frames(scale=scale))
    assert (error.symbol, error.session) == ("B", "2019-01-02")


def test_so_is_what_an_adjustment_makes_of_them():
    bars = frames()
    bars["B"]["Adj Close"] = 1e-35
    assert refused(load_prices, bars).value < 1e-35
    with pytest.raises(DataError, match="cannot carry"):
        adjusted(frames("Adj Close", 1e-310)["B"], symbol="B")


@pytest.mark.parametrize("scale", [1e-36, 1e33])
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_up_to_there_a_whole_run_is_true(scale, tmp_path):
    panel = load_prices(frames(scale=scale))
    params = {"spec": SPEC, "top": 2, "weighting": "inverse_volatility"}
    result = run_backtest(panel, params=params, folder=tmp_path / "run")
    assert np.isfinite(result.account[["equity", "cash"]]).all(axis=None)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_move_from_one_end_to_the_other_is_true_too(tmp_path):
    bars = frames()
    bars["B"].iloc[:40, :4] *= 1e-36
    bars["B"].iloc[40:, :4] *= 1e33
    bars["B"]["Adj Close"] = bars["B"]["Close"]
    params = {"spec": SPEC, "top": 2}
    result = run_backtest(load_prices(bars), params=params, folder=tmp_path / "run")
    assert np.isfinite(result.account[["equity", "cash"]]).all(axis=None)


def test_a_panel_that_was_made_by_hand_is_looked_at_too():
    bars = PANEL.bars.copy()
    bars[:4, :, 1] = 1e-310
    tiny = replace(PANEL, bars=bars)
    refused(lambda: run_backtest(tiny, params={"spec": SPEC}))
    refused(walk_forward, tiny, SPEC)


def script(strategy, **params):
    cerebro = bt.Cerebro(stdstats=False)
    for name, frame in frames("Close", 1e-310).items():
        bars = frame.drop(columns="Adj Close")
        cerebro.adddata(bt.feeds.PandasData(dataname=bars), name=name)
    cerebro.addstrategy(strategy, **params)
    cerebro.addanalyzer(RunReport)
    (ran,) = cerebro.run()
    return ran.analyzers.runreport


def test_in_a_script_our_strategies_leave_such_a_bar_out(caplog):
    script(SectorRotation, spec=SPEC, top=1, training=Training()).result()
    assert f"B {PANEL.sessions[30]}: not a valid bar, counts as none" in caplog.text


def test_in_a_script_any_other_strategy_has_no_report_and_the_reason():
    error = refused(script(bt.Strategy).result)
    assert (error.symbol, error.field, error.value) == ("B", "Close", 1e-310)


def test_a_feed_without_a_single_valid_bar_is_never_traded():
    for modes in ({}, {"runonce": False}, {"preload": False}, {"exactbars": 1}):
        cerebro = bt.Cerebro(stdstats=False)
        for name, frame in frames(scale=0.0).items():
            bars = frame.drop(columns="Adj Close")
            cerebro.adddata(bt.feeds.PandasData(dataname=bars), name=name)
        cerebro.addstrategy(SectorRotation, spec=SPEC, top=3, training=Training())
        (ran,) = cerebro.run(**modes)
        held = {feed._name for feed, p in ran.broker.positions.items() if p.size}
        assert held == {"A", "C"}


def test_yahoos_are_named_too(tmp_path):
    def fetch(symbols, start, end):
        return {"XLK": frames("Close", 1e-310)["B"].loc[str(start) : str(end)]}

    prices = YahooPrices(tmp_path, fetch=fetch, today=lambda: dt.date(2019, 7, 1))
    error = refused(prices.load, ["XLK"], dt.date(2019, 1, 2))
    assert error.symbol == "XLK"


def test_on_the_command_line_it_is_one_line(tmp_path, capsys):
    folder = tmp_path / "bars"
    folder.mkdir()
    for name, frame in frames(scale=1e-311).items():
        frame.to_csv(folder / f"{name}.csv", index_label="Date")
    out = tmp_path / "out"
    code = cli.main(["--data", f"folder:{folder}", "--out", str(out)])
    err = capsys.readouterr().err
    assert code == 2
    assert err.count("\n") == 1
    assert err.startswith("error: B 2019-01-02 Open: a price of a size that floats")
