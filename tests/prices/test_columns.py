from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.prices.columns import adjusted_columns, named, numeric

PLAIN = ["Date", "Open", "High", "Low", "Close", "Volume"]


@pytest.mark.parametrize(
    "spelling",
    [
        *("Adj Close", "Adj_Close", "AdjClose", "adjClose", "ADJ CLOSE", "Adj Close**"),
        *("Adjusted_close", "adjusted_close", "Adjusted Close", "5. adjusted close"),
        *(
            "Adj. Close",
            "Close (adjusted)",
            "adj. close price",
            "closeadj",
            "Close Adj.",
        ),
    ],
)
def test_every_spelling_of_an_adjusted_close_is_known(spelling):
    assert named("XLK", [*PLAIN, spelling])["Adj Close"] == 6
    assert adjusted_columns([*PLAIN, spelling]) == [spelling]


@pytest.mark.parametrize(
    "label",
    [
        *("Adj Close USD", "Adjusted Price", "adj_last", "Adjusted", "adj_c", "Adj Px"),
        *("split adjusted close", "Adj Settle", "Adj. Schluss", "adj_value"),
    ],
)
def test_a_column_that_may_be_an_adjusted_close_is_an_error_that_names_it(label):
    with pytest.raises(DataError) as caught:
        named("XLK", [*PLAIN, label])
    assert repr(label) in caught.value.problem
    assert "call it 'Adj Close'" in caught.value.valid
    assert named("XLK", [*PLAIN, label], adjusted_close=False)["Close"] == 4


def test_two_adjusted_closes_are_an_error_that_names_both():
    with pytest.raises(DataError, match="more than one column Adj Close") as caught:
        named("XLK", [*PLAIN, "Adj Close", "adjusted_close"])
    assert caught.value.value == ["Adj Close", "adjusted_close"]


@pytest.mark.parametrize(
    "label",
    [
        *("closeunadj", "adjOpen", "adjVolume", "Adj. High", "splitFactor"),
        *("adj_factor", "adj_o", "adj_v", "adjustment ratio", "Adj. Dividend"),
    ],
)
def test_a_column_that_is_no_adjusted_close_is_passed_over(label):
    assert "Adj Close" not in named("XLK", [*PLAIN, label])


@pytest.mark.parametrize(
    "header",
    [
        "timestamp,open,high,low,close,adjusted_close,volume,dividend_amount",
        "date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume",
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>",
        "Date,Close/Last,Volume,Open,High,Low",
        "Date,Open,High,Low,Close,Volume,Ex-Dividend,Split Ratio,Adj. Open,Adj. Close",
        "ticker,date,open,high,low,close,volume,closeadj,closeunadj,lastupdated",
        "date,1. open,2. high,3. low,4. close,5. volume",
        "Date,Open*,High,Low,Close*,Adj Close**,Volume",
    ],
    ids=[
        "Alpha Vantage",
        "Tiingo",
        "Stooq",
        "Nasdaq",
        "WIKI",
        "Sharadar",
        "AV",
        "page",
    ],
)
def test_the_columns_of_vendors_are_known(header):
    labels = header.split(",")
    found = named("XLK", labels)
    assert set(PLAIN) <= set(found)
    for name in ("Open", "High", "Low"):
        assert name.lower() in labels[found[name]].lower()
        assert "adj" not in labels[found[name]].lower()


def test_a_frame_of_one_ticker_may_have_two_storeys_of_columns():
    bars = pd.DataFrame(np.ones((2, 5)), columns=[*PLAIN[1:]])
    for names in ([PLAIN[1:], ["XLK"]], [["XLK"], PLAIN[1:]]):
        frame = bars.set_axis(pd.MultiIndex.from_product(names), axis=1)
        assert numeric("XLK", frame, ("Open", "Close")).shape == (2, 2)


def test_a_frame_of_several_tickers_is_refused():
    columns = pd.MultiIndex.from_product([PLAIN[1:], ["XLK", "XLE"]])
    with pytest.raises(DataError, match="several tickers") as caught:
        numeric("XLK", pd.DataFrame(np.ones((2, 10)), columns=columns), ("Open",))
    assert caught.value.value == ["XLK", "XLE"]
