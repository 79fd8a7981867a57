"""Entries with the right checksum and the wrong inside: noticed, said, made again."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from fakes import random_panel, same_bytes

from bt_lstm_rotation.archive import pack, unpack
from bt_lstm_rotation.forecasting import (
    ForecastSpec,
    ForecastStore,
    Training,
    Workers,
    walk_forward,
)
from bt_lstm_rotation.prices.cache import BarsCache

SPEC = ForecastSpec(lookback=5, train_size=40, horizon=2, units=3, steps=1)
PANEL = random_panel("ABC", 90)


def sealed(body: bytes) -> bytes:
    return body + hashlib.sha256(body).digest()


def zipped(member: bytes, name: str = "weights.npy") -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as members:
        members.writestr(name, member)
    return body.getvalue()


def npy(header: str, data: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def header(descr: str, shape: str) -> str:
    return f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"


def of_zip_version(number: int) -> bytes:
    body = bytearray(zipped(npy(header("<f8", "(1,)"), bytes(8))))
    entry = body.index(b"PK\x01\x02")
    body[entry + 6 : entry + 8] = struct.pack("<H", number)
    return bytes(body)


def deflated() -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr("weights.npy", npy(header("<f8", "(1,)"), bytes(8)))
    return body.getvalue()


NO_ARCHIVES = {
    "8 terabytes": zipped(npy(header("<f8", "(1000000000000,)"), bytes(8))),
    "more numbers than there are": zipped(npy(header("<f8", "(3,)"), bytes(16))),
    "fewer numbers than there are": zipped(npy(header("<f8", "(1,)"), bytes(16))),
    "less than none": zipped(npy(header("<f8", "(-1, -1)"), bytes(8))),
    "objects": zipped(npy(header("|O", "(1,)"), bytes(8))),
    "a header that is code": zipped(npy("__import__('os')", bytes(8))),
    "a header of brackets": zipped(npy("(" * 5_000, bytes(8))),
    "no header": zipped(b"\x93NUMPY"),
    "an array of another version": zipped(b"\x93NUMPY\x09\x00\x00\x00"),
    "no array": zipped(b"weights"),
    "nothing": zipped(b""),
    "an unknown zip version": of_zip_version(255),
    "packed": deflated(),
    "text": b"weights" * 50,
    "no byte": b"",
}


@pytest.mark.parametrize("body", NO_ARCHIVES.values(), ids=NO_ARCHIVES)
def test_no_archive_is_anything_but_a_value_error(body):
    with pytest.raises(ValueError, match=r"\w"):
        unpack(sealed(body))


def changed(name, change):
    """Return an entry's arrays with one of them changed."""
    return lambda arrays: arrays | {name: change(arrays[name])}


def without(name):
    return lambda arrays: {n: a for n, a in arrays.items() if n != name}


FITS = {
    "no arrays": lambda arrays: {},
    "other names": lambda arrays: {f"{n}_": a for n, a in arrays.items()},
    "no losses": without("losses"),
    "no loss": changed("losses", lambda a: a[:0]),
    "no weights": without("weights"),
    "another width": changed("weights", lambda a: a[..., :-1]),
    "another ensemble": changed("weights", lambda a: np.repeat(a, 2, axis=1)),
    "an axis less": changed("weights", lambda a: a[0]),
    "a number": changed("weights", lambda a: np.array(1.0, "f4")),
    "double precision": changed("weights", lambda a: a.astype("f8")),
    "text": changed("weights", lambda a: a.astype("U8")),
    "NaN": changed("weights", lambda a: a * np.float32("nan")),
    "dates": changed("scalers", lambda a: a.astype("datetime64[D]")),
    "another scaler": changed("scalers", lambda a: a[:, 1:]),
}
FORECASTS = {
    "no arrays": lambda arrays: {},
    "another name": lambda arrays: {"value": arrays["values"]},
    "another session": changed("values", lambda a: a[:, 1:]),
    "another symbol": changed("values", lambda a: a[..., 1:]),
    "no member": changed("values", lambda a: a[:0]),
    "an infinite one": changed("values", lambda a: a + np.inf),
    "text": changed("values", lambda a: a.astype("U8")),
    "single precision": changed("values", lambda a: a.astype("f4")),
    "a number": changed("values", lambda a: np.array(1.0)),
}


