"""What a request of the command line comes to; test_loading.py has the rest."""

from __future__ import annotations

import datetime as dt

import pytest

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.prices.simulated import WORLDS, SimulatedMarket
from bt_lstm_rotation.prices.source import SPDR_SECTORS, Request, load_prices

TODAY = dt.date(2024, 1, 2)


def test_by_default_it_is_the_simulated_market_and_its_benchmark():
    panel, benchmark = load_prices(Request(), today=TODAY)
    assert benchmark == "MARKET"
    assert panel.content_hash == SimulatedMarket().panel().content_hash


@pytest.mark.parametrize("world", WORLDS)
def test_every_simulated_world_has_its_benchmark(world):
    request = Request(data=f"simulated:{world}", symbols=["S3"], seed=2)
    panel, benchmark = load_prices(request, today=TODAY)
    assert (panel.symbols, benchmark) == (("S3", "MARKET"), "MARKET")


def test_chosen_sectors_of_the_simulated_market_come_with_the_benchmark():
    panel, benchmark = load_prices(Request(symbols=["S3", "S1"]), today=TODAY)
    assert (panel.symbols, benchmark) == (("S3", "S1", "MARKET"), "MARKET")
    request = Request(symbols=["S3"], benchmark="S1")
    panel, benchmark = load_prices(request, today=TODAY)
    assert (panel.symbols, benchmark) == (("S3", "S1"), "S1")


def test_yahoo_is_asked_for_the_spdr_sectors_and_spy(yahoo):
    _, benchmark = load_prices(Request(data="yahoo"), today=TODAY, yahoo=yahoo)
    assert benchmark == "SPY"
    assert yahoo.asked == [([*SPDR_SECTORS, "SPY"], None, None)]


def test_yahoo_is_asked_for_all_history_up_to_the_end(yahoo):
    end = dt.date(2019, 6, 28)
    request = Request(data="yahoo", symbols=["XLE", "XLK"], benchmark="QQQ", end=end)
    _, benchmark = load_prices(request, today=TODAY, yahoo=yahoo)
    assert benchmark == "QQQ"
    assert yahoo.asked == [(["XLE", "XLK", "QQQ"], None, end)]


def test_a_folder_is_read_whole_and_has_no_benchmark_of_its_own(folder):
    panel, benchmark = load_prices(Request(data=f"folder:{folder}"), today=TODAY)
    assert panel.symbols == ("SPY", "XLE", "XLK")
    assert benchmark is None


def test_a_folders_benchmark_comes_last(folder):
    data = f"folder:{folder}"
    request = Request(data=data, symbols=["XLK", "XLE"], benchmark="SPY")
    panel, benchmark = load_prices(request, today=TODAY)
    assert (panel.symbols, benchmark) == (("XLK", "XLE", "SPY"), "SPY")


def test_a_folders_prices_are_adjusted_unless_they_are_not_to_be(folder):
    data = f"folder:{folder}"
    adjusted, _ = load_prices(Request(data=data), today=TODAY)
    plain, _ = load_prices(Request(data=data, adjust=False), today=TODAY)
    assert adjusted.close * 2 == pytest.approx(plain.close)


def test_bars_after_today_are_refused(folder):
    with pytest.raises(DataError, match="a bar dated in the future"):
        load_prices(Request(data=f"folder:{folder}"), today=dt.date(2019, 1, 3))
