"""Without a network: one line while it waits, one at the end, both in our words."""

from __future__ import annotations

import datetime as dt
import logging
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from curl_cffi.requests.exceptions import DNSError
from urllib3.exceptions import MaxRetryError, NameResolutionError

from bt_lstm_rotation.errors import SourceError
from bt_lstm_rotation.prices.yahoo_fetch import _translated, is_not_found
from tests.prices.yahoo_chart import BARS, START

# yfinance 1.7 sorts in place, which pandas 3 says it will remove.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The inplace keyword in DataFrame.sort_index:DeprecationWarning"
)

TEN = ["XLB", "XLE", "XLF", "XLI", "XLK", "XLP", "XLU", "XLV", "XLY", "SPY"]
CHECKOUT = Path(__file__).parents[2]
NOWHERE = shutil.which("unshare") and subprocess.run(
    ["unshare", "-n", "true"], capture_output=True, check=False
)


def by_requests() -> Exception:
    """As `requests` gives it: the reason is an argument of an argument."""
    lost = NameResolutionError("query2.finance.yahoo.com", None, socket.gaierror())
    return requests.ConnectionError(MaxRetryError(None, "/", lost))


LOST = {
    "Python": socket.gaierror(-3, "Temporary failure in name resolution"),
    "requests": by_requests(),
    "curl": DNSError("Failed to perform, curl: (6) Could not resolve host", code=6),
    "curl, the proxy": DNSError("Failed to perform, curl: (5)", code=5),
}


@pytest.mark.parametrize("error", LOST.values(), ids=LOST)
def test_a_name_that_cannot_be_looked_up_is_told_from_a_connection_that_is_lost(error):
    assert is_not_found(error)
    assert str(_translated("XLK", error)) == (
        "Yahoo's server cannot be found; is there a network?"
    )
    other = requests.ConnectionError("no route to host")
    assert not is_not_found(other)
    assert (
        str(_translated("XLK", other)) == "Yahoo cannot be reached (no route to host)"
    )


def test_an_error_that_is_its_own_cause_ends_nowhere():
    first, second = OSError("a"), OSError("b")
    first.__context__, second.__context__ = second, first
    assert not is_not_found(first)


def test_a_name_that_cannot_be_looked_up_is_asked_for_once_more(desk, caplog):
    asked: list[str] = []

    def fetch(symbols, start, end):
        asked.extend(symbols)
        raise LOST["Python"]

    with pytest.raises(SourceError, match=" ".join(TEN)):
        replace(desk.prices, fetch=fetch).load(TEN, START)
    assert asked == ["XLB", "XLB"]
    (line,) = caplog.messages
    assert line.endswith("asking again, once more at most")


def test_while_it_waits_it_says_so_once(desk, caplog):
    desk.fails_with(requests.Timeout("timed out"))
    with pytest.raises(SourceError, match=r"not answer in time \(timed out\); nothing"):
        desk.load(TEN, START)
    (line,) = caplog.messages
    assert line == (
        "Yahoo does not answer in time (timed out); asking again, 4 times at most"
    )


def test_all_that_the_cache_serves_is_one_line(desk, caplog):
    desk.yahoo.bars = dict.fromkeys(TEN, BARS)
    desk.load(TEN, START)
    desk.today = dt.date(2024, 2, 20)
    desk.fails_with(by_requests())
    with caplog.at_level(logging.WARNING):
        desk.load(TEN, START)
    waits, served = caplog.messages
    assert waits.startswith("Yahoo's server cannot be found")
    assert served == (
        f"{' '.join(TEN)}: served from the cache only: Yahoo's server cannot be found; "
        "is there a network?"
    )


@pytest.mark.skipif(
    not NOWHERE or NOWHERE.returncode != 0, reason="needs a namespace of its own"
)
def test_on_a_machine_without_a_network_it_is_two_lines(tmp_path):
    script = CHECKOUT / "run_backtest.py"
    ran = subprocess.run(
        ["unshare", "-n", sys.executable, script, "--data", "yahoo"],
        cwd=tmp_path,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 2
    waits, failed = ran.stderr.splitlines()
    assert waits.startswith("WARNING: Yahoo's server cannot be found")
    assert failed.startswith("error: no bars of XLB XLE")
    assert "curl" not in ran.stderr