def entries(store: ForecastStore) -> dict[str, list[Path]]:
    """Kind -> the files of its entries."""
    found: dict[str, list[Path]] = {"fit": [], "forecast": []}
    for file in sorted(store.folder.rglob("*.npz")):
        kind = "fit" if "weights" in unpack(file.read_bytes()) else "forecast"
        found[kind].append(file)
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A store of three fits and their forecasts, and these."""
    store = ForecastStore(tmp_path_factory.mktemp("store"))
    # Of a random walk there is nothing to find, and fits drift: that is not told here.
    training = Training(workers=Workers(jobs=1), store=store, drift_limit=None)
    return store, training, walk_forward(PANEL, SPEC, training=training).values


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        *(pytest.param("fit", c, id=f"fit, {name}") for name, c in FITS.items()),
        *(pytest.param("forecast", c, id=name) for name, c in FORECASTS.items()),
    ],
)
def test_an_entry_that_is_none_is_thrown_away_and_made_again(
    made, caplog, kind, change
):
    store, training, values = made
    file = entries(store)[kind][1]
    whole = unpack(file.read_bytes())
    own = {"_key": whole.pop("_key")}
    file.write_bytes(pack(change(whole) | own))
    again = walk_forward(PANEL, SPEC, training=training)
    assert same_bytes(again.values, values)
    (warning,) = caplog.messages
    assert warning.startswith(f"stored forecast {file} thrown away: ")
    assert len(warning) < len(str(file)) + 400
    origins = [fit.origin for fit in again.fits]
    assert origins.count("trained") == (kind == "fit")
    restored = unpack(file.read_bytes())
    assert restored.keys() == whole.keys() | own.keys()
    assert all(restored[n].tobytes() == whole[n].tobytes() for n in whole)


@pytest.mark.parametrize("body", NO_ARCHIVES.values(), ids=NO_ARCHIVES)
def test_an_entry_that_is_no_archive_is_thrown_away_and_made_again(made, caplog, body):
    store, training, values = made
    file = entries(store)["fit"][0]
    file.write_bytes(sealed(body))
    assert same_bytes(walk_forward(PANEL, SPEC, training=training).values, values)
    assert len(caplog.messages) == 1


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"version": np.array([1, 2])},
        {"version": np.array("one")},
        {"version": np.array(1), "symbol": np.array("XLK")},
        *(
            {
                "version": np.array(1),
                "symbol": np.array("XLK"),
                "covered": np.array(covered, dtype=kind),
                "sessions": np.array(sessions, dtype=kind),
                "bars": np.array(bars),
            }
            for covered, sessions, bars, kind in (
                (["NaT", "NaT"], ["2020-01-02"], np.ones((1, 6)), "M8[D]"),
                (["2020-01-02"] * 3, ["2020-01-02"], np.ones((1, 6)), "M8[D]"),
                (["2020-01-02"] * 2, ["NaT"], np.ones((1, 6)), "M8[D]"),
                (["2020-01-02"] * 2, ["2020-01-02"] * 2, np.ones((2, 6)), "M8[D]"),
                (["2020-01-02"] * 2, [], np.ones((0, 6)), "M8[D]"),
                (["2020-01-02"] * 2, ["2020-01-02"], np.ones((1, 5)), "M8[D]"),
                (["2020-01-02"] * 2, ["2020-01-02"], [["x"] * 6], "M8[D]"),
                (["2020-01-02"] * 2, ["2020-01-02"], np.ones((1, 6)), "M8[s]"),
                ([1, 2], [1], np.ones((1, 6)), "f8"),
            )
        ),
    ],
    ids=range(13),
)
def test_so_are_cached_bars(tmp_path, caplog, arrays):
    cache = BarsCache(tmp_path)
    cache.path("XLK").write_bytes(pack(arrays))
    with cache.locked("XLK"):
        assert cache.read("XLK") is None
    (warning,) = caplog.messages
    assert warning.startswith("XLK: cached bars thrown away: ")
    assert not cache.path("XLK").exists()
