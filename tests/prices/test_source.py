"""One name for three sources: what each is asked for, and by default."""

from __future__ import annotations

import datetime as dt

import pytest
from fakes import random_panel

from bt_lstm_rotation.errors import DataError, SourceError
from bt_lstm_rotation.prices.simulated import SimulatedMarket
from bt_lstm_rotation.prices.source import SPDR_SECTORS, Request, load_prices

TODAY = dt.date(2024, 1, 2)


class FakeYahoo:
    """Remembers what it was asked for."""

    def __init__(self):
        self.asked = []

    def load(self, symbols, start=None, end=None):
        self.asked.append((list(symbols), start, end))
        return random_panel(list(symbols))


@pytest.fixture
def folder(tmp_path):
    for symbol in ("XLE", "XLK", "SPY"):
        frame = random_panel([symbol], 5).frame(symbol)
        frame["Adj Close"] = frame["Close"] / 2
        frame.to_csv(tmp_path / f"{symbol}.csv", index_label="Date")
    return tmp_path


def test_by_default_it_is_the_simulated_market_and_its_benchmark():
    panel, benchmark = load_prices(Request(), today=TODAY)
    assert benchmark == "MARKET"
    assert panel.content_hash == SimulatedMarket().panel().content_hash


def test_the_simulated_market_is_that_of_the_seed():
    panel, _ = load_prices(Request(seed=7), today=TODAY)
    assert panel.content_hash == SimulatedMarket(seed=7).panel().content_hash


def test_chosen_sectors_of_the_simulated_market_come_with_the_benchmark():
    panel, benchmark = load_prices(Request(symbols=["S3", "S1"]), today=TODAY)
    assert (panel.symbols, benchmark) == (("S3", "S1", "MARKET"), "MARKET")
    request = Request(symbols=["S3"], benchmark="S1")
    panel, benchmark = load_prices(request, today=TODAY)
    assert (panel.symbols, benchmark) == (("S3", "S1"), "S1")


def test_a_benchmark_that_is_a_symbol_too_is_not_asked_for_twice(folder):
    request = Request(symbols=["S1", "S2"], benchmark="S1")
    assert load_prices(request, today=TODAY)[0].symbols == ("S1", "S2")
    request = Request(data=f"folder:{folder}", symbols=["XLE"], benchmark="XLE")
    assert load_prices(request, today=TODAY)[0].symbols == ("XLE",)


def test_yahoo_is_asked_for_the_spdr_sectors_and_spy():
    yahoo = FakeYahoo()
    _, benchmark = load_prices(Request(data="yahoo"), today=TODAY, yahoo=yahoo)
    assert benchmark == "SPY"
    assert yahoo.asked == [([*SPDR_SECTORS, "SPY"], None, None)]


def test_yahoo_is_asked_for_all_history_up_to_the_end():
    yahoo, end = FakeYahoo(), dt.date(2019, 6, 28)
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


def test_a_path_may_have_colons_in_it(folder):
    odd = folder / "a:b"
    odd.mkdir()
    (folder / "SPY.csv").rename(odd / "SPY.csv")
    panel, _ = load_prices(Request(data=f"folder:{odd}"), today=TODAY)
    assert panel.symbols == ("SPY",)


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        ("simulate", "did you mean 'simulated'"),
        ("Yahoo", "did you mean 'yahoo'"),
        ("folder:", "did you mean 'folder:PATH'"),
        ("folder", "known: folder:PATH, simulated, yahoo"),
        ("yahoo:XLE", "known: "),
        ("simulated:7", "did you mean 'simulated'"),
        ("", "known: "),
        ("☂", "known: "),
    ],
)
def test_an_unknown_source_is_answered_with_those_there_are(data, hint):
    with pytest.raises(SourceError, match="no data source") as raised:
        load_prices(Request(data=data), today=TODAY)
    assert hint in str(raised.value)


def test_a_missing_folder_cannot_be_read(tmp_path):
    request = Request(data=f"folder:{tmp_path / 'gone'}")
    with pytest.raises(SourceError, match="cannot be read as a folder of bars"):
        load_prices(request, today=TODAY)


@pytest.mark.parametrize("data", ["simulated", "yahoo", "folder"])
@pytest.mark.parametrize(
    ("symbols", "problem"),
    [
        ([], "no symbols"),
        ("XLE", "one name, not a list"),
        (["XLE", "XLE"], "named twice"),
        ([""], "not a name"),
        ([None], "not a name"),
    ],
)
def test_symbols_are_names_each_once_for_every_source(data, symbols, problem, folder):
    data = f"folder:{folder}" if data == "folder" else data
    yahoo = FakeYahoo()
    with pytest.raises(DataError, match=problem):
        load_prices(Request(data=data, symbols=symbols), today=TODAY, yahoo=yahoo)
    assert yahoo.asked == []


def test_an_unknown_sector_is_answered_with_the_closest(folder):
    with pytest.raises(DataError, match="did you mean 'S1'"):
        load_prices(Request(symbols=["S10"]), today=TODAY)
    with pytest.raises(DataError, match="did you mean 'XLE'"):
        load_prices(Request(data=f"folder:{folder}", symbols=["XLEE"]), today=TODAY)


def test_bars_after_today_are_refused(folder):
    with pytest.raises(DataError, match="a bar dated in the future"):
        load_prices(Request(data=f"folder:{folder}"), today=dt.date(2019, 1, 3))
