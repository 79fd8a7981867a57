from __future__ import annotations

import datetime as dt
import logging
import os
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bt_lstm_rotation.errors import DataError, MissingExtraError, SourceError
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.folder import load_folder

TODAY = dt.date(2020, 12, 31)
HEADER = "Date,Open,High,Low,Close,Adj Close,Volume\n"
ROWS = (
    "2020-01-06,10.0,12.0,9.0,11.0,5.5,100\n"
    "2020-01-07,11.0,13.0,10.0,12.0,6.0,200\n"
    "2020-01-08,12.0,14.0,11.0,13.0,6.5,300\n"
)
CSV = HEADER + ROWS
SPDR = Path(__file__).parents[3] / "shared" / "data" / "spdr-1999-2019"


def write(folder: Path, name: str, content: str | bytes = CSV) -> Path:
    file = folder / name
    if isinstance(content, str):
        content = content.encode()
    file.write_bytes(content)
    return file


def load(folder: Path, symbols: list[str] | None = None, **options) -> PricePanel:
    return load_folder(folder, symbols, today=TODAY, **options)


def rejection(folder: Path, symbols: list[str] | None = None) -> DataError:
    with pytest.raises(DataError) as caught:
        load(folder, symbols)
    return caught.value


def table(**changes: object) -> pd.DataFrame:
    """The bars of `CSV` as a frame with a column Date."""
    return pd.DataFrame(
        {
            "Date": pd.date_range("2020-01-06", periods=3),
            "Open": [10.0, 11.0, 12.0],
            "High": [12.0, 13.0, 14.0],
            "Low": [9.0, 10.0, 11.0],
            "Close": [11.0, 12.0, 13.0],
            "Adj Close": [5.5, 6.0, 6.5],
            "Volume": [100, 200, 300],
        }
        | changes
    )


def write_parquet(folder: Path, name: str, bars: pd.DataFrame) -> None:
    pytest.importorskip("pyarrow", reason="Parquet is an extra")
    bars.to_parquet(folder / name, engine="pyarrow")


# What is read


def test_one_file_a_symbol_becomes_a_panel(tmp_path):
    write(tmp_path, "XLK.csv")
    write(tmp_path, "SPY.csv", HEADER + ROWS.splitlines()[1])
    panel = load(tmp_path)
    assert panel.symbols == ("SPY", "XLK")
    assert [str(day) for day in panel.sessions] == [f"2020-01-0{d}" for d in (6, 7, 8)]
    # By hand: Adj Close is half of Close, so every price is halved, and Volume is not.
    assert panel.frame("XLK").iloc[0].tolist() == [5.0, 6.0, 4.5, 5.5, 100.0]
    assert panel.traded[:, 0].tolist() == [False, True, False]


def test_the_source_says_what_was_adjusted(tmp_path):
    write(tmp_path, "XLK.csv")
    assert load(tmp_path).source == f"folder {tmp_path}, adjusted by Adj Close"


def test_prices_are_left_as_they_are_when_asked(tmp_path, caplog):
    write(tmp_path, "XLK.csv")
    panel = load(tmp_path, adjust=False)
    assert panel.frame("XLK").iloc[0].tolist() == [10.0, 12.0, 9.0, 11.0, 100.0]
    assert panel.source == f"folder {tmp_path}, prices as they are"
    assert not caplog.records


def test_a_symbol_without_adjusted_close_is_used_as_it_is_and_said_so(tmp_path, caplog):
    write(tmp_path, "XLK.csv")
    for name in ("SPY", "XLB"):
        table().drop(columns="Adj Close").to_csv(tmp_path / f"{name}.csv", index=False)
    with caplog.at_level(logging.WARNING, logger="bt_lstm_rotation"):
        panel = load(tmp_path)
    assert panel.frame("SPY")["Close"].tolist() == [11.0, 12.0, 13.0]
    assert panel.frame("XLK")["Close"].tolist() == [5.5, 6.0, 6.5]
    assert panel.source == (
        f"folder {tmp_path}, prices as they are for 2 of 3 symbols without Adj Close"
    )
    assert [record.getMessage() for record in caplog.records] == [
        "no Adj Close for SPY, XLB: prices are used as they are"
    ]


def test_only_the_symbols_asked_for_are_read_in_their_order(tmp_path):
    for name in ("A", "B", "C"):
        write(tmp_path, f"{name}.csv")
    write(tmp_path, "BROKEN.csv", b"\xff\xfe\x00")
    assert load(tmp_path, ["C", "A"]).symbols == ("C", "A")
    assert load_folder(tmp_path, (n for n in "BA"), today=TODAY).symbols == ("B", "A")


