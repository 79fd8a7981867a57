from __future__ import annotations

import pytest
import yfinance

from tests.prices.yahoo_chart import Desk


@pytest.fixture(scope="session")
def _yfinance_keeps_its_files_apart(tmp_path_factory):
    # It keeps time zones and cookies in one database for all processes; and takes a
    # folder only before its first use in a process.
    yfinance.set_tz_cache_location(str(tmp_path_factory.mktemp("yfinance")))


@pytest.fixture
def desk(tmp_path, _yfinance_keeps_its_files_apart):
    return Desk(tmp_path / "cache")
