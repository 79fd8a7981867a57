"""What comes back, through yfinance itself, from a Yahoo in memory."""

from __future__ import annotations

import datetime as dt
import logging
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yfinance

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.prices.cache import BarsCache
from bt_lstm_rotation.prices.yahoo import YahooPrices
from tests.prices.yahoo_chart import BARS, FRIDAY, START, with_dividend

# yfinance 1.7 sorts in place, which pandas 3 says it will remove.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The inplace keyword in DataFrame.sort_index:DeprecationWarning"
)

# What comes back


def test_all_four_prices_are_adjusted_and_volume_is_not(desk):
    # A dividend of 10% makes every adjusted price before it 0.9 of the traded one.
    desk.yahoo.bars["XLK"] = with_dividend(BARS, "2024-01-04", 0.1)

    panel = desk.load(["XLK"], START, dt.date(2024, 1, 4))

    assert panel.source == "yahoo"
    assert panel.symbols == ("XLK",)
    assert panel.sessions.astype(str).tolist() == [
        "2024-01-02",
        "2024-01-03",
        "2024-01-04",
    ]
    np.testing.assert_allclose(panel.open[:, 0], [99.5 * 0.9, 100.5 * 0.9, 101.5])
    np.testing.assert_allclose(panel.high[:, 0], [101 * 0.9, 102 * 0.9, 103])
    np.testing.assert_allclose(panel.low[:, 0], [99 * 0.9, 100 * 0.9, 101])
    np.testing.assert_allclose(panel.close[:, 0], [100 * 0.9, 101 * 0.9, 102])
    np.testing.assert_array_equal(panel.volume[:, 0], [1000, 1000, 1000])


def test_symbols_come_in_the_order_asked_for(desk):
    assert desk.load(["SPY", "XLK"], START).symbols == ("SPY", "XLK")


def test_an_index_ticker_reaches_yahoo_and_the_disk(desk):
    desk.yahoo.bars["^GSPC"] = BARS

    panel = desk.load(["^GSPC"], START)

    assert panel.symbols == ("^GSPC",)
    assert desk.yahoo.asked[0].symbol == "^GSPC"


def test_start_and_end_are_both_included(desk):
    panel = desk.load(["XLK"], dt.date(2024, 1, 4), dt.date(2024, 1, 5))

    assert panel.close[:, 0].tolist() == [102, 103]
    assert desk.yahoo.asked == [("XLK", dt.date(2024, 1, 4), dt.date(2024, 1, 6))]


def test_without_a_start_all_there_are_come(desk):
    panel = desk.load(["XLK"])

    assert panel.sessions[0] == np.datetime64("2024-01-02")
    assert panel.sessions[-1] == np.datetime64("2024-02-09")


def test_todays_bar_is_neither_returned_nor_kept(desk):
    desk.today = dt.date(2024, 2, 12)
    assert "2024-02-12" in BARS.index

    panel = desk.load(["XLK"], START, dt.date(2024, 2, 12))

    assert panel.sessions[-1] == np.datetime64("2024-02-09")
    kept = BarsCache(desk.prices.folder).read("XLK")
    assert kept.last_session == FRIDAY
    assert kept.last < desk.today


def test_by_default_the_day_is_new_yorks_and_nothing_is_touched_yet():
    def new_york() -> set[dt.date]:
        now = dt.datetime.now(dt.UTC)
        return {(now - dt.timedelta(hours=hours)).date() for hours in (4, 5)}

    possible = new_york()
    prices = YahooPrices()
    today = prices.today()

    assert today in possible | new_york()
    assert "bt-lstm-rotation" in prices.folder.parts