def test_a_folder_may_be_given_as_text(tmp_path):
    write(tmp_path, "XLK.csv")
    assert load_folder(os.fspath(tmp_path), today=TODAY).symbols == ("XLK",)


def test_other_files_and_hidden_files_are_left_alone(tmp_path):
    write(tmp_path, "XLK.csv")
    for name in ("README.md", "XLB.csv.tmp", "XLE.txt", "._XLK.csv", ".csv", "XLF"):
        write(tmp_path, name, b"\0\1\2")
    assert load(tmp_path).symbols == ("XLK",)


@pytest.mark.parametrize("name", ["BRK.B.csv", "^GSPC.csv", "BRK-B.csv", "ES=F.csv"])
def test_the_name_before_the_suffix_is_the_symbol(tmp_path, name):
    write(tmp_path, name)
    assert load(tmp_path).symbols == (name.removesuffix(".csv"),)


@pytest.mark.parametrize(
    "content",
    [
        CSV.replace("\n", "\r\n"),
        b"\xef\xbb\xbf" + CSV.encode(),
        b"\xef\xbb\xbf" + CSV.replace("\n", "\r\n").encode(),
        CSV.replace("\n", "\r"),
        CSV.rstrip("\n"),
        CSV + "\n\n  \n",
        CSV.upper(),
        CSV.replace("Adj Close", "adj_close").replace("Volume", " volume "),
        CSV.replace("Adj Close", "adjclose"),
        CSV.replace("Adj Close", "AdjClose"),
        '"' + CSV.rstrip("\n").replace(",", '","').replace("\n", '"\n"') + '"\n',
        HEADER + "".join(reversed(ROWS.splitlines(keepends=True))),
        CSV + ROWS,
        CSV.replace(",", ", "),
        CSV.replace("2020-01-0", " 2020-01-0"),
        CSV.replace("-06,", "-06 00:00:00,"),
        CSV.replace("-06,", "-06T00:00:00,").replace("-07,", "-07 16:00,"),
    ],
    ids=[
        "CRLF",
        "BOM",
        "BOM and CRLF",
        "CR",
        "no newline at the end",
        "blank lines at the end",
        "upper case",
        "adj_close",
        "adjclose",
        "AdjClose",
        "quoted",
        "descending",
        "doubled",
        "blanks after commas",
        "blanks before dates",
        "one date with a time",
        "times of day",
    ],
)
def test_the_dialect_of_a_file_makes_no_difference(tmp_path, content):
    plain, other = tmp_path / "plain", tmp_path / "other"
    for folder, text in ((plain, CSV), (other, content)):
        folder.mkdir()
        write(folder, "XLK.csv", text)
    assert load(other).content_hash == load(plain).content_hash


def test_columns_are_found_by_name_among_thousands(tmp_path):
    write(tmp_path, "XLK.csv")
    columns = {f"x{n}": n for n in range(5000)}
    wide = pd.concat([pd.DataFrame(columns, index=range(3)), table()], axis=1)
    wide.to_csv(tmp_path / "WIDE.csv", index=False)
    panel = load(tmp_path)
    assert (panel.bars[:, :, 0] == panel.bars[:, :, 1]).all()


def test_every_digit_of_a_price_survives(tmp_path):
    prices = np.random.default_rng(7).lognormal(3, 2, 2000)
    dates = pd.date_range("2010-01-01", periods=2000)
    bars = pd.DataFrame(dict.fromkeys(("Open", "High", "Low", "Close"), prices))
    bars.assign(Date=dates, Volume=1).to_csv(tmp_path / "XLK.csv", index=False)
    assert (load(tmp_path).close[:, 0] == prices).all()


def test_a_panels_own_frame_can_be_stored_and_read_again(tmp_path):
    write(tmp_path, "XLK.csv")
    panel = load(tmp_path)
    copy = tmp_path / "copy"
    copy.mkdir()
    panel.frame("XLK").to_csv(copy / "XLK.csv", index_label="Date")
    assert load(copy).content_hash == panel.content_hash


# Which file is a symbol's


def test_a_file_that_differs_in_case_is_found(tmp_path):
    write(tmp_path, "xlk.CSV")
    assert load(tmp_path, ["XLK"]).symbols == ("XLK",)


