from __future__ import annotations

import errno
import hashlib
import io
import logging
import multiprocessing
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from bt_lstm_rotation.errors import OutputError, SpecError
from bt_lstm_rotation.forecasting import ForecastSpec
from bt_lstm_rotation.forecasting.store.content_key import content_key
from bt_lstm_rotation.forecasting.store.forecast_store import (
    ForecastStore,
    default_folder,
)
from bt_lstm_rotation.prices.yahoo import YahooPrices


def key_of(number: int) -> str:
    return hashlib.sha256(bytes([number])).hexdigest()


KEY, OTHER = key_of(100), key_of(200)


def arrays(number: float = 1 / 3) -> dict[str, np.ndarray]:
    return {
        "weights": np.full((3, 4), number, dtype="float32"),
        "values": np.array([number, np.nan, -0.0]),
        "sessions": np.array(["2024-01-02", "NaT"], dtype="datetime64[D]"),
        "symbols": np.array(["XLK", "^GSPC"]),
    }


def same(read: dict[str, np.ndarray] | None, written: dict[str, np.ndarray]) -> bool:
    return read is not None and [
        (name, array.dtype, array.shape, array.tobytes())
        for name, array in read.items()
    ] == [
        (name, array.dtype, array.shape, array.tobytes())
        for name, array in written.items()
    ]


def only_file(folder: Path) -> Path:
    (path,) = (path for path in folder.rglob("*") if path.is_file())
    return path


def test_an_entry_comes_back_to_the_last_bit(tmp_path):
    store = ForecastStore(tmp_path)
    store.put(KEY, arrays())

    assert same(store.get(KEY), arrays())
    assert same(ForecastStore(tmp_path).get(KEY), arrays())
    assert store.problems == []


def test_an_entry_that_was_never_stored_is_none(tmp_path):
    store = ForecastStore(tmp_path / "not" / "made")

    assert store.get(KEY) is None
    assert store.problems == []
    assert not (tmp_path / "not").exists()


def test_an_entry_without_arrays_is_an_entry(tmp_path):
    store = ForecastStore(tmp_path)
    store.put(KEY, {})

    assert store.get(KEY) == {}
    assert store.get(OTHER) is None


def test_one_entry_is_one_file_on_the_shelf_of_its_first_two_digits(tmp_path):
    ForecastStore(tmp_path).put(KEY, arrays())

    assert only_file(tmp_path) == tmp_path / KEY[:2] / f"{KEY}.npz"


def test_the_same_content_is_the_same_file(tmp_path):
    for folder in ("one", "other"):
        ForecastStore(tmp_path / folder).put(KEY, arrays())

    one, other = (only_file(tmp_path / folder) for folder in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()


def test_the_last_of_two_writers_wins(tmp_path):
    store = ForecastStore(tmp_path)
    store.put(KEY, arrays(1.0))
    store.put(KEY, arrays(2.0))

    assert same(store.get(KEY), arrays(2.0))
    assert store.size()[0] == 1


def test_a_store_keys_by_content(tmp_path):
    store = ForecastStore(tmp_path)
    spec, bars = ForecastSpec(), np.arange(6.0)

    assert store.key("fit", spec, bars) == content_key("fit", spec, bars)


def test_the_default_folder_is_in_the_users_cache_beside_the_bars():
    assert default_folder().name == "forecasts"
    assert default_folder().parent == YahooPrices().folder.parent
    assert default_folder() != YahooPrices().folder


# Hostile arguments


@pytest.mark.parametrize(
    "key",
    [
        "",
        "../../etc/passwd",
        "/etc/passwd",
        "a" * 63,
        "a" * 65,
        "A" * 64,
        "g" * 64,
        "\u0661" * 64,
        "a" * 64 + "\n",
        "a" * 63 + "\0",
        "../" + "a" * 61,
        b"a" * 64,
        None,
        0,
        Path("a" * 64),
    ],
    ids=str,
)
def test_what_is_no_key_never_becomes_a_path(tmp_path, key):
    store = ForecastStore(tmp_path / "store")

    with pytest.raises(SpecError, match="key must be 64 hexadecimal digits"):
        store.get(key)
    with pytest.raises(SpecError, match="key must be 64 hexadecimal digits"):
        store.put(key, arrays())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        {"weights": np.array([{"a": 1}], dtype=object)},
        {"weights": [1.0]},
        {"../weights": np.zeros(1)},
        {"_key": np.array(OTHER)},
    ],
    ids=["objects", "a list", "a path", "our own name"],
)
def test_what_is_not_plain_arrays_is_refused_and_nothing_is_written(tmp_path, content):
    store = ForecastStore(tmp_path)

    with pytest.raises(SpecError):
        store.put(KEY, content)
    assert list(tmp_path.iterdir()) == []


# Damage


def expect_thrown_away(store: ForecastStore, path: Path, content: bytes) -> None:
    path.write_bytes(content)

    assert store.get(KEY) is None
    assert not path.exists()
    assert store.get(KEY) is None


