from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.prices.bars import adjusted, check_symbol, valid_bars

TODAY = dt.date(2020, 1, 31)
PRICES = ["Open", "High", "Low", "Close"]
COLUMNS = [*PRICES, "Volume"]
EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True, database=None)
NEW_YORK = ZoneInfo("America/New_York")


def week() -> pd.DataFrame:
    """Monday 2020-01-06 to Friday 2020-01-10."""
    return pd.DataFrame(
        {
            "Open": [10.0, 11.0, 12.0, 13.0, 14.0],
            "High": [12.0, 13.0, 14.0, 15.0, 16.0],
            "Low": [9.0, 10.0, 11.0, 12.0, 13.0],
            "Close": [11.0, 12.0, 13.0, 14.0, 15.0],
            "Volume": [100.0, 200.0, 0.0, 400.0, 500.0],
        },
        index=pd.date_range("2020-01-06", periods=5),
    )


def with_value(field: str, row: int, value: object) -> pd.DataFrame:
    bars = week()
    if not isinstance(value, float):
        bars[field] = bars[field].astype(object)
    bars.iloc[row, bars.columns.get_loc(field)] = value
    return bars


def rejection(bars: object) -> DataError:
    with pytest.raises(DataError) as caught:
        valid_bars("XLK", bars, today=TODAY)
    assert caught.value.symbol == "XLK"
    return caught.value


# What is valid


def test_valid_bars_come_back_as_they_are():
    pd.testing.assert_frame_equal(
        valid_bars("XLK", week(), today=TODAY),
        week().set_axis(week().index.as_unit("ns"), axis=0),
        check_freq=False,
    )


def test_the_frame_received_is_left_alone():
    bars = week().iloc[::-1].rename(columns=str.upper).tz_localize("UTC")
    before = bars.copy(deep=True)
    result = valid_bars("XLK", bars, today=TODAY)
    result.iloc[:, :] = 0.0
    pd.testing.assert_frame_equal(bars, before)


def test_unsorted_bars_are_sorted():
    shuffled = week().iloc[[3, 0, 4, 2, 1]]
    result = valid_bars("XLK", shuffled, today=TODAY)
    pd.testing.assert_frame_equal(result, valid_bars("XLK", week(), today=TODAY))


def test_exact_copies_of_a_bar_are_merged():
    doubled = pd.concat([week(), week().iloc[[1, 3]]])
    result = valid_bars("XLK", doubled, today=TODAY)
    pd.testing.assert_frame_equal(result, valid_bars("XLK", week(), today=TODAY))


def test_a_repeat_that_says_zero_with_a_sign_is_a_copy():
    copy = week().iloc[[2]].assign(Volume=-0.0)
    assert len(valid_bars("XLK", pd.concat([week(), copy]), today=TODAY)) == 5


@pytest.mark.parametrize("spell", [str.lower, str.upper, " {} ".format])
def test_columns_are_found_in_any_case_and_any_order(spell):
    bars = week()[COLUMNS[::-1]].rename(columns=spell).assign(Dividends=np.nan)
    result = valid_bars("XLK", bars, today=TODAY)
    pd.testing.assert_frame_equal(result, valid_bars("XLK", week(), today=TODAY))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_resolution_of_the_dates_makes_no_difference(unit):
    bars = week().set_axis(week().index.as_unit(unit), axis=0)
    result = valid_bars("XLK", bars, today=TODAY)
    pd.testing.assert_frame_equal(result, valid_bars("XLK", week(), today=TODAY))
    assert result.index.dtype == "datetime64[ns]"


@pytest.mark.parametrize(
    "dtype", ["float32", "int64", "Float64", "Int32", "object", "str"]
)
def test_the_type_of_the_numbers_makes_no_difference(dtype):
    result = valid_bars("XLK", week().astype("int64").astype(dtype), today=TODAY)
    pd.testing.assert_frame_equal(result, valid_bars("XLK", week(), today=TODAY))


def test_decimal_objects_are_numbers():
    bars = with_value("Close", 1, Decimal("12.1"))
    assert valid_bars("XLK", bars, today=TODAY)["Close"].iloc[1] == 12.1


@EXAMPLES
@given(st.floats(min_value=1e-3, max_value=1e9))
def test_text_is_read_to_the_last_bit(price):
    flat = week().assign(**{name: repr(price) for name in PRICES})
    result = valid_bars("XLK", flat, today=TODAY)
    assert (result[PRICES].to_numpy() == price).all()