def test_the_exact_spelling_comes_before_another_case(tmp_path):
    write(tmp_path, "abc.csv")
    write(tmp_path, "ABC.csv", CSV.replace("11.0,5.5", "11.0,11.0"))
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this file system does not tell upper case from lower")
    assert load(tmp_path, ["abc"]).close[0, 0] == 5.5
    assert load(tmp_path, ["ABC"]).close[0, 0] == 11.0
    error = rejection(tmp_path, ["Abc"])
    assert error.problem == "more than one file for this symbol"
    assert error.value == ["ABC.csv", "abc.csv"]


@pytest.mark.parametrize("symbols", [None, ["X"], ["x"]])
def test_a_symbol_with_two_files_is_rejected(tmp_path, symbols):
    write(tmp_path, "X.csv")
    write(tmp_path, "X.parquet", b"never read")
    error = rejection(tmp_path, symbols)
    assert error.problem == "more than one file for this symbol"
    assert error.value == ["X.csv", "X.parquet"]


def test_two_symbols_cannot_be_read_from_one_file(tmp_path):
    write(tmp_path, "XLK.csv")
    error = rejection(tmp_path, ["XLK", "xlk"])
    assert str(error) == (
        "two symbols read from XLK.csv (got ['XLK', 'xlk']); each file once"
    )


def test_a_caret_is_part_of_the_name(tmp_path):
    write(tmp_path, "GSPC.csv")
    assert load(tmp_path, ["GSPC"]).symbols == ("GSPC",)
    error = rejection(tmp_path, ["^GSPC"])
    assert str(error) == (
        "^GSPC: no file for this symbol; did you mean 'GSPC'? known: GSPC"
    )


@pytest.mark.parametrize(
    "symbol", ["../XLK", "sub/XLK", "/etc/passwd", "..", "", "XLK\0", ".XLK", "X" * 500]
)
def test_a_symbol_never_leaves_the_folder(tmp_path, symbol):
    inner = tmp_path / "inner"
    (inner / "sub").mkdir(parents=True)
    for folder in (tmp_path, inner, inner / "sub"):
        write(folder, "XLK.csv")
    with pytest.raises(DataError, match=r"not a (ticker|name)"):
        load(inner, [symbol])


def test_a_file_whose_name_is_no_ticker_is_named(tmp_path):
    write(tmp_path, "my notes.csv")
    error = rejection(tmp_path)
    assert (error.problem, error.value) == ("not a ticker", "my notes")


@pytest.mark.parametrize(
    ("symbols", "problem"),
    [
        ([], "no symbols"),
        ("XLK", "one name, not a list"),
        (["XLK", "XLK"], "XLK: named twice"),
        ([None], "not a name"),
    ],
)
def test_symbols_that_cannot_be_asked_for_are_rejected(tmp_path, symbols, problem):
    write(tmp_path, "XLK.csv")
    with pytest.raises(DataError, match=problem):
        load(tmp_path, symbols)


# What is no folder of bars


def test_a_missing_folder_is_rejected(tmp_path):
    with pytest.raises(SourceError, match="absent cannot be read as a folder of bars"):
        load(tmp_path / "absent")


def test_a_file_in_place_of_a_folder_is_rejected(tmp_path):
    with pytest.raises(SourceError, match="cannot be read as a folder of bars"):
        load(write(tmp_path, "XLK.csv"))


def test_a_folder_name_that_no_system_allows_is_rejected():
    with pytest.raises(SourceError, match="cannot be read as a folder of bars"):
        load_folder("a\0b", today=TODAY)


def test_a_folder_without_bars_is_rejected(tmp_path):
    write(tmp_path, "README.md")
    with pytest.raises(SourceError, match=r"no bars in .*: one SYMBOL\.csv or SYMBOL"):
        load(tmp_path)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("symbols", [None, ["X"]])
def test_a_folder_in_place_of_a_file_is_rejected(tmp_path, symbols, suffix):
    (tmp_path / f"X.{suffix}").mkdir()
    with pytest.raises(SourceError, match=rf"X\.{suffix} cannot be read"):
        load(tmp_path, symbols)


def test_a_link_to_nothing_is_rejected(tmp_path):
    try:
        (tmp_path / "X.csv").symlink_to(tmp_path / "gone")
    except OSError:
        pytest.skip("this system does not let us make a link")
    with pytest.raises(SourceError, match=r"X\.csv cannot be read"):
        load(tmp_path)


# What is no table


