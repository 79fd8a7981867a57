from __future__ import annotations

import datetime as dt
import logging

import numpy as np
import pandas as pd
import pytest

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.prices.history import CoveredBars, final_bars, joined
from tests.prices.yahoo_chart import bars_of, with_dividend, with_split

# A Monday to Friday of two weeks: 2024-01-08 to 2024-01-19.
BARS = bars_of("2024-01-08", 10)
MONDAY, FRIDAY = dt.date(2024, 1, 8), dt.date(2024, 1, 19)
LATER = dt.date(2024, 6, 3)


def covered(bars: pd.DataFrame) -> CoveredBars:
    return CoveredBars(bars, bars.index[0].date(), bars.index[-1].date())


def null(bars: pd.DataFrame, session: str) -> pd.DataFrame:
    nulled = bars.copy()
    nulled.loc[session, ["Open", "High", "Low", "Close", "Adj Close"]] = np.nan
    return nulled


def test_dates_in_a_time_zone_become_sessions_by_local_date():
    zoned = BARS.set_axis(BARS.index.tz_localize("America/New_York"))

    final = final_bars("XLK", zoned, MONDAY, FRIDAY, LATER)

    pd.testing.assert_frame_equal(
        final.bars[list(BARS.columns)], BARS, check_freq=False, check_index_type=False
    )


def test_long_after_the_range_it_is_covered_to_its_end_holidays_too():
    end = dt.date(2024, 1, 22)

    final = final_bars("XLK", BARS, dt.date(2024, 1, 1), end, LATER)

    assert (final.first, final.last) == (dt.date(2024, 1, 1), end)


@pytest.mark.parametrize(
    ("today", "last"),
    [
        # On Saturday to Monday, Friday's bar and the weekend are all there can be.
        (dt.date(2024, 1, 20), dt.date(2024, 1, 19)),
        (dt.date(2024, 1, 22), dt.date(2024, 1, 21)),
        # On Tuesday, Monday's bar may still come: nothing is claimed for Monday.
        (dt.date(2024, 1, 23), dt.date(2024, 1, 21)),
    ],
)
def test_shortly_after_its_last_bar_nothing_is_claimed_but_a_weekend(today, last):
    yesterday = today - dt.timedelta(days=1)

    assert final_bars("XLK", BARS, MONDAY, yesterday, today).last == last


def test_a_session_that_is_not_published_yet_is_not_covered():
    wednesday = BARS.loc[:"2024-01-17"]

    final = final_bars("XLK", wednesday, MONDAY, FRIDAY, dt.date(2024, 1, 20))

    assert final.last == dt.date(2024, 1, 17)


def test_rows_without_prices_at_the_end_are_left_out_and_not_covered(caplog):
    unfilled = null(null(BARS, "2024-01-19"), "2024-01-18")

    with caplog.at_level(logging.WARNING):
        final = final_bars("XLK", unfilled, MONDAY, FRIDAY, LATER)

    assert final.last_session == final.last == dt.date(2024, 1, 17)
    assert "XLK: no prices yet on 2024-01-18" in caplog.text
    assert "XLK: no prices yet on 2024-01-19" in caplog.text


def test_a_row_without_prices_inside_the_history_is_left_out_and_named(caplog):
    final = final_bars("XLK", null(BARS, "2024-01-10"), MONDAY, FRIDAY, LATER)

    assert final.bars.index.equals(BARS.index.drop(pd.Timestamp("2024-01-10")))
    assert "XLK: no prices on 2024-01-10: left out" in caplog.text


def test_rows_before_a_listing_are_left_out_without_a_word(caplog):
    empty = BARS.copy()
    empty.iloc[:6] = np.nan

    final = final_bars("XLK", empty, MONDAY, FRIDAY, LATER)

    assert len(final.bars) == 4
    assert not caplog.records


@pytest.mark.parametrize("field", ["Open", "Close", "Adj Close"])
@pytest.mark.parametrize("price", [np.inf, 0.0, -1.0])
def test_an_invalid_bar_is_kept_as_the_vendor_has_it(price, field):
    bars = BARS.copy()
    bars.loc["2024-01-10", field] = price

    final = final_bars("XLK", bars, MONDAY, FRIDAY, LATER)

    assert final.bars.loc["2024-01-10", field] == price
    assert joined(final, final) is not None


def test_an_answer_at_a_midnight_elsewhere_is_refused():
    berlin = BARS.tz_localize("Europe/Berlin").tz_convert("UTC")

    with pytest.raises(DataError, match="23:00 UTC: a midnight elsewhere"):
        final_bars("XLK", berlin, dt.date(2024, 1, 1), FRIDAY, LATER)


def test_a_missing_column_is_named():
    with pytest.raises(DataError, match="no column Adj Close"):
        final_bars("XLK", BARS.drop(columns="Adj Close"), MONDAY, FRIDAY, LATER)


@pytest.mark.parametrize("answer", [BARS.iloc[:0], null(BARS.iloc[:1], "2024-01-08")])
def test_no_bar_left_is_none(answer):
    assert final_bars("XLK", answer, MONDAY, FRIDAY, LATER) is None


def test_bars_outside_the_range_asked_for_are_left_out():
    first, last = dt.date(2024, 1, 10), dt.date(2024, 1, 12)

    final = final_bars("XLK", BARS, first, last, LATER)

    assert final.bars["Close"].tolist() == [102, 103, 104]


def test_an_update_that_agrees_is_appended():
    both = joined(covered(BARS.iloc[:7]), covered(BARS.iloc[4:]))

    pd.testing.assert_frame_equal(both.bars, BARS, check_freq=False)
    assert (both.first, both.last) == (MONDAY, FRIDAY)


def test_a_corrected_volume_is_taken_over():
    update = BARS.iloc[4:].copy()
    update.loc["2024-01-15", "Volume"] = 1234.0

    both = joined(covered(BARS.iloc[:7]), covered(update))

    assert both.bars.loc["2024-01-15", "Volume"] == 1234.0


def test_a_bar_that_only_one_of_the_two_has_is_kept():
    without_tuesday = BARS.iloc[:7].drop(pd.Timestamp("2024-01-16"))
    without_monday = BARS.iloc[4:].drop(pd.Timestamp("2024-01-15"))

    both = joined(covered(without_tuesday), covered(without_monday))

    pd.testing.assert_frame_equal(both.bars, BARS, check_freq=False)


def test_an_update_that_ends_early_takes_nothing_away():
    both = joined(covered(BARS), covered(BARS.iloc[4:7]))

    pd.testing.assert_frame_equal(both.bars, BARS, check_freq=False)
    assert both.last == FRIDAY


def test_an_update_after_a_dividend_or_a_split_does_not_join():
    cached = covered(BARS.iloc[:7])

    paid = with_dividend(BARS, "2024-01-18", 0.001)
    assert joined(cached, covered(paid.iloc[4:])) is None
    assert joined(cached, covered(with_split(BARS, 2).iloc[4:])) is None


def test_an_update_that_shares_no_session_does_not_join():
    assert joined(covered(BARS.iloc[:4]), covered(BARS.iloc[4:])) is None


@pytest.mark.parametrize(("moved", "joins"), [(5e-7, True), (5e-6, False)])
def test_the_vendors_rounding_is_not_taken_for_a_dividend(moved, joins):
    update = BARS.iloc[4:].copy()
    update["Adj Close"] *= 1 + moved

    both = joined(covered(BARS.iloc[:7]), covered(update))

    assert (both is not None) == joins