@pytest.mark.parametrize("hour", [0, 16, 23])
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "Europe/London"])
def test_the_session_is_the_local_date(zone, hour):
    local = (week().index + pd.Timedelta(hours=hour)).tz_localize(zone)
    result = valid_bars("XLK", week().set_axis(local, axis=0), today=TODAY)
    assert list(result.index) == list(week().index)


def test_python_dates_are_dates():
    dates = [stamp.date() for stamp in week().index]
    result = valid_bars("XLK", week().set_axis(dates, axis=0), today=TODAY)
    assert list(result.index) == list(week().index)


def test_python_datetimes_in_one_zone_may_cross_daylight_saving():
    bars = week().iloc[:2]
    stamps = [dt.datetime(2019, 3, day, tzinfo=NEW_YORK) for day in (8, 11)]
    bars.index = pd.Index(stamps, dtype=object)
    result = valid_bars("XLK", bars, today=TODAY)
    assert list(result.index) == [
        pd.Timestamp("2019-03-08"),
        pd.Timestamp("2019-03-11"),
    ]


def test_an_ulp_of_a_vendors_rounding_is_forgiven():
    bars = week().assign(Close=np.nextafter(np.float32(16.0), np.float32(17.0)))
    bars = bars.assign(High=16.0)
    assert len(valid_bars("XLK", bars, today=TODAY)) == 5


@pytest.mark.parametrize("today", [dt.date(2020, 1, 10), dt.datetime(2020, 1, 10, 9)])
def test_a_bar_of_today_is_not_in_the_future(today):
    assert len(valid_bars("XLK", week(), today=today)) == 5


# What is no table of bars


@pytest.mark.parametrize("bars", [None, [1.0], {"Close": [1.0]}, week()["Close"]])
def test_bars_that_are_no_frame_are_rejected(bars):
    error = rejection(bars)
    assert "must be a pandas DataFrame" in error.problem
    assert error.value == type(bars).__name__


@pytest.mark.parametrize("bars", [week().iloc[:0], pd.DataFrame()])
def test_no_data_is_rejected(bars):
    error = rejection(bars)
    assert str(error) == "XLK: no data; at least one bar is needed"


def test_missing_columns_are_named():
    error = rejection(week().drop(columns=["High", "Open"]))
    assert error.problem == "no column Open High"
    assert error.value == ["Low", "Close", "Volume"]
    assert error.valid.endswith("Open High Low Close Volume")


@pytest.mark.parametrize("twin", ["Close", "close", " CLOSE "])
def test_two_columns_of_one_name_are_rejected(twin):
    bars = pd.concat([week(), week()["Close"].rename(twin) + 1], axis=1)
    error = rejection(bars)
    assert error.problem == "more than one column Close"


def test_thousands_of_columns_make_a_short_message():
    bars = (
        week()
        .drop(columns="Close")
        .join(
            pd.DataFrame(
                0.0, index=week().index, columns=[f"x{n}" for n in range(5000)]
            )
        )
    )
    error = rejection(bars)
    assert error.problem == "no column Close"
    assert len(error.value) == 5004
    assert len(str(error)) < 400


# What is no date


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(5),
        pd.Index([20200106.0] * 5),
        pd.Index([True] * 5),
        pd.Index([1, 2, 3, 4, 5], dtype=object),
        pd.Index(["2020-01-06"] * 5),
        pd.Index(["01/02/2020"] * 5),
        pd.Index(["now"] * 5),
        pd.period_range("2020-01-06", periods=5, freq="D"),
        pd.to_timedelta(range(5), unit="D"),
        pd.MultiIndex.from_product([["XLK"], week().index]),
    ],
    ids=repr,
)
def test_an_index_that_is_not_dates_is_rejected(index):
    error = rejection(week().set_axis(index, axis=0))
    assert error.problem == "the index is not dates"
    assert error.value == index[0]
    assert "pandas.to_datetime" in error.valid


@pytest.mark.parametrize("dtype", ["datetime64[ns]", object])
def test_a_missing_date_is_rejected(dtype):
    dates = pd.Index([*week().index[:3], pd.NaT, week().index[4]], dtype=dtype)
    error = rejection(week().set_axis(dates, axis=0))
    assert error.problem == "row 4 has no date"
    assert error.valid.startswith("one date a row (see pandas.to_datetime)")


def test_a_missing_date_is_no_time_zone_of_its_own():
    dates = [*week().index[:4].tz_localize(NEW_YORK), None]
    error = rejection(week().set_axis(pd.Index(dates, dtype=object), axis=0))
    assert error.problem == "row 5 has no date"


