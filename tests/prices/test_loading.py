"""One call for every source: what each is asked for, and by default."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import date, random_panel

from bt_lstm_rotation.errors import DataError, SourceError, SpecError
from bt_lstm_rotation.prices.dates import latest_date
from bt_lstm_rotation.prices.loading import SPDR_SECTORS, load_prices
from bt_lstm_rotation.prices.simulated import (
    WORLDS,
    SimulatedMarket,
    simulated_market,
)

TODAY = dt.date(2024, 1, 2)
FRAMES = random_panel(["XLE", "XLK"], 5).frames()


def test_a_panel_becomes_feeds_in_one_line():
    cerebro = bt.Cerebro(stdstats=False)
    for name, bars in load_prices("simulated", ["S2", "S1"]).frames().items():
        cerebro.adddata(bt.feeds.PandasData(dataname=bars), name=name)
    cerebro.addstrategy(bt.Strategy)
    (ran,) = cerebro.run()
    assert [data._name for data in ran.datas] == ["S2", "S1"]
    assert len(ran.data) == len(load_prices("simulated"))


def test_the_simulated_market_comes_with_its_benchmark():
    panel = load_prices("simulated")
    assert panel.symbols[-1] == "MARKET"
    assert panel.content_hash == SimulatedMarket().panel().content_hash


def test_the_simulated_market_is_that_of_the_seed():
    panel = load_prices("simulated", seed=7)
    assert panel.content_hash == SimulatedMarket(seed=7).panel().content_hash


@pytest.mark.parametrize("world", WORLDS)
def test_a_simulated_world_is_loaded_by_its_name(world):
    panel = load_prices(f"simulated:{world}", ["S2", "S1"], benchmark="MARKET", seed=7)
    market = simulated_market(world, seed=7).panel()
    assert panel.content_hash == market.select(["S2", "S1", "MARKET"]).content_hash
    assert panel.source == market.source
    whole = load_prices(f"simulated:{world}", seed=7)
    assert whole.content_hash == market.content_hash


def test_the_world_without_a_name_is_the_linear_one():
    plain = load_prices("simulated")
    assert load_prices("simulated:linear").content_hash == plain.content_hash


def test_symbols_that_are_chosen_come_alone_or_with_a_benchmark_at_their_end():
    assert load_prices("simulated", ["S3", "S1"]).symbols == ("S3", "S1")
    panel = load_prices("simulated", ["S3"], benchmark="S1")
    assert panel.symbols == ("S3", "S1")


def test_a_benchmark_that_is_a_symbol_too_is_not_asked_for_twice(folder):
    panel = load_prices("simulated", ["S1", "S2"], benchmark="S1")
    assert panel.symbols == ("S1", "S2")
    assert load_prices(folder, ["XLE"], benchmark="XLE").symbols == ("XLE",)


def test_yahoo_is_asked_for_the_spdr_sectors_and_spy(yahoo):
    load_prices("yahoo", yahoo=yahoo)
    assert yahoo.asked == [([*SPDR_SECTORS, "SPY"], None, None)]


def test_yahoo_is_asked_for_all_history_up_to_the_end(yahoo):
    end = dt.date(2019, 6, 28)
    load_prices("yahoo", ["XLE", "XLK"], benchmark="QQQ", end=end, yahoo=yahoo)
    load_prices("yahoo", ["XLE"], end=end, yahoo=yahoo)
    load_prices("yahoo", benchmark="QQQ", yahoo=yahoo)
    assert yahoo.asked == [
        (["XLE", "XLK", "QQQ"], None, end),
        (["XLE"], None, end),
        ([*SPDR_SECTORS, "QQQ"], None, None),
    ]


@pytest.mark.parametrize("form", ["folder:{}", "{}", Path])
def test_a_folder_is_read_whole_and_has_no_benchmark_of_its_own(form, folder):
    data = form.format(folder) if isinstance(form, str) else form(folder)
    panel = load_prices(data, today=TODAY)
    assert panel.symbols == ("SPY", "XLE", "XLK")
    assert panel.source == f"folder {folder}, adjusted by Adj Close"


def test_a_folder_called_as_a_source_is_meant_by_its_path(folder, monkeypatch):
    folder.rename(folder.parent / "simulated")
    monkeypatch.chdir(folder.parent)
    assert load_prices("simulated").symbols[-1] == "MARKET"
    for data in ("./simulated", Path("simulated"), "folder:simulated"):
        assert load_prices(data).symbols == ("SPY", "XLE", "XLK")


def test_a_folders_benchmark_comes_last(folder):
    panel = load_prices(f"folder:{folder}", ["XLK", "XLE"], benchmark="SPY")
    assert panel.symbols == ("XLK", "XLE", "SPY")


def test_a_folders_prices_are_adjusted_unless_they_are_not_to_be(folder):
    adjusted = load_prices(folder)
    plain = load_prices(folder, adjust=False)
    assert adjusted.close * 2 == pytest.approx(plain.close)
    assert plain.source.endswith("prices as they are")


def test_a_path_may_have_colons_in_it(folder):
    odd = folder / "a:b"
    odd.mkdir()
    (folder / "SPY.csv").rename(odd / "SPY.csv")
    assert load_prices(f"folder:{odd}").symbols == ("SPY",)
    assert load_prices(str(odd)).symbols == ("SPY",)


def test_no_session_is_later_than_the_end(folder):
    for data in ("simulated", folder, FRAMES):
        whole = load_prices(data)
        end = date(whole.sessions[2])
        panel = load_prices(data, end=end)
        assert panel.content_hash == whole.rows(0, 3).content_hash
        with pytest.raises(DataError, match="no session in the range"):
            load_prices(data, end=dt.date(1990, 1, 1))


def test_bars_in_memory_are_those_of_a_folder(folder):
    read = {
        file.stem: pd.read_csv(file, index_col="Date", parse_dates=True)
        for file in sorted(folder.glob("*.csv"))
    }
    for adjust in (True, False):
        of_files = load_prices(folder, adjust=adjust)
        in_memory = load_prices(read, adjust=adjust)
        assert in_memory.content_hash == of_files.content_hash
        rest = of_files.source.removeprefix(f"folder {folder}")
        assert in_memory.source == f"memory{rest}"


def test_a_false_adjustment_in_memory_is_found_as_in_a_folder(tmp_path):
    frame = random_panel("A", 60).frame("A")
    frame["Adj Close"] = frame["Close"]
    frame.iloc[:30, 5] *= 0.5
    frame.to_csv(tmp_path / "A.csv", index_label="Date")
    found = load_prices({"A": frame}).findings
    assert found[0].rule == "false adjustment"
    assert load_prices(tmp_path).findings == found


def test_bars_of_today_anywhere_on_earth_are_taken_and_tomorrows_are_not():
    latest = latest_date(dt.datetime.now(dt.UTC))

    def ending(last):
        days = pd.bdate_range(end=last + dt.timedelta(days=0), periods=5)
        days = pd.DatetimeIndex([*days[:-1][days[:-1].date < last], pd.Timestamp(last)])
        bars = random_panel("A", len(days)).frame("A")
        return {"A": bars.set_axis(days, axis=0)}

    assert load_prices(ending(latest)).sessions[-1] == np.datetime64(latest)
    with pytest.raises(DataError, match="a bar dated in the future"):
        load_prices(ending(latest + dt.timedelta(days=2)))


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        ("simulate", "did you mean 'simulated'"),
        ("Yahoo", "did you mean 'yahoo'"),
        ("folder:", "did you mean 'folder:PATH'"),
        ("folder", "did you mean 'folder:PATH'"),
        ("yahoo:XLE", "known: "),
        ("simulated:7", "did you mean 'simulated"),
        ("simulated:regime", "did you mean 'simulated:regimes'"),
        ("simulated:", "did you mean 'simulated"),
        ("Simulated:Linear", "did you mean 'simulated"),
        ("", "known: "),
        ("☂", "known: "),
    ],
)
def test_an_unknown_source_is_answered_with_those_there_are(data, hint):
    with pytest.raises(SourceError, match="no data source") as raised:
        load_prices(data)
    assert hint in str(raised.value)


@pytest.mark.parametrize(
    "data", [None, 5, True, b"yahoo", ["XLE"], pd.Series([1.0]), object(), FRAMES.items]
)
def test_what_is_no_bars_at_all_is_told_what_would_be(data):
    with pytest.raises(DataError, match="no bars to load") as raised:
        load_prices(data)
    assert "a dict of name -> DataFrame" in raised.value.valid
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "setting",
    [{"end": "2019-01-01"}, {"today": 5}, {"adjust": "no"}, {"seed": -1}],
    ids=str,
)
def test_an_impossible_setting_is_named(setting):
    (name,) = setting
    with pytest.raises(SpecError, match=name):
        load_prices("simulated", **setting)


def test_a_missing_folder_cannot_be_read(tmp_path):
    for data in (f"folder:{tmp_path / 'gone'}", tmp_path / "gone"):
        with pytest.raises(SourceError, match="cannot be read as a folder of bars"):
            load_prices(data)
    with pytest.raises(SourceError, match="no data source or folder"):
        load_prices(str(tmp_path / "gone"))


@pytest.mark.parametrize("data", ["simulated", "yahoo", "folder", "memory"])
@pytest.mark.parametrize(
    ("symbols", "problem"),
    [
        ([], "no symbols"),
        ("XLE", "one name, not a list"),
        (["XLE", "XLE"], "named twice"),
        ([""], "not a name"),
        ([None], "not a name"),
        (5, "not names"),
    ],
)
def test_symbols_are_names_each_once_for_every_source(
    data, symbols, problem, folder, yahoo
):
    data = {"folder": folder, "memory": FRAMES}.get(data, data)
    with pytest.raises(DataError, match=problem):
        load_prices(data, symbols, yahoo=yahoo)
    assert yahoo.asked == []


def test_an_unknown_sector_is_answered_with_the_closest(folder):
    with pytest.raises(DataError, match="did you mean 'S1'"):
        load_prices("simulated", ["S10"])
    with pytest.raises(DataError, match="did you mean 'XLE'"):
        load_prices(folder, ["XLEE"])
    with pytest.raises(DataError, match="did you mean 'XLE'"):
        load_prices(FRAMES, benchmark="XLEE")
    with pytest.raises(DataError, match="did you mean 'XLE'"):
        load_prices(folder, benchmark="XLEE")


def test_bars_after_today_are_refused(folder):
    with pytest.raises(DataError, match="a bar dated in the future"):
        load_prices(folder, today=dt.date(2019, 1, 3))


def test_bars_before_the_start_and_after_the_end_are_not_looked_at(folder):
    whole = load_prices(folder)
    first, last = (whole.sessions[place].astype(object) for place in (1, 3))
    file = folder / "SPY.csv"
    lines = file.read_text().splitlines()
    lines[1] = lines[1].split(",")[0] + ",bad,bad,bad,bad,bad,bad"
    file.write_text("\n".join(lines))
    cut = load_prices(folder, start=first, end=last)
    assert cut.content_hash == whole.between(first, last).content_hash