def test_an_entry_damaged_anywhere_is_thrown_away(tmp_path):
    store = ForecastStore(tmp_path)
    store.put(KEY, arrays())
    path = only_file(tmp_path)
    whole = path.read_bytes()

    for place in range(0, len(whole), 97):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        expect_thrown_away(store, path, bytes(flipped))
        expect_thrown_away(store, path, whole[:place])
        expect_thrown_away(store, path, whole[:place] + bytes(len(whole) - place))


def text() -> bytes:
    return b"session,symbol,forecast\n"


def foreign_npz() -> bytes:
    body = io.BytesIO()
    np.savez(body, weights=np.zeros(3))
    return body.getvalue()


def sealed_foreign_npz() -> bytes:
    body = foreign_npz()
    return body + hashlib.sha256(body).digest()


def sealed_zeros() -> bytes:
    return bytes(100) + hashlib.sha256(bytes(100)).digest()


@pytest.mark.parametrize(
    "content", [text, foreign_npz, sealed_foreign_npz, sealed_zeros, bytes]
)
def test_a_file_of_another_format_is_thrown_away(tmp_path, content):
    store = ForecastStore(tmp_path)
    store.put(KEY, arrays())

    expect_thrown_away(store, only_file(tmp_path), content())


def test_another_entrys_file_under_this_name_is_not_believed(tmp_path, caplog):
    store = ForecastStore(tmp_path)
    store.put(OTHER, arrays())
    mine = tmp_path / KEY[:2] / f"{KEY}.npz"
    mine.parent.mkdir(exist_ok=True)
    shutil.copy(only_file(tmp_path), mine)

    assert store.get(KEY) is None
    assert "not that of this entry" in caplog.text
    assert store.get(OTHER) is not None


def test_a_damaged_entry_is_logged_by_name_and_can_be_stored_again(tmp_path, caplog):
    store = ForecastStore(tmp_path)
    store.put(KEY, arrays())
    only_file(tmp_path).write_bytes(b"")

    with caplog.at_level(logging.WARNING):
        store.get(KEY)
    assert f"{KEY}.npz thrown away: the file is damaged" in caplog.text

    store.put(KEY, arrays())
    assert same(store.get(KEY), arrays())


# A disk that will not


@pytest.mark.parametrize("deep", [False, True], ids=["itself", "its parent"])
def test_a_folder_that_is_a_file_is_an_output_error(tmp_path, deep):
    file = tmp_path / "file"
    file.write_text("mine")

    with pytest.raises(OutputError, match="file is not a folder; choose another"):
        ForecastStore(file / "forecasts" if deep else file)
    assert file.read_text() == "mine"


def test_a_full_disk_costs_one_warning_and_no_exception(tmp_path, caplog, monkeypatch):
    def write_half(path, content):
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    store = ForecastStore(tmp_path)
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(Path, "write_bytes", write_half)
        store.put(KEY, arrays())
        store.put(OTHER, arrays())

    assert store.problems == [
        f"{tmp_path} cannot be written to (No space left on device)"
    ]
    assert len(caplog.records) == 1
    assert store.size() == (0, 0)
    assert store.get(KEY) is None
    # As soon as there is room, it stores again.
    store.put(KEY, arrays())
    assert same(store.get(KEY), arrays())


@pytest.fixture
def closed_folder(tmp_path):
    ForecastStore(tmp_path).put(KEY, arrays())
    shelf = tmp_path / KEY[:2]
    shelf.chmod(0o500)
    tmp_path.chmod(0o500)
    try:
        if os.access(shelf, os.W_OK):
            pytest.skip("modes close no folder to the superuser, nor on Windows")
        yield tmp_path
    finally:
        tmp_path.chmod(0o700)
        shelf.chmod(0o700)


def test_a_folder_that_is_read_only_is_read_and_not_written(closed_folder, caplog):
    store = ForecastStore(closed_folder)

    store.put(OTHER, arrays())
    store.put(KEY, arrays(2.0))

    assert same(store.get(KEY), arrays())
    assert len(store.problems) == len(caplog.records) == 1
    assert "cannot be written to (Permission denied)" in store.problems[0]


def test_a_file_where_a_shelf_would_be_costs_a_warning_and_no_exception(tmp_path):
    (tmp_path / KEY[:2]).write_text("mine")
    store = ForecastStore(tmp_path)

    store.put(KEY, arrays())

    assert store.get(KEY) is None
    assert len(store.problems) == 2
    assert (tmp_path / KEY[:2]).read_text() == "mine"


def test_a_folder_where_an_entry_would_be_is_left_alone(tmp_path):
    place = tmp_path / KEY[:2] / f"{KEY}.npz"
    (place / "within").mkdir(parents=True)
    store = ForecastStore(tmp_path)

    store.put(KEY, arrays())

    assert store.get(KEY) is None
    assert store.problems
    assert store.clear() == (0, 0)
    assert (place / "within").is_dir()


def test_a_folder_deleted_while_it_is_used_is_made_again(tmp_path):
    store = ForecastStore(tmp_path / "store")
    store.put(KEY, arrays())
    shutil.rmtree(tmp_path / "store")

    assert store.get(KEY) is None
    store.put(KEY, arrays())
    assert same(store.get(KEY), arrays())
    assert store.problems == []