def test_time_zones_mixed_within_a_symbol_are_rejected():
    dates = [stamp.replace(tzinfo=NEW_YORK) for stamp in week().index.to_pydatetime()]
    dates[2] = dates[2].replace(tzinfo=ZoneInfo("Asia/Tokyo"))
    error = rejection(week().set_axis(pd.Index(dates, dtype=object), axis=0))
    assert error.problem == "dates in mixed time zones"
    assert error.value == ["America/New_York", "Asia/Tokyo"]
    assert "one time zone" in error.valid


def test_dates_with_and_without_a_zone_are_rejected():
    dates = list(week().index.to_pydatetime())
    dates[0] = dates[0].replace(tzinfo=dt.UTC)
    error = rejection(week().set_axis(pd.Index(dates, dtype=object), axis=0))
    assert error.value == ["None", "UTC"]


@pytest.mark.parametrize("year", [1066, 9999])
def test_a_date_that_nanoseconds_cannot_hold_is_rejected(year):
    dates = [stamp.date().replace(year=year) for stamp in week().index]
    error = rejection(week().set_axis(pd.Index(dates, dtype=object), axis=0))
    assert error.problem == "a date outside 1678 to 2261"
    assert str(year) in error.value


def test_a_bar_dated_in_the_future_is_rejected():
    with pytest.raises(DataError) as caught:
        valid_bars("XLK", week(), today=dt.date(2020, 1, 9))
    assert str(caught.value) == (
        "XLK 2020-01-10: a bar dated in the future;"
        " the latest possible session is 2020-01-09"
    )


@pytest.mark.parametrize("field", COLUMNS)
def test_two_different_bars_for_one_session_are_rejected(field):
    # Both are valid: from 13 to 14, within 12 and 15.
    changed = {"High": 14.5, "Low": 12.5}.get(field, 13.5)
    other = week().iloc[[3]].assign(**{field: changed})
    error = rejection(pd.concat([week(), other]))
    assert error.problem == "two different bars for one session"
    assert (error.session, error.field) == ("2020-01-09", field)
    assert error.value == [week()[field].iloc[3], changed]
    assert error.valid.startswith("one bar a session, or exact copies;")


def test_intraday_bars_are_several_bars_for_one_session():
    hours = pd.date_range("2020-01-06 10:00", periods=5, freq="h")
    error = rejection(week().set_axis(hours, axis=0))
    assert (error.session, error.field) == ("2020-01-06", "Open")
    assert len(error.value) == 2  # of a day of minutes, not all are shown
    assert "make days first" in error.valid


# What is no price


@pytest.mark.parametrize("field", PRICES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, -0.0, -1.0])
def test_a_bar_with_an_impossible_price_is_left_out_and_counted(field, value, caplog):
    result = valid_bars("XLK", with_value(field, 2, value), today=TODAY)
    expected = valid_bars("XLK", week().drop(week().index[2]), today=TODAY)
    pd.testing.assert_frame_equal(result, expected)
    (record,) = caplog.records
    assert "XLK 2020-01-08: 1 bar of 5 left out as invalid" in record.getMessage()


def test_one_warning_counts_all_that_is_left_out_by_its_fault(caplog):
    bars = pd.concat([week(), week().set_axis(week().index + pd.Timedelta(days=7))])
    bars.iloc[1, 3], bars.iloc[4, 3], bars.iloc[6, 1] = -1.0, 0.0, 9.5
    assert len(valid_bars("XLK", bars.iloc[::-1], today=TODAY)) == 7
    assert [record.getMessage() for record in caplog.records] == [
        "XLK 2020-01-07 to 2020-01-14: 3 bars of 10 left out as invalid, 2 x Close: a "
        "price of zero or below; 1 x High: High below Low (invalid bars); see "
        "docs/bars.md"
    ]


@pytest.mark.parametrize("value", [None, pd.NA, pd.NaT, "", "null", "N/A", "-", "nan"])
def test_a_price_that_is_absent_in_any_way_is_missing(value, caplog):
    assert len(valid_bars("XLK", with_value("Close", 2, value), today=TODAY)) == 4
    assert "1 x Close: a missing price (NaN)" in caplog.text


