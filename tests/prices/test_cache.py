from __future__ import annotations

import datetime as dt
import hashlib
import io
import logging
import multiprocessing
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bt_lstm_rotation.errors import DataError, SourceError
from bt_lstm_rotation.prices.cache import BarsCache
from bt_lstm_rotation.prices.history import RAW_COLUMNS, CoveredBars
from tests.prices.yahoo_chart import bars_of

FIRST, LAST = dt.date(2024, 1, 1), dt.date(2024, 1, 31)


def covered(sessions: int = 5, close: float = 100.0) -> CoveredBars:
    bars = bars_of("2024-01-02", sessions, close)[list(RAW_COLUMNS)]
    return CoveredBars(bars.set_axis(bars.index.as_unit("ns")), FIRST, LAST)


def sealed(body: bytes) -> bytes:
    return body + hashlib.sha256(body).digest()


def test_what_was_written_is_read_back(tmp_path):
    cache = BarsCache(tmp_path)
    written = covered()
    # A third has no finite binary form, and must come back to the last bit.
    written.bars.iloc[0, 3] = 100 / 3

    cache.write("XLK", written)
    read = cache.read("XLK")

    pd.testing.assert_frame_equal(read.bars, written.bars, check_freq=False)
    assert (read.first, read.last) == (FIRST, LAST)


def test_a_symbol_that_was_never_written_is_none(tmp_path):
    assert BarsCache(tmp_path / "no such folder").read("XLK") is None


def test_one_symbol_is_one_file_and_nothing_is_left_beside_it(tmp_path):
    BarsCache(tmp_path).write("XLK", covered())
    BarsCache(tmp_path).write("^GSPC", covered())

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "%5EGSPC.npz",
        "XLK.npz",
    ]


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("BRK-B", "BRK-B.npz"),
        ("CL=F", "CL=F.npz"),
        ("0700.HK", "0700.HK.npz"),
        ("xlk", "%78%6C%6B.npz"),
        ("NUL", "%4EUL.npz"),
        ("CON.L", "%43ON.L.npz"),
        ("COM1", "%43OM1.npz"),
        ("CONX", "CONX.npz"),
    ],
)
def test_a_file_name_is_safe_on_every_system(tmp_path, symbol, name):
    assert BarsCache(tmp_path).path(symbol).name == name


def test_no_two_symbols_share_a_file_even_where_case_is_ignored(tmp_path):
    symbols = [
        "CON",
        "con",
        "Con",
        "^CON",
        "CON.",
        "X",
        "x",
        "A.B",
        "A-B",
        "A_B",
        "A=B",
    ]

    names = {BarsCache(tmp_path).path(symbol).name.casefold() for symbol in symbols}

    assert len(names) == len(symbols)


@pytest.mark.parametrize(
    "symbol", ["../XLK", "/etc/passwd", "A/B", "A\\B", "..", "", "A" * 33, "X\0", "C:X"]
)
def test_a_name_that_could_leave_the_folder_is_refused(tmp_path, symbol):
    with pytest.raises(DataError, match="not a ticker"):
        BarsCache(tmp_path).path(symbol)


def test_a_file_cut_off_anywhere_is_noticed_and_thrown_away(tmp_path, caplog):
    cache = BarsCache(tmp_path)
    cache.write("XLK", covered())
    path = cache.path("XLK")
    whole = path.read_bytes()

    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with caplog.at_level(logging.WARNING):
            assert cache.read("XLK") is None
        assert not path.exists()
    assert "XLK: cached bars thrown away: the file is damaged" in caplog.text


def test_a_flipped_bit_anywhere_is_noticed(tmp_path):
    cache = BarsCache(tmp_path)
    cache.write("XLK", covered())
    path = cache.path("XLK")
    whole = path.read_bytes()

    for place in range(0, len(whole), 11):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        assert cache.read("XLK") is None


def test_another_symbols_file_under_this_name_is_not_believed(tmp_path, caplog):
    cache = BarsCache(tmp_path)
    cache.write("XLE", covered())
    shutil.copy(cache.path("XLE"), cache.path("XLK"))

    assert cache.read("XLK") is None
    assert "the file holds the bars of XLE" in caplog.text