def test_importing_it_does_not_import_yfinance():
    code = (
        "import sys, bt_lstm_rotation.prices.yahoo;"
        "sys.exit('yfinance' in sys.modules or 'tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_yfinance_hides_its_errors_again_afterwards(desk):
    desk.load(["XLK"], START)
    with pytest.raises(DataError):
        desk.load(["NOPE"], START)

    # Its default, which other users of yfinance in the process count on.
    assert yfinance.config.debug.hide_exceptions is True


# Bars that cannot be used


def unfilled(session: str) -> pd.DataFrame:
    bars = BARS.copy()
    bars.loc[session] = np.nan
    return bars


def test_a_last_row_without_prices_is_dropped_and_asked_for_again(desk, caplog):
    desk.yahoo.bars["XLK"] = unfilled("2024-02-09")

    with caplog.at_level(logging.WARNING):
        panel = desk.load(["XLK"], START)
    assert panel.sessions[-1] == np.datetime64("2024-02-08")
    assert "XLK: no prices yet on 2024-02-09" in caplog.text

    desk.yahoo.bars["XLK"] = BARS
    assert desk.load(["XLK"], START).sessions[-1] == np.datetime64("2024-02-09")


def test_a_row_without_prices_inside_the_history_is_left_out(desk, caplog):
    desk.yahoo.bars["XLK"] = unfilled("2024-01-17")

    panel = desk.load(["XLK"], START)

    assert np.datetime64("2024-01-17") not in panel.sessions
    assert len(panel) == 28
    assert "XLK: no prices on 2024-01-17: left out" in caplog.text


def test_a_row_that_yahoo_fills_within_two_weeks_comes_by_itself(desk):
    desk.yahoo.bars["XLK"] = unfilled("2024-02-06")
    desk.load(["XLK"], START)

    desk.yahoo.bars["XLK"], desk.today = BARS, dt.date(2024, 2, 15)
    panel = desk.load(["XLK"], START)

    assert np.datetime64("2024-02-06") in panel.sessions


def opened_at_zero(first: str, last: str) -> pd.DataFrame:
    bars = BARS.copy()
    bars.loc[first:last, "Open"] = 0.0
    return bars


def test_old_bars_that_open_at_zero_stop_nothing_fresh_or_cached(desk, caplog):
    desk.yahoo.bars["^GSPC"] = opened_at_zero("2024-01-02", "2024-01-11")

    first, again = (desk.load(["^GSPC"], START) for _ in range(2))

    assert first.sessions[0] == np.datetime64("2024-01-12")
    assert first.content_hash == again.content_hash
    said = "^GSPC 2024-01-02 to 2024-01-11: 8 bars of 29 left out as invalid"
    assert [said in record.getMessage() for record in caplog.records] == [True, True]


def test_bars_that_are_not_used_are_not_judged(desk, caplog):
    desk.yahoo.bars["^GSPC"] = opened_at_zero("2024-01-02", "2024-01-31")

    assert len(desk.load(["^GSPC"], dt.date(2024, 2, 1))) == 7
    assert not caplog.records


def test_mostly_invalid_bars_are_refused_and_not_kept(desk):
    desk.yahoo.bars["XLK"] = opened_at_zero("2024-01-02", "2024-01-31")

    with pytest.raises(DataError, match="22 of 29 bars invalid") as caught:
        desk.load(["XLK", "SPY"], START)

    assert (caught.value.symbol, caught.value.field) == ("XLK", "Open")
    cache = BarsCache(desk.prices.folder)
    assert cache.read("XLK") is None
    assert cache.read("SPY") is not None


def test_an_answer_that_cannot_be_used_leaves_the_cache_to_serve(desk, caplog):
    before = desk.load(["XLK"], START)
    desk.today = dt.date(2024, 2, 20)
    absurd = BARS.copy()
    absurd.loc["2024-02-14", ["Open", "High", "Low", "Close", "Adj Close"]] *= 100
    desk.yahoo.bars["XLK"] = absurd

    panel = desk.load(["XLK"], START)

    assert panel.source == "yahoo (unusable answer: cached to 2024-02-09)"
    assert panel.content_hash == before.content_hash
    assert "served from the cache only: XLK 2024-02-14" in caplog.text


# What was asked for


@pytest.mark.parametrize(
    ("symbols", "problem"),
    [
        ("XLK", "one name"),
        ([], "no symbols"),
        (["XLK", "XLK"], "named twice"),
        (["../XLK"], "not a ticker"),
        ([None], "not a name"),
    ],
)
def test_symbols_that_make_no_sense_are_refused_before_any_request(
    desk, symbols, problem
):
    with pytest.raises(DataError, match=problem):
        desk.load(symbols, START)
    assert desk.yahoo.requests == 0


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        ("2024-01-02", None, "start"),
        (dt.datetime(2024, 1, 2), None, "start"),
        (None, 20240102, "end"),
        (dt.date(2024, 1, 3), dt.date(2024, 1, 2), "start"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(desk, start, end, field):
    with pytest.raises(SpecError) as caught:
        desk.load(["XLK"], start, end)
    assert caught.value.field == field


def test_a_range_that_begins_today_has_no_final_session_yet(desk):
    with pytest.raises(DataError, match=r"no final session.* to 2024-02-09"):
        desk.load(["XLK"], desk.today)


def test_a_range_without_a_session_names_those_there_are(desk):
    desk.load(["XLK"], START)

    with pytest.raises(DataError, match="its bars are 2024-01-02 to 2024-02-09"):
        desk.load(["XLK"], dt.date(2024, 1, 6), dt.date(2024, 1, 7))