@pytest.mark.parametrize(
    ("field", "value", "problem", "valid"),
    [
        (
            "Open",
            -1.0,
            "a price of zero or below",
            "a price is a finite number above 0",
        ),
        ("Low", np.nan, "a missing price (NaN)", "a price is a finite number above 0"),
        ("High", 8.5, "High below Low", "at least Low, 10.0"),
        ("Close", 99.0, "Close outside Low..High", "from Low 10.0 to High 13.0"),
    ],
)
def test_bars_that_are_mostly_invalid_are_refused(field, value, problem, valid):
    bars = week()
    bars.iloc[1:4, bars.columns.get_loc(field)] = value
    error = rejection(bars)
    assert error.problem == f"3 of 5 bars invalid, the first by {problem}"
    assert (error.session, error.field) == ("2020-01-07", field)
    assert error.value == pytest.approx(value, nan_ok=True)
    assert error.valid == valid


def test_up_to_half_of_the_bars_may_be_invalid():
    bars = week().iloc[:4]
    bars.iloc[:2, 0] = 0.0
    assert len(valid_bars("XLK", bars, today=TODAY)) == 2


def test_rows_without_any_price_are_trimmed_and_inside_counted(caplog):
    empty = week().assign(**dict.fromkeys(COLUMNS, np.nan))
    days = pd.date_range("2019-12-30", periods=15)
    joined = pd.concat([empty, week(), empty]).set_axis(days)
    assert len(valid_bars("XLK", joined, today=TODAY)) == 5
    assert not caplog.records
    joined.iloc[7, :4] = np.nan
    joined.iloc[8, :4] = np.nan
    assert len(valid_bars("XLK", joined, today=TODAY)) == 3
    assert [record.getMessage() for record in caplog.records] == [
        "XLK 2020-01-06 to 2020-01-07: 2 sessions without prices left out (no prices); "
        "see docs/bars.md"
    ]


def test_rows_without_any_price_are_no_bars():
    error = rejection(week().assign(**dict.fromkeys(PRICES, np.nan)))
    assert error.problem == "no data: none of its rows has a price"


def test_an_empty_row_beside_a_sessions_bar_is_no_second_bar(caplog):
    empty = week().iloc[[2]].assign(**dict.fromkeys(PRICES, np.nan))
    assert len(valid_bars("XLK", pd.concat([week(), empty]), today=TODAY)) == 5
    assert not caplog.records


@pytest.mark.parametrize("field", COLUMNS)
@pytest.mark.parametrize("value", ["abc", "1,234.5", "1 0", "0x10", [1.0]])
def test_what_is_not_a_number_is_rejected(field, value):
    bars = week()
    bars[field] = pd.Series([1, 2, value, 4, 5], index=bars.index, dtype=object)
    error = rejection(bars)
    assert error.problem == "not a number"
    assert (error.session, error.field) == ("2020-01-08", field)
    assert error.value == value
    assert error.valid == "a decimal number"


@pytest.mark.parametrize(
    "column",
    [
        [True] * 5,
        [1 + 2j] * 5,
        pd.date_range("2020-01-06", periods=5),
        pd.to_timedelta([1] * 5, unit="D"),
        pd.Categorical([1.0] * 5),
    ],
    ids=lambda column: str(getattr(column, "dtype", type(column[0]).__name__)),
)
def test_a_column_of_another_type_is_not_turned_into_numbers(column):
    error = rejection(week().assign(Volume=column))
    assert (error.problem, error.field) == ("not numbers", "Volume")


def test_an_integer_beyond_any_float_is_rejected():
    error = rejection(with_value("Volume", 0, 10**400))
    assert (error.problem, error.field) == ("an integer too large", "Volume")


def test_a_huge_cell_makes_a_short_message():
    error = rejection(with_value("Close", 0, "x" * 1_000_000))
    assert len(str(error)) < 400
    assert len(error.value) == 1_000_000


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -1.0])
def test_a_volume_that_is_not_known_counts_as_none_with_one_warning(value, caplog):
    bars = with_value("Volume", 3, value)
    bars.iloc[4, 4] = value
    result = valid_bars("XLK", bars, today=TODAY)
    assert result["Volume"].tolist() == [100.0, 200.0, 0.0, 0.0, 0.0]
    assert [record.getMessage() for record in caplog.records] == [
        "XLK 2020-01-09 to 2020-01-10: 2 volumes not known and counted as 0 (unknown "
        "volume); see docs/bars.md"
    ]


