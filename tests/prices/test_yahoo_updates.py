"""What is asked for again and what is not; sharing the cache."""

from __future__ import annotations

import datetime as dt
import logging
import shutil
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import requests
from disks import make_read_only, small_disk

from bt_lstm_rotation.errors import SourceError
from bt_lstm_rotation.prices.cache import BarsCache
from bt_lstm_rotation.prices.history import OVERLAP
from bt_lstm_rotation.prices.yahoo import YahooPrices
from tests.prices.yahoo_chart import (
    BARS,
    FRIDAY,
    START,
    Desk,
    with_dividend,
    with_split,
)

# yfinance 1.7 sorts in place, which pandas 3 says it will remove.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The inplace keyword in DataFrame.sort_index:DeprecationWarning"
)

REAL = Path(__file__).parents[3] / "shared" / "data" / "spdr-1999-2019"


def test_what_the_cache_covers_costs_no_request_at_all(desk):
    desk.load(["XLK", "SPY"], START)
    requests_before = desk.yahoo.requests

    desk.load(["SPY", "XLK"], START)
    desk.load(["XLK"], dt.date(2024, 1, 10), dt.date(2024, 1, 20))

    assert desk.yahoo.requests == requests_before


def test_on_monday_friday_is_all_there_can_be(desk):
    desk.today = dt.date(2024, 2, 12)
    desk.load(["XLK"], START)
    requests_before = desk.yahoo.requests

    assert desk.load(["XLK"], START).sessions[-1] == np.datetime64(FRIDAY)
    assert desk.yahoo.requests == requests_before


def test_an_update_asks_for_the_last_sessions_only(desk):
    desk.load(["XLK"], START)
    desk.today = dt.date(2024, 2, 15)

    panel = desk.load(["XLK"], START)

    tail = BARS.loc[:"2024-02-09"].index[-OVERLAP].date()
    assert desk.yahoo.asked[1:] == [("XLK", tail, desk.today)]
    np.testing.assert_array_equal(panel.close[:, 0], BARS["Close"].iloc[: len(panel)])
    assert panel.sessions[-1] == np.datetime64("2024-02-14")


def test_a_range_after_the_one_cached_is_joined_to_it_without_a_gap(desk):
    desk.load(["XLK"], START, dt.date(2024, 1, 5))

    panel = desk.load(["XLK"], dt.date(2024, 2, 1))

    assert panel.sessions[0] == np.datetime64("2024-02-01")
    assert BarsCache(desk.prices.folder).read("XLK").covers(START, FRIDAY)


def test_a_range_that_begins_before_the_one_cached_is_fetched_whole(desk):
    desk.load(["XLK"], dt.date(2024, 1, 22))

    panel = desk.load(["XLK"], START, dt.date(2024, 1, 10))

    # To the end of what was cached, so that nothing of it is lost.
    assert desk.yahoo.asked[-1] == ("XLK", START, dt.date(2024, 2, 10))
    assert len(panel) == 7
    assert BarsCache(desk.prices.folder).read("XLK").covers(START, FRIDAY)


@pytest.mark.parametrize(
    "change",
    [
        partial(with_dividend, ex_date="2024-02-13", yield_=0.004),
        partial(with_split, ratio=3),
    ],
    ids=["dividend", "split"],
)
def test_a_dividend_or_a_split_fetches_the_whole_range_again(desk, change):
    desk.load(["XLK"], START)
    desk.today = dt.date(2024, 2, 15)
    desk.yahoo.bars["XLK"] = change(BARS)

    updated = desk.load(["XLK"], START)

    assert [asked.start for asked in desk.yahoo.asked] == [
        START,
        BARS.loc[:"2024-02-09"].index[-OVERLAP].date(),
        START,
    ]
    expected = change(BARS)["Adj Close"].loc[:"2024-02-14"]
    np.testing.assert_allclose(updated.close[:, 0], expected, rtol=1e-12)


def test_a_dividend_fetches_more_than_was_asked_for_if_more_was_cached(desk):
    desk.load(["XLK"], START)
    desk.today = dt.date(2024, 2, 15)
    desk.yahoo.bars["XLK"] = with_dividend(BARS, "2024-02-13", 0.01)

    desk.load(["XLK"], dt.date(2024, 2, 1))

    assert desk.yahoo.asked[-1].start == START


def test_a_dividend_of_one_symbol_leaves_the_other_ones_history_alone(desk):
    desk.load(["XLK", "SPY"], START)
    desk.today = dt.date(2024, 2, 15)
    desk.yahoo.bars["XLK"] = with_dividend(BARS, "2024-02-13", 0.01)
    before = len(desk.yahoo.asked)

    desk.load(["XLK", "SPY"], START)

    assert [asked.symbol for asked in desk.yahoo.asked[before:]] == [
        "XLK",
        "XLK",
        "SPY",
    ]