# Size and clear


def test_size_counts_entries_and_their_bytes(tmp_path):
    store = ForecastStore(tmp_path / "store")
    assert store.size() == (0, 0)
    for key in (KEY, OTHER):
        store.put(key, arrays())

    bytes_on_disk = sum(p.stat().st_size for p in tmp_path.rglob("*.npz"))
    assert store.size() == (2, bytes_on_disk)


def test_clear_deletes_what_size_counted(tmp_path):
    store = ForecastStore(tmp_path)
    for key in (KEY, OTHER):
        store.put(key, arrays())
    before = store.size()

    assert store.clear() == before
    assert store.size() == store.clear() == (0, 0)
    assert store.get(KEY) is None


def test_clear_leaves_everything_alone_that_is_not_the_stores(tmp_path):
    store = ForecastStore(tmp_path)
    store.put(KEY, arrays())
    shelf = tmp_path / KEY[:2]
    another_shelf = tmp_path / ("00" if KEY[:2] != "00" else "11")
    foreign = [
        tmp_path / "notes.txt",
        tmp_path / f"{KEY}.npz",
        tmp_path / "yahoo" / f"{KEY}.npz",
        tmp_path / KEY[:2].upper() / "deep" / f"{KEY}.npz",
        shelf / "notes.npz",
        shelf / f"{KEY}.npz.bak",
        shelf / f"{KEY}.tmp",
        shelf / f"{KEY}.{'x' * 32}.tmp",
        shelf / "deep" / f"{KEY}.npz",
        another_shelf / f"{KEY}.npz",
    ]
    for path in foreign:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")

    assert store.clear()[0] == 1

    assert [path for path in foreign if path.read_text() != "mine"] == []


def link(path: Path, target: Path) -> None:
    try:
        path.symlink_to(target, target_is_directory=target.is_dir())
    except OSError as error:
        pytest.skip(f"this system makes no symbolic links here ({error})")


def test_clear_follows_no_link_out_of_the_folder(tmp_path):
    inside, outside = tmp_path / "store", tmp_path / "outside"
    ForecastStore(outside).put(KEY, arrays())
    (inside / OTHER[:2]).mkdir(parents=True)
    link(inside / KEY[:2], outside / KEY[:2])
    link(inside / OTHER[:2] / f"{OTHER}.npz", only_file(outside))

    store = ForecastStore(inside)

    assert store.size() == store.clear() == (0, 0)
    assert same(ForecastStore(outside).get(KEY), arrays())


def test_a_folder_that_is_reached_by_a_link_is_cleared(tmp_path):
    (tmp_path / "real").mkdir()
    link(tmp_path / "link", tmp_path / "real")
    store = ForecastStore(tmp_path / "link")
    store.put(KEY, arrays())

    assert store.clear()[0] == 1
    assert ForecastStore(tmp_path / "real").get(KEY) is None


def test_what_cannot_be_deleted_is_an_output_error(tmp_path, monkeypatch):
    def forbidden(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    store = ForecastStore(tmp_path)
    store.put(KEY, arrays())
    monkeypatch.setattr(os, "unlink", forbidden)

    with pytest.raises(OutputError, match=r"cannot be deleted .*Permission denied"):
        store.clear()


# Several processes

spawn = multiprocessing.get_context("spawn")


def die_before_replacing(folder: Path) -> None:
    os.replace = lambda *paths: os._exit(9)
    ForecastStore(folder).put(KEY, arrays())


def die_while_writing(folder: Path) -> None:
    def write_half_and_die(path: Path, content: bytes) -> None:
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        os._exit(9)

    Path.write_bytes = write_half_and_die
    ForecastStore(folder).put(KEY, arrays())


@pytest.mark.parametrize("die", [die_while_writing, die_before_replacing])
def test_a_process_killed_while_it_writes_leaves_no_entry(tmp_path, die):
    process = spawn.Process(target=die, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == 9

    store = ForecastStore(tmp_path)
    draft = only_file(tmp_path)
    assert store.get(KEY) is None
    assert store.size() == (0, draft.stat().st_size)
    store.put(KEY, arrays())
    assert same(store.get(KEY), arrays())
    # The draft is nobody's now, and goes with the rest.
    assert draft.exists()
    assert store.clear()[0] == 1
    assert not draft.exists()


def share(folder: Path) -> None:
    store = ForecastStore(folder)
    for _ in range(10):
        for number in range(5):
            store.put(key_of(number), arrays(number))
            read = store.get(key_of(number))
            if not same(read, arrays(number)):
                os._exit(1)
    if store.problems:
        os._exit(2)


def test_two_processes_share_a_folder_without_locks(tmp_path):
    processes = [spawn.Process(target=share, args=(tmp_path,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0, 0]
    store = ForecastStore(tmp_path)
    assert store.size()[0] == 5
    for number in range(5):
        assert same(store.get(key_of(number)), arrays(number))
    assert not list(tmp_path.rglob("*.tmp"))