@pytest.mark.parametrize("content", ["", "\n", " \r\n\t\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_rejected(tmp_path, content):
    write(tmp_path, "XLK.csv", content)
    assert str(rejection(tmp_path)) == "XLK: XLK.csv is empty; a header and bars"


@pytest.mark.parametrize("adjust", [True, False])
def test_a_header_without_bars_is_rejected(tmp_path, adjust):
    write(tmp_path, "XLK.csv", HEADER)
    with pytest.raises(DataError, match="XLK: no data"):
        load(tmp_path, adjust=adjust)


@pytest.mark.parametrize(
    "content", [bytes(range(256)), b"\x89PNG\r\n\x1a\n\0\0", CSV.encode("utf-16")]
)
def test_binary_garbage_is_rejected(tmp_path, content):
    write(tmp_path, "XLK.csv", content)
    error = rejection(tmp_path)
    assert error.problem == "XLK.csv is not UTF-8 text"
    assert (error.symbol, error.value) == ("XLK", content[:16])


def test_garbage_that_happens_to_be_text_is_rejected(tmp_path):
    write(tmp_path, "XLK.csv", b"\1\2\3" * 10_000)
    error = rejection(tmp_path)
    assert error.problem == "XLK.csv has no column Date"
    assert len(str(error)) < 400


@pytest.mark.parametrize(
    "content", [b"\0" * 10_000, CSV.replace("13.0,6", "1\0003.0,6")]
)
def test_a_zero_byte_does_not_cut_a_cell_short(tmp_path, content):
    write(tmp_path, "XLK.csv", content)
    assert rejection(tmp_path).problem == "XLK.csv holds a zero byte"


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize("point", [".", ","])
def test_another_delimiter_is_rejected(tmp_path, delimiter, point):
    text = CSV.replace(",", delimiter).replace(".", point)
    write(tmp_path, "XLK.csv", text)
    error = rejection(tmp_path)
    assert f"cells separated by {delimiter!r}" in error.problem
    assert text.startswith(error.value, len(HEADER))
    assert "comma-separated" in error.valid


def test_a_file_without_a_header_is_rejected(tmp_path):
    write(tmp_path, "XLK.csv", ROWS)
    error = rejection(tmp_path)
    assert error.problem == "XLK.csv has no column Date"
    assert error.value[0] == "2020-01-06"


def test_a_missing_column_is_named(tmp_path):
    table().drop(columns="Low").to_csv(tmp_path / "XLK.csv", index=False)
    assert rejection(tmp_path).problem == "no column Low"


def test_a_file_without_a_volume_has_a_volume_of_0(tmp_path, caplog):
    table().drop(columns="Volume").to_csv(tmp_path / "XLK.csv", index=False)
    panel = load(tmp_path)
    assert panel.volume[:, 0].tolist() == [0.0] * 3
    assert panel.close[:, 0].tolist() == [5.5, 6.0, 6.5]
    assert not caplog.records


@pytest.mark.parametrize(
    ("twin", "field"),
    [
        ("close", "Close"),
        ("Close", "Close"),
        ("adj_close", "Adj Close"),
        ("DATE", "Date"),
    ],
)
def test_two_columns_of_one_name_are_rejected(tmp_path, twin, field):
    lines = CSV.splitlines()
    doubled = [f"{lines[0]},{twin}", *(f"{line},1" for line in lines[1:])]
    write(tmp_path, "XLK.csv", "\n".join(doubled))
    error = rejection(tmp_path)
    assert error.problem == f"more than one column {field}"
    assert (error.symbol, error.field, error.value[1]) == ("XLK", field, twin)


@pytest.mark.parametrize("row", [0, 1, 2])
def test_a_thousands_separator_does_not_shift_the_columns(tmp_path, row):
    lines = ROWS.splitlines()
    lines[row] = lines[row].replace("00", ",000")
    write(tmp_path, "XLK.csv", HEADER + "\n".join(lines))
    error = rejection(tmp_path)
    assert "XLK.csv is not a table" in error.problem
    assert f"line {row + 2}" in error.problem
    assert "as many cells in each row" in error.valid


def test_one_cell_too_many_in_every_row_is_no_index(tmp_path):
    write(tmp_path, "XLK.csv", HEADER + ROWS.replace("\n", ",1\n"))
    assert "Expected 7 fields in line 2, saw 8" in rejection(tmp_path).problem


def test_a_row_cut_short_is_rejected(tmp_path):
    write(tmp_path, "XLK.csv", CSV[:-12])
    error = rejection(tmp_path)
    assert (error.symbol, error.problem) == ("XLK", "XLK.csv, row 4 is cut short")


def test_a_quote_that_never_ends_is_rejected(tmp_path):
    write(tmp_path, "XLK.csv", CSV.replace("10.0", '"10.0', 1))
    assert "XLK.csv is not a table" in rejection(tmp_path).problem


@pytest.mark.parametrize("cell", ["", "null", "n/a", "NaN", "-"])
def test_a_cell_that_is_not_known_leaves_its_bar_out(tmp_path, cell, caplog):
    write(tmp_path, "XLK.csv", CSV.replace("13.0,6.5", f"{cell},6.5"))
    assert load(tmp_path).close[:, 0].tolist() == [5.5, 6.0]
    assert "XLK 2020-01-08: 1 bar of 3 left out as invalid" in caplog.text


@pytest.mark.parametrize("cell", ["10,5", "abc", "\N{ARABIC-INDIC DIGIT THREE}"])
def test_a_cell_that_is_not_a_number_is_shown(tmp_path, cell):
    write(tmp_path, "XLK.csv", CSV.replace("13.0,6.5", f'"{cell}",6.5'))
    error = rejection(tmp_path)
    assert error.problem == "not a number"
    assert (error.symbol, error.session, error.field) == ("XLK", "2020-01-08", "Close")
    assert error.value == cell


# Dates


@pytest.mark.parametrize(
    "text",
    [
        "2020-1-7",
        "2020-02-30",
        "2020-13-01",
        "2020/01/07",
        "2020",
        "now",
        "1578355200",
        "NaT",
        "null",
        "",
        "2020-01-07 25:00",
        "2020-01-07 nonsense",
        "2020-01-0\N{ARABIC-INDIC DIGIT SEVEN}",
    ],
)
def test_a_date_that_is_not_iso_is_shown_with_its_row(tmp_path, text):
    write(tmp_path, "XLK.csv", CSV.replace("2020-01-07", f'"{text}"'))
    error = rejection(tmp_path)
    assert str(error) == (
        f"XLK Date: XLK.csv, row 3 is not dated (got {text!r});"
        " an ISO date, YYYY-MM-DD, with or without a time and a zone"
    )
    assert error.value == text


def test_a_blank_line_between_bars_is_a_row_without_a_date(tmp_path):
    write(tmp_path, "XLK.csv", HEADER + ROWS.replace("\n", "\n\n", 1))
    assert rejection(tmp_path).problem == "XLK.csv, row 3 is not dated"


def test_a_date_before_all_markets_is_rejected(tmp_path):
    write(tmp_path, "XLK.csv", CSV.replace("2020-01-06", "0001-01-01"))
    assert rejection(tmp_path).problem == "a date outside 1678 to 2261"


def test_a_bar_dated_in_the_future_is_rejected(tmp_path):
    write(tmp_path, "XLK.csv")
    with pytest.raises(DataError, match="XLK 2020-01-08: a bar dated in the future"):
        load_folder(tmp_path, today=dt.date(2020, 1, 7))


PAGE = """Date,Open,High,Low,Close*,Adj Close**,Volume
"Dec 24, 2024",23.45,23.60,23.40,23.58,23.58,"2,326,000"
"Dec 23, 2024",23.20,23.50,23.10,23.44,23.44,"4,100,300"
"Dec 20, 2024","0.197 Dividend"
"Dec 20, 2024",23.00,23.30,22.90,23.22,23.22,"9,800,100"
"""


@pytest.mark.parametrize(
    "text",
    [PAGE, PAGE.replace('"', ""), re.sub(r",(?! 2024)", "\t", PAGE.replace('"', ""))],
    ids=["quoted", "unquoted", "tabs"],
)
def test_a_table_copied_from_yahoos_page_is_described_at_once(tmp_path, text):
    write(tmp_path, "XLK.csv", text)
    error = rejection(tmp_path)
    assert error.problem.startswith("XLK.csv is a table copied from Yahoo's page: ")
    assert "dates such as 'Dec 24, 2024' in 4 rows" in error.problem
    assert "1 dividend or split row between the bars" in error.problem
    assert "YYYY-MM-DD" in error.valid
    assert "yfinance.Ticker('XLK').history(" in error.valid


def test_numbers_with_commas_are_part_of_the_description(tmp_path):
    write(tmp_path, "XLK.csv", PAGE)
    assert "numbers with commas such as '2,326,000'" in rejection(tmp_path).problem


@pytest.mark.parametrize("date", ["01/06/2020", "06.01.2020", "2020/01/06"])
def test_dates_in_another_order_are_described_at_once(tmp_path, date):
    text = CSV.replace("2020-01-06", date).replace("2020-01-07", date)
    write(tmp_path, "XLK.csv", text.replace("10.0,12.0", "$10.0,12.0"))
    error = rejection(tmp_path)
    assert error.problem == (
        f"XLK.csv is not in the form of Yahoo: dates such as {date!r} in 2 rows;"
        " prices with a currency sign"
    )


def test_iso_dates_do_not_keep_the_rest_from_being_described(tmp_path):
    rows = '2020-01-09,"0.197 Dividend",,,,,\n2020-01-09,1,2,1,2,2,"2,326,000"\n'
    write(tmp_path, "XLK.csv", CSV + rows)
    assert rejection(tmp_path).problem == (
        "XLK.csv is not in the form of Yahoo: 1 dividend or split row between the bars;"
        " numbers with commas such as '2,326,000'"
    )


def as_yfinance_writes(*, by_ticker: bool = False, dates: str = "Date") -> str:
    """What ``yfinance.download("XLK").to_csv()`` makes of `CSV`."""
    _, *names = HEADER.strip().split(",")
    rows = [",".join(["Price", *names]), ",".join(["Ticker", *["XLK"] * len(names)])]
    rows = rows[::-1] if by_ticker else rows
    return "\n".join([*rows, dates + "," * len(names), ROWS])


@pytest.mark.parametrize("by_ticker", [False, True])
def test_yfinances_own_file_with_three_rows_of_header_is_read(tmp_path, by_ticker):
    plain = tmp_path / "plain"
    plain.mkdir()
    write(plain, "XLK.csv")
    write(tmp_path, "XLK.csv", as_yfinance_writes(by_ticker=by_ticker))
    assert load(tmp_path).content_hash == load(plain).content_hash


def test_yfinances_file_of_several_tickers_is_refused(tmp_path):
    text = as_yfinance_writes().replace("XLK,XLK\n", "XLK,XLE\n")
    write(tmp_path, "XLK.csv", text)
    error = rejection(tmp_path)
    assert error.problem == "XLK.csv has the bars of several tickers"
    assert error.value == ["XLK", "XLE"]


def test_the_row_of_a_fault_is_counted_in_yfinances_file_too(tmp_path):
    text = as_yfinance_writes().replace("2020-01-07", "someday")
    write(tmp_path, "XLK.csv", text)
    assert rejection(tmp_path).problem == "XLK.csv, row 5 is not dated"


@pytest.mark.parametrize(
    "name", ["Adjusted_close", "Adj. Close", "Adj Close**", "5. adjusted close"]
)
def test_an_adjusted_close_by_another_name_is_applied(tmp_path, name):
    write(tmp_path, "XLK.csv", CSV.replace("Adj Close", name))
    assert load(tmp_path).close[:, 0].tolist() == [5.5, 6.0, 6.5]


def test_a_column_that_may_be_an_adjusted_close_is_named(tmp_path):
    write(tmp_path, "XLK.csv", CSV.replace("Adj Close", "Adj Close EUR"))
    assert "'Adj Close EUR'" in rejection(tmp_path).problem
    assert load(tmp_path, adjust=False).close[0, 0] == 11.0


@pytest.mark.parametrize("zone", ["Z", "+00:00", "-05:00", "-0500", "+09:00"])
def test_the_session_is_the_local_date_of_the_text(tmp_path, zone):
    plain = tmp_path / "plain"
    plain.mkdir()
    write(plain, "XLK.csv")
    rows = [row.replace(",", f" 00:00:00{zone},", 1) for row in ROWS.splitlines()]
    write(tmp_path, "XLK.csv", HEADER + "\n".join(rows))
    assert load(tmp_path).content_hash == load(plain).content_hash


def zoned(first: str, second: str) -> str:
    rows = ROWS.splitlines()
    winter = rows[0].replace("2020-01-06", f"2020-01-06 00:00:00{first}")
    summer = rows[1].replace("2020-01-07", f"2020-07-07 00:00:00{second}")
    return f"{HEADER}{winter}\n{summer}\n"


def test_summer_and_winter_of_one_exchange_are_one_time_zone(tmp_path):
    write(tmp_path, "XLK.csv", zoned("-05:00", "-04:00"))
    panel = load(tmp_path)
    assert [str(day) for day in panel.sessions] == ["2020-01-06", "2020-07-07"]


@pytest.mark.parametrize(
    ("first", "second", "shown"),
    [
        ("-05:00", "+09:00", ["UTC-05:00", "UTC+09:00"]),
        ("", "-05:00", ["none", "UTC-05:00"]),
        ("Z", "", ["UTC", "none"]),
    ],
)
def test_time_zones_mixed_within_a_file_are_rejected(tmp_path, first, second, shown):
    write(tmp_path, "XLK.csv", zoned(first, second))
    error = rejection(tmp_path)
    assert error.problem == "dates in mixed time zones"
    assert (error.symbol, error.value) == ("XLK", shown)
    assert error.valid == "one exchange's local dates in a file"


def test_exchanges_with_honest_offsets_are_joined_by_local_date(tmp_path):
    write(tmp_path, "US.csv", zoned("-05:00", "-04:00"))
    write(tmp_path, "EU.csv", zoned("+01:00", "+02:00"))
    write(tmp_path, "JP.csv", zoned("+09:00", "+09:00"))
    write(tmp_path, "PLAIN.csv", zoned("", ""))
    panel = load(tmp_path)
    assert [str(day) for day in panel.sessions] == ["2020-01-06", "2020-07-07"]
    assert panel.traded.all()


def test_a_european_fund_in_utc_beside_an_american_one_is_refused(tmp_path):
    # Frankfurt's 6th of January begins at 23:00 UTC of the day before.
    row = ROWS.splitlines()[0].replace("2020-01-06", "2020-01-05 23:00:00+00:00")
    write(tmp_path, "EU.csv", HEADER + row)
    write(tmp_path, "US.csv", zoned("-05:00", "-04:00"))
    error = rejection(tmp_path)
    assert (error.symbol, error.session) == ("EU", "2020-01-05")
    assert error.problem == "daily bars at 23:00 UTC: a midnight elsewhere"
    assert error.valid.startswith("give local dates")


# Prices


@pytest.mark.parametrize("cell", ["nan", "inf", "0.0", "-6.0", ""])
def test_a_bar_without_a_valid_adjusted_close_is_left_out(tmp_path, cell, caplog):
    write(tmp_path, "XLK.csv", CSV.replace("12.0,6.0", f"12.0,{cell}"))
    assert load(tmp_path).close[:, 0].tolist() == [5.5, 6.5]
    said = "XLK 2020-01-07: 1 bar of 3 left out as invalid, 1 x Adj Close"
    assert said in caplog.text
    assert load(tmp_path, adjust=False).close[1, 0] == 12.0


def test_a_file_of_mostly_invalid_bars_is_refused_as_written(tmp_path):
    write(tmp_path, "A.csv")
    write(tmp_path, "B.csv", CSV.replace("High,Low", "Low,High"))
    assert str(rejection(tmp_path)) == (
        "B 2020-01-06 High: 3 of 3 bars invalid, the first by High below Low"
        " (got 9.0); at least Low, 12.0"
    )


# Parquet


def as_index(bars: pd.DataFrame) -> pd.DataFrame:
    return bars.set_index("Date")


@pytest.mark.parametrize(
    "change",
    [
        lambda bars: bars,
        as_index,
        lambda bars: bars.rename(columns=str.lower),
        lambda bars: bars.assign(Date=bars["Date"].dt.date),
        lambda bars: bars.assign(Date=bars["Date"].dt.strftime("%Y-%m-%d")),
        lambda bars: bars.assign(Date=bars["Date"].dt.tz_localize("Asia/Tokyo")),
        lambda bars: bars.assign(Date=bars["Date"].astype("datetime64[ns]")),
        lambda bars: bars.astype({"Open": "float32", "Volume": "Int32"}),
        lambda bars: bars.iloc[::-1].set_axis([7, 8, 9], axis=0),
    ],
    ids=[
        "column",
        "index",
        "lower case",
        "dates",
        "text",
        "zone",
        "nanoseconds",
        "types",
        "own row labels",
    ],
)
def test_a_parquet_file_gives_the_same_bars_as_a_csv_file(tmp_path, change):
    write_parquet(tmp_path, "B.parquet", change(table()))
    write(tmp_path, "A.csv")
    from_csv, from_parquet = (load(tmp_path, [name]).frame(name) for name in "AB")
    pd.testing.assert_frame_equal(from_csv, from_parquet)


def test_csv_and_parquet_files_go_into_one_panel(tmp_path):
    write_parquet(tmp_path, "B.PARQUET", table())
    write(tmp_path, "A.csv")
    panel = load(tmp_path)
    assert panel.symbols == ("A", "B")
    assert (panel.bars[:, :, 0] == panel.bars[:, :, 1]).all()


def test_time_zones_across_formats_are_joined_by_local_date(tmp_path):
    bars = table(Date=pd.date_range("2020-01-06", periods=3, tz="Asia/Tokyo"))
    write_parquet(tmp_path, "B.parquet", bars)
    write(tmp_path, "A.csv")
    assert load(tmp_path).traded.all()


def test_a_parquet_date_that_is_not_iso_is_shown_with_its_row(tmp_path):
    bars = table(Date=["2020-01-06", "2020-01-07", "8.1.2020"])
    write_parquet(tmp_path, "B.parquet", bars)
    error = rejection(tmp_path)
    assert error.problem == "B.parquet, row 3 is not dated"
    assert error.value == "8.1.2020"


@pytest.mark.parametrize("dates", [[1, 2, 3], [0.5, 1.5, 2.5]])
def test_parquet_dates_that_are_numbers_are_rejected(tmp_path, dates):
    write_parquet(tmp_path, "B.parquet", table(Date=dates))
    assert rejection(tmp_path).problem == "the index is not dates"


def test_a_parquet_file_without_dates_is_rejected(tmp_path):
    write_parquet(tmp_path, "B.parquet", table().drop(columns="Date"))
    assert rejection(tmp_path).problem == "B.parquet has no column Date"


def test_a_damaged_parquet_file_is_rejected(tmp_path):
    write_parquet(tmp_path, "X.parquet", table())
    whole = (tmp_path / "X.parquet").read_bytes()
    for content in (b"", b"PAR1", CSV.encode(), whole[:-10], whole[: len(whole) // 2]):
        write(tmp_path, "X.parquet", content)
        error = rejection(tmp_path)
        assert error.symbol == "X"
        assert "X.parquet is not a Parquet file" in error.problem


def test_without_pyarrow_a_parquet_file_asks_for_the_extra(tmp_path, monkeypatch):
    write(tmp_path, "X.parquet", b"never read")
    write(tmp_path, "Y.csv")
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r"bt-lstm-rotation\[parquet\]"):
        load(tmp_path)
    assert load(tmp_path, ["Y"]).symbols == ("Y",)


# Real bars


def test_the_sector_funds_of_twenty_years_load():
    if not SPDR.is_dir():
        pytest.skip("the real bars are not shipped, and ../shared/data is absent")
    panel = load(SPDR)
    assert panel.symbols == (
        *("GSPC", "SPY", "XLB", "XLE", "XLF", "XLI"),
        *("XLK", "XLP", "XLU", "XLV", "XLY"),
    )
    assert (str(panel.sessions[0]), str(panel.sessions[-1])) == (
        "1999-01-04",
        "2019-07-01",
    )
    assert panel.traded.all()
    assert len(panel) == 5156
    # The file's first row: Close 33.0 and Adj Close 26.050667.
    assert panel.frame("XLK")["Close"].iloc[0] == pytest.approx(26.050667, rel=1e-15)
    raw = load(SPDR, ["XLK"], adjust=False)
    assert raw.frame("XLK")["Close"].iloc[0] == 33.0


@pytest.mark.parametrize("date", ["2020-01-07", "2020-01-07 00:00:00", '"2020-01-07"'])
def test_bars_outside_the_dates_asked_for_are_left_out(tmp_path, date):
    day = dt.date(2020, 1, 7)
    write(tmp_path, "XLK.csv", CSV.replace("2020-01-07", date).replace("\n", "\r\n"))
    panel = load(tmp_path, start=day, end=day)
    assert panel.sessions.tolist() == [day]
    assert panel.close[0].tolist() == [6.0]


def test_a_fault_has_its_row_of_the_whole_file(tmp_path):
    write(tmp_path, "XLK.csv", CSV.replace("12.0,14.0", "twelve,14.0"))
    with pytest.raises(DataError) as caught:
        load(tmp_path, start=dt.date(2020, 1, 7))
    assert "twelve" in str(caught.value)
    day = dt.date(2020, 1, 8)
    write(tmp_path, "XLK.csv", CSV + "2020-01-09,13.0,15.0\n")
    for start in (None, day):
        with pytest.raises(DataError, match="row 5 is cut short"):
            load(tmp_path, start=start)


def test_a_fault_outside_the_dates_asked_for_is_not_looked_at(tmp_path):
    write(tmp_path, "XLK.csv", CSV.replace("11.0,13.0,10.0", "x,y,z"))
    assert len(load(tmp_path, start=dt.date(2020, 1, 8))) == 1


def test_bars_out_of_order_are_found_in_any_range(tmp_path):
    rows = ROWS.splitlines(keepends=True)
    write(tmp_path, "XLK.csv", HEADER + "".join([rows[2], rows[0], rows[1]]))
    day = dt.date(2020, 1, 7)
    assert load(tmp_path, start=day, end=day).sessions.tolist() == [day]