def test_a_sealed_archive_that_is_not_ours_is_thrown_away(tmp_path):
    cache = BarsCache(tmp_path)
    pickled, foreign = io.BytesIO(), io.BytesIO()
    np.savez(pickled, version=np.array([{"a": "dict"}], dtype=object))
    np.savez(foreign, version=np.array(99), symbol=np.array("XLK"))
    empty = io.BytesIO()
    np.savez(empty)

    for body in (pickled, foreign, empty):
        cache.path("XLK").write_bytes(sealed(body.getvalue()))
        assert cache.read("XLK") is None


def test_numpy_alone_reads_the_file(tmp_path):
    cache = BarsCache(tmp_path)
    cache.write("XLK", covered())

    with np.load(cache.path("XLK"), allow_pickle=False) as arrays:
        assert arrays["bars"].shape == (5, 6)


def test_a_folder_that_cannot_be_used_is_done_without(tmp_path, caplog):
    (tmp_path / "file").write_text("not a folder")
    cache = BarsCache(tmp_path / "file")

    for _ in range(2):
        with cache.locked("XLK"):
            assert cache.read("XLK") is None
            cache.write("XLK", covered())
    assert caplog.messages == [
        f"going on without it: the cache folder {tmp_path / 'file'} cannot be written "
        "to (Not a directory)"
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_what_is_no_file_is_neither_read_nor_replaced(tmp_path, caplog):
    cache = BarsCache(tmp_path)
    os.mkfifo(cache.path("XLK"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    cache.path("XLE").symlink_to(elsewhere)

    with cache.locked("XLK"), cache.locked("XLE"):
        assert cache.read("XLK") is cache.read("XLE") is None
        cache.write("XLK", covered())
    assert cache.path("XLK").is_fifo()
    assert elsewhere.read_text() == "mine"
    assert "cannot be read from (it is a pipe, not a file)" in caplog.text


def test_another_process_at_work_is_waited_for_and_then_named(tmp_path):
    cache = BarsCache(tmp_path, lock_seconds=0.05)

    with (
        cache.locked("XLK"),
        pytest.raises(SourceError, match="XLK: another process"),
        BarsCache(tmp_path, lock_seconds=0.05).locked("XLK"),
    ):
        pass
    with cache.locked("XLK"):
        assert cache.read("XLK") is None


def test_two_symbols_do_not_wait_for_each_other(tmp_path):
    cache = BarsCache(tmp_path, lock_seconds=0.05)

    with cache.locked("XLK"), cache.locked("XLE"):
        cache.write("XLE", covered())

    assert cache.read("XLE") is not None


def test_threads_that_write_and_read_at_once_see_whole_files(tmp_path):
    cache = BarsCache(tmp_path)
    seen: list[float] = []

    def work(close: float) -> None:
        for _ in range(10):
            with cache.locked("XLK"):
                cache.write("XLK", covered(50, close))
            with cache.locked("XLK"):
                seen.append(cache.read("XLK").bars["Close"].iloc[0])

    threads = [threading.Thread(target=work, args=(close,)) for close in (10.0, 20.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(seen) == 20
    assert set(seen) <= {10.0, 20.0}


def write_many(folder: Path, close: float) -> None:
    cache = BarsCache(folder)
    for _ in range(20):
        with cache.locked("XLK"):
            cache.write("XLK", covered(200, close))
            read = cache.read("XLK")
        if read is None or read.bars["Close"].iloc[0] != close:
            os._exit(1)


def die_before_replacing(folder: Path) -> None:
    os.replace = lambda *paths: os._exit(9)
    cache = BarsCache(folder)
    with cache.locked("XLK"):
        cache.write("XLK", covered(200, 999.0))


def test_two_processes_that_write_at_once_leave_a_whole_file(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    processes = [
        spawn.Process(target=write_many, args=(tmp_path, close))
        for close in (10.0, 20.0)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0, 0]
    assert BarsCache(tmp_path).read("XLK").bars["Close"].iloc[0] in (10.0, 20.0)


def test_a_process_killed_while_it_writes_leaves_the_old_file_and_no_lock(tmp_path):
    cache = BarsCache(tmp_path, lock_seconds=5)
    cache.write("XLK", covered())
    process = multiprocessing.get_context("spawn").Process(
        target=die_before_replacing, args=(tmp_path,)
    )
    process.start()
    process.join()
    assert process.exitcode == 9

    with cache.locked("XLK"):
        assert cache.read("XLK").bars["Close"].iloc[0] == 100.0
        cache.write("XLK", covered(5, 200.0))
    assert cache.read("XLK").bars["Close"].iloc[0] == 200.0
    # What the dead process half wrote was overwritten and moved away.
    assert not list(tmp_path.glob("*.tmp"))