def test_a_session_published_late_is_asked_for_again(desk):
    desk.yahoo.bars["XLK"] = BARS.drop(pd.Timestamp("2024-02-09"))
    assert desk.load(["XLK"], START).sessions[-1] == np.datetime64("2024-02-08")

    desk.yahoo.bars["XLK"] = BARS
    assert desk.load(["XLK"], START).sessions[-1] == np.datetime64("2024-02-09")


def test_loading_day_after_day_gives_what_one_load_gives(tmp_path):
    history = with_dividend(BARS, "2024-01-24", 0.005)
    days = []

    def fetch(symbols, start, end):
        # Until its ex-date, the vendor's history knows nothing of the dividend.
        known = history if days[-1] > pd.Timestamp("2024-01-24") else BARS
        return {"XLK": known.loc[str(start) : str(end)]}

    daily, once = (
        YahooPrices(tmp_path / folder, fetch, lambda: days[-1].date())
        for folder in ("daily", "once")
    )
    for day in pd.date_range("2024-01-20", "2024-02-20"):
        days.append(day)
        step_by_step = daily.load(["XLK"], START)

    assert step_by_step.content_hash == once.load(["XLK"], START).content_hash


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data is not there")
def test_real_bars_updated_over_their_dividends_equal_their_adjusted_close(desk):
    real = pd.read_csv(REAL / "XLU.csv", index_col="Date", parse_dates=True)
    # The vendor's history as of half a year earlier: unscaled by what came after.
    then = real.loc[:"2018-12-31"].copy()
    then["Adj Close"] *= then["Close"].iloc[-1] / then["Adj Close"].iloc[-1]

    desk.yahoo.bars["XLU"], desk.today = then, dt.date(2019, 1, 1)
    desk.load(["XLU"])
    desk.yahoo.bars["XLU"], desk.today = real, dt.date(2019, 7, 2)
    panel = desk.load(["XLU"])

    np.testing.assert_allclose(panel.close[:, 0], real["Adj Close"], rtol=1e-12)


# The cache on disk


@pytest.mark.parametrize("damage", [b"", b"not an archive", None])
def test_a_damaged_file_is_logged_and_fetched_again(desk, caplog, damage):
    whole = desk.load(["XLK"], START)
    path = BarsCache(desk.prices.folder).path("XLK")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] if damage is None else damage)

    with caplog.at_level(logging.WARNING):
        again = desk.load(["XLK"], START)

    assert again.content_hash == whole.content_hash
    assert "XLK: cached bars thrown away" in caplog.text
    assert [asked.start for asked in desk.yahoo.asked] == [START, START]


def test_a_damaged_file_and_no_network_is_an_error(desk):
    desk.load(["XLK"], START)
    BarsCache(desk.prices.folder).path("XLK").write_bytes(b"damaged")
    desk.fails_with(requests.ConnectionError("offline"))

    with pytest.raises(SourceError, match="nothing of them is cached"):
        desk.load(["XLK"], START)


def test_a_cache_folder_that_cannot_be_used_is_done_without(desk, caplog):
    expected = desk.load(["XLK"], START)
    shutil.rmtree(desk.prices.folder)
    desk.prices.folder.write_text("a file where the folder should be")

    assert desk.load(["XLK"], START).content_hash == expected.content_hash
    assert desk.waits == []
    (told,) = caplog.messages
    assert "going on without it: the cache folder" in told


@pytest.mark.usefixtures("_yfinance_keeps_its_files_apart")
def test_a_full_cache_on_a_read_only_disk_is_served(tmp_path, caplog):
    with small_disk(tmp_path / "disk") as disk:
        desk = Desk(disk / "cache")
        expected = desk.load(["XLK"], START)
        make_read_only(disk)
        desk.yahoo.asked.clear()
        assert desk.load(["XLK"], START).content_hash == expected.content_hash
        assert desk.yahoo.asked == []
        assert caplog.messages == []
        # What it lacks is fetched, and not kept.
        desk.load(["SPY"], START)
        (told,) = caplog.messages
        assert "cannot be written to (Read-only file system)" in told


def test_two_that_start_at_once_fetch_once(tmp_path):
    calls: list[str] = []
    both_are_there = threading.Barrier(2)

    def fetch(symbols, start, end):
        calls.extend(symbols)
        return {"XLK": BARS.loc[str(start) : str(end)]}

    def work() -> None:
        prices = YahooPrices(tmp_path, fetch, lambda: dt.date(2024, 2, 10))
        both_are_there.wait()
        panels.append(prices.load(["XLK"], START))

    panels: list = []
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert calls == ["XLK"]
    assert len({panel.content_hash for panel in panels}) == 1
