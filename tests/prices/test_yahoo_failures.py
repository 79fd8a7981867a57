"""Yahoo refuses, fails or cannot be reached, seen through yfinance itself."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import requests
import yfinance

from bt_lstm_rotation.errors import DataError, SourceError
from bt_lstm_rotation.prices.cache import BarsCache
from bt_lstm_rotation.prices.yahoo import ATTEMPTS, fetch_yahoo
from tests.prices.yahoo_chart import BARS, START, FakeYahoo, with_dividend

# yfinance 1.7 sorts in place, which pandas 3 says it will remove.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The inplace keyword in DataFrame.sort_index:DeprecationWarning"
)

TEN = ["XLB", "XLE", "XLF", "XLI", "XLK", "XLP", "XLU", "XLV", "XLY", "SPY"]

FAILURES = [
    429,
    500,
    503,
    requests.ConnectionError("no route to host"),
    requests.Timeout("timed out"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=str)
def test_a_failure_that_passes_is_waited_out(desk, failure):
    desk.fails_with(failure)
    desk.while_waiting = desk.recover

    panel = desk.load(["XLK"], START)

    assert len(panel) == 29
    assert panel.source == "yahoo"
    assert len(desk.waits) == 1


@pytest.mark.parametrize("failure", FAILURES, ids=str)
def test_a_failure_for_ever_ends_in_an_error_that_says_what_happened(desk, failure):
    desk.fails_with(failure)

    with pytest.raises(SourceError, match=r"XLK.*nothing of them is cached") as caught:
        desk.load(["XLK"], START)

    assert str(failure) in str(caught.value) or "HTTP 5xx" in str(caught.value)
    assert len(desk.waits) == ATTEMPTS - 1


def test_waits_double_up_to_a_cap_and_are_spread_by_half(desk):
    desk.fails_with(429)

    with pytest.raises(SourceError):
        desk.load(["XLK"], START)

    longest = np.array([2.0, 4.0, 8.0, 16.0])
    assert (desk.waits <= longest).all()
    assert (desk.waits >= longest / 2).all()
    assert not np.isin(desk.waits, longest).any()


@pytest.mark.parametrize("seen_before", [0, 2])
def test_an_unknown_symbol_is_named_at_once(desk, monkeypatch, seen_before):
    # For the first two of a process, yfinance asks another page, which is missing too.
    monkeypatch.setattr(yfinance.base, "_tz_info_fetch_ctr", seen_before)

    with pytest.raises(DataError, match="NOPE: Yahoo has no daily bars") as caught:
        desk.load(["NOPE"], START)

    assert caught.value.symbol == "NOPE"
    assert desk.waits == []


def test_a_symbol_without_any_bar_is_named(desk):
    desk.yahoo.bars["XLC"] = BARS.iloc[:0]

    with pytest.raises(DataError, match="XLC: Yahoo has no daily bars") as caught:
        desk.load(["XLC"], START)

    assert caught.value.symbol == "XLC"
    assert desk.waits == []


def test_one_unknown_of_ten_is_named_and_the_other_nine_are_kept(desk):
    desk.yahoo.bars = {name: BARS for name in TEN if name != "XLI"}

    with pytest.raises(DataError) as caught:
        desk.load(TEN, START)
    assert caught.value.symbol == "XLI"
    assert not any(name in str(caught.value) for name in TEN if name != "XLI")

    desk.fails_with(requests.ConnectionError("offline"))
    nine = [name for name in TEN if name != "XLI"]
    assert desk.load(nine, START).symbols == tuple(nine)
    assert desk.waits == []


def test_one_symbol_that_fails_does_not_keep_the_others_from_coming(desk):
    desk.yahoo.bars = dict.fromkeys(TEN, BARS)
    desk.fails_with(503, "XLB")

    with pytest.raises(SourceError, match="no bars of XLB from") as caught:
        desk.load(TEN, START)

    assert "XLE" not in str(caught.value)
    cache = BarsCache(desk.prices.folder)
    assert all(cache.read(name) for name in TEN[1:])


def test_a_yahoo_out_of_reach_is_not_asked_for_every_symbol(desk):
    asked: list[str] = []

    def fetch(symbols, start, end):
        asked.extend(symbols)
        raise TimeoutError("timed out")

    with pytest.raises(SourceError, match=" ".join(TEN)):
        replace(desk.prices, fetch=fetch).load(TEN, START)

    # Patiently for the first, once for the second, and no more.
    assert asked == ["XLB"] * ATTEMPTS + ["XLE"]


def test_an_answer_that_cannot_be_read_is_not_asked_for_again(desk):
    class Gibberish(FakeYahoo):
        def _chart(self, symbol, query):
            return 200, '{"chart": {"result": [{"meta": {}}], "error": null}}'

    session = Gibberish({}).session()
    prices = replace(desk.prices, fetch=partial(fetch_yahoo, session=session))

    with pytest.raises(SourceError, match="answer cannot be read"):
        prices.load(["XLK"], START)
    assert desk.waits == []


# Offline


def test_offline_what_the_cache_covers_is_served_without_a_request(desk):
    online = desk.load(["XLK"], START)
    desk.fails_with(requests.ConnectionError("offline"))
    requests_before = desk.yahoo.requests

    offline = desk.load(["XLK"], START)

    assert desk.yahoo.requests == requests_before
    assert offline.content_hash == online.content_hash


def test_offline_days_later_the_cache_is_served_and_the_source_says_so(desk, caplog):
    online = desk.load(["XLK"], START)
    desk.today = dt.date(2024, 2, 20)
    desk.fails_with(requests.ConnectionError("no route to host"))

    with caplog.at_level(logging.WARNING):
        offline = desk.load(["XLK"], START)

    assert offline.source == "yahoo (offline: cached to 2024-02-09)"
    assert offline.content_hash == online.content_hash
    assert "XLK: served from the cache only" in caplog.text
    assert "no route to host" in caplog.text


def test_if_only_some_are_offline_the_source_names_them(desk):
    desk.load(["XLK", "SPY"], START)
    desk.today = dt.date(2024, 2, 20)
    desk.fails_with(503, "SPY")

    panel = desk.load(["XLK", "SPY"], START)

    assert panel.source == "yahoo (offline for SPY: cached to 2024-02-09)"
    assert panel.sessions[-1] == np.datetime64("2024-02-19")
    assert not panel.traded[-1, 1]


def test_offline_a_cache_that_begins_too_late_is_not_enough(desk):
    desk.load(["XLK"], dt.date(2024, 1, 22))
    desk.fails_with(requests.ConnectionError("offline"))

    with pytest.raises(SourceError, match="XLK is cached from 2024-01-22 to"):
        desk.load(["XLK"], START)


def test_offline_a_cache_that_ends_before_the_range_is_not_enough(desk):
    desk.load(["XLK"], START)
    desk.today = dt.date(2024, 3, 1)
    desk.fails_with(requests.ConnectionError("offline"))

    with pytest.raises(SourceError, match="no bars of XLK from 2024-02-20"):
        desk.load(["XLK"], dt.date(2024, 2, 20))


def test_offline_again_online_the_bars_missed_come(desk):
    desk.load(["XLK"], START)
    desk.today = dt.date(2024, 2, 20)
    desk.fails_with(429)
    desk.load(["XLK"], START)

    desk.recover()
    panel = desk.load(["XLK"], START)

    assert panel.source == "yahoo"
    assert panel.sessions[-1] == np.datetime64("2024-02-19")


def test_a_dividend_whose_refetch_fails_leaves_the_old_history_whole(desk):
    before = desk.load(["XLK"], START)
    desk.today = dt.date(2024, 2, 20)
    paid = with_dividend(BARS, "2024-02-13", 0.01)

    def fetch(symbols, start, end):
        if start == START:
            raise TimeoutError("timed out")
        return {"XLK": paid.loc[str(start) : str(end)]}

    panel = replace(desk.prices, fetch=fetch).load(["XLK"], START)

    assert panel.source == "yahoo (offline: cached to 2024-02-09)"
    assert panel.content_hash == before.content_hash


def test_a_symbol_no_longer_listed_is_served_as_far_as_it_is_cached(desk):
    desk.load(["XLK", "SPY"], START)
    desk.today = dt.date(2024, 2, 20)
    del desk.yahoo.bars["XLK"]

    panel = desk.load(["XLK", "SPY"], START)

    assert panel.source == "yahoo (no longer listed for XLK: cached to 2024-02-09)"
    assert desk.waits == []
