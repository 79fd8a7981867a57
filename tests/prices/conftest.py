from __future__ import annotations

import pytest
from fakes import random_panel

from tests.prices.yahoo_chart import Desk


@pytest.fixture
def desk(tmp_path, _yfinance_keeps_its_files_apart):
    return Desk(tmp_path / "cache")


class AskedYahoo:
    """Remembers what it was asked for."""

    def __init__(self):
        self.asked = []

    def load(self, symbols, start=None, end=None):
        self.asked.append((list(symbols), start, end))
        return random_panel(list(symbols))


@pytest.fixture
def yahoo():
    return AskedYahoo()


@pytest.fixture
def folder(tmp_path):
    """Return a folder of three symbols, whose dividends halve their closes."""
    for symbol in ("XLE", "XLK", "SPY"):
        frame = random_panel([symbol], 5).frame(symbol)
        frame["Adj Close"] = frame["Close"] / 2
        frame.to_csv(tmp_path / f"{symbol}.csv", index_label="Date")
    return tmp_path