@pytest.mark.parametrize(
    "bars", [week().drop(columns="Volume"), week().assign(Volume=np.nan)]
)
def test_bars_without_any_volume_are_bars(bars, caplog):
    result = valid_bars("XLK", bars, today=TODAY)
    assert result["Volume"].tolist() == [0.0] * 5
    assert not caplog.records


@pytest.mark.parametrize("field", ["Open", "Close"])
@pytest.mark.parametrize("value", [10.5, 14.5])
def test_a_price_outside_the_days_range_is_left_out(field, value, caplog):
    assert len(valid_bars("XLK", with_value(field, 2, value), today=TODAY)) == 4
    assert f"1 x {field}: {field} outside Low..High" in caplog.text


# Adj Close


def test_adjusting_multiplies_all_prices_by_one_ratio():
    raw = week().iloc[:1].assign(**{"Adj Close": 5.5})
    by_hand = {"Open": 5.0, "High": 6.0, "Low": 4.5, "Close": 5.5, "Volume": 100.0}
    assert adjusted(raw).iloc[0].to_dict() == by_hand


@EXAMPLES
@given(
    st.lists(st.floats(0.01, 1e6), min_size=4, max_size=4),
    st.floats(1e-6, 1e6),
)
def test_adjusted_bars_are_still_valid(prices, adjusted_close):
    low, first, second, high = sorted(prices)
    raw = pd.DataFrame(
        {
            "Open": [first],
            "High": [high],
            "Low": [low],
            "Close": [second],
            "Volume": [7],
            "Adj Close": [adjusted_close],
        },
        index=[pd.Timestamp("2020-01-06")],
    )
    bars = valid_bars("XLK", adjusted(raw), today=TODAY).iloc[0]
    assert bars["Close"] == pytest.approx(adjusted_close, rel=1e-15)
    assert bars["Low"] <= min(bars["Open"], bars["Close"])
    assert bars["High"] >= max(bars["Open"], bars["Close"])


def test_adjusting_leaves_the_frame_received_alone():
    raw = week().assign(**{"Adj Close": 5.5})
    before = raw.copy(deep=True)
    adjusted(raw)
    pd.testing.assert_frame_equal(raw, before)


def test_adjusting_keeps_repeated_dates_apart():
    raw = pd.concat([week(), week()]).assign(**{"Adj Close": np.arange(1.0, 11.0)})
    assert adjusted(raw)["Close"].to_numpy() == pytest.approx(np.arange(1.0, 11.0))


@pytest.mark.parametrize("field", ["Close", "Adj Close"])
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (np.nan, "a missing price (NaN)"),
        (np.inf, "an infinite price"),
        (0.0, "a price of zero or below"),
        (-1.0, "a price of zero or below"),
    ],
)
def test_a_ratio_from_an_impossible_price_is_rejected(field, value, problem):
    raw = week().assign(**{"Adj Close": 5.5})
    raw.iloc[2, raw.columns.get_loc(field)] = value
    with pytest.raises(DataError) as caught:
        adjusted(raw, symbol="XLK")
    assert str(caught.value) == (
        f"XLK 2020-01-08 {field}: {problem} (got {value!r});"
        " a price is a finite number above 0"
    )


def test_adjusting_without_an_adjusted_close_is_rejected():
    with pytest.raises(DataError, match="no column Adj Close"):
        adjusted(week())


# Symbols


@pytest.mark.parametrize(
    "symbol", ["XLK", "^GSPC", "BRK.B", "BRK-B", "ES=F", "005930.KS", "x", "A" * 32]
)
def test_a_ticker_is_a_symbol(symbol):
    assert check_symbol(symbol) == symbol


@pytest.mark.parametrize(
    "symbol",
    [
        "",
        ".",
        "..",
        "../XLK",
        "/etc/passwd",
        "XLK/..",
        "XLK\\..",
        "C:XLK",
        ".XLK",
        "-XLK",
        "XLK\n",
        "XLK\0",
        "XLK ",
        "A" * 33,
        "X" * 1_000_000,
        "XL\N{FULLWIDTH LATIN CAPITAL LETTER K}",
        "X\N{ARABIC-INDIC DIGIT THREE}",
        "%2e%2e",
        "~",
        b"XLK",
        None,
        7,
        ["XLK"],
    ],
)
def test_what_could_leave_a_folder_or_a_url_is_no_symbol(symbol):
    with pytest.raises(DataError, match="not a ticker") as caught:
        check_symbol(symbol)
    assert caught.value.value == symbol
    assert "A-Z a-z 0-9" in str(caught.value)
    assert len(str(caught.value)) < 400
