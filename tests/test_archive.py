from __future__ import annotations

import hashlib
import io
import zipfile

import numpy as np
import pytest

from bt_lstm_rotation.archive import pack, unpack
from bt_lstm_rotation.errors import SpecError

# Each array with the bits that text, or a float32, would lose.
ARRAYS = {
    "float32": np.array([1 / 3, -0.0, np.inf, 1e-45], dtype="float32"),
    "float64": np.array([[1 / 3, np.nan], [5e-324, -0.0]]),
    "payload": np.array([0x7FF8000000000001], dtype="uint64").view("float64"),
    "days": np.array(["1969-12-31", "NaT", "9999-12-31"], dtype="datetime64[D]"),
    "nanoseconds": np.array([1], dtype="datetime64[ns]"),
    "spans": np.array([-1], dtype="timedelta64[25s]"),
    "text": np.array(["XLK", "", "\u00fc\U0001f4c8"]),
    "octets": np.array([b"\xff\x00\x01"]),
    "truths": np.array([True, False]),
    "big_endian": np.array([1, 256], dtype=">i8"),
    "complex": np.array([1 + 2j]),
    "scalar": np.array(7),
    "empty": np.empty((0, 3)),
}


def sealed(body: bytes) -> bytes:
    return body + hashlib.sha256(body).digest()


def npz(**arrays: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    return (one.dtype, one.shape, one.tobytes()) == (
        other.dtype,
        other.shape,
        other.tobytes(),
    )


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_comes_back_to_the_last_bit(name):
    assert same_bits(unpack(pack({name: ARRAYS[name]}))[name], ARRAYS[name])


def test_many_arrays_come_back_in_their_order():
    assert list(unpack(pack(ARRAYS))) == list(ARRAYS)
    assert unpack(pack({})) == {}


def test_arrays_that_are_views_come_back_as_what_they_show():
    square = np.arange(12.0).reshape(3, 4)

    read = unpack(pack({"across": square.T, "every_other": square[:, ::-2]}))

    np.testing.assert_array_equal(read["across"], square.T)
    np.testing.assert_array_equal(read["every_other"], [[3, 1], [7, 5], [11, 9]])


def test_what_comes_back_can_be_written_to():
    read = unpack(pack({"weights": np.zeros(2)}))["weights"]
    read[0] = 1.0
    assert read.tolist() == [1.0, 0.0]


def test_the_same_arrays_give_the_same_bytes():
    assert pack(ARRAYS) == pack({name: array.copy() for name, array in ARRAYS.items()})


def test_numpy_alone_reads_it():
    with np.load(io.BytesIO(pack(ARRAYS)), allow_pickle=False) as arrays:
        assert arrays["text"].tolist() == ["XLK", "", "\u00fc\U0001f4c8"]


def test_what_numpy_wrote_is_read():
    # The files of the bars' cache were written so.
    assert unpack(sealed(npz(close=np.array([1.5]))))["close"].tolist() == [1.5]


@pytest.mark.parametrize("name", ["file", "allow_pickle", "args", "arr_0", "\u00e9"])
def test_a_name_that_means_something_to_numpy_is_a_name(name):
    assert unpack(pack({name: np.array(1)})) == {name: 1}


@pytest.mark.parametrize(
    "name", ["", "a.npy", "../a", "/etc/passwd", "a/b", "a\\b", "a b", "1", "a\0", 1]
)
def test_a_name_that_is_no_identifier_is_refused(name):
    with pytest.raises(SpecError, match="must be an identifier"):
        pack({name: np.array(1)})


@pytest.mark.parametrize(
    "array",
    [
        np.array([{"a": "dict"}], dtype=object),
        np.array([(1, None)], dtype=[("a", "i8"), ("b", "O")]),
        np.array([(1, 2.0)], dtype=[("a", "i8"), ("b", "f8")]),
        np.array(["a"], dtype=np.dtypes.StringDType()),
        np.ma.array([1.0, 2.0], mask=[True, False]),
        np.float64(1.0),
        [1.0, 2.0],
        "text",
        None,
    ],
    ids=lambda array: f"{type(array).__name__} {getattr(array, 'dtype', '')}",
)
def test_what_is_no_plain_array_is_refused_and_not_pickled(array):
    with pytest.raises(SpecError, match="weights must be a NumPy array of truths"):
        pack({"weights": array})


def test_every_flipped_bit_is_noticed():
    whole = pack({"weights": np.arange(3.0)})

    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        with pytest.raises(ValueError, match="damaged"):
            unpack(bytes(damaged))


def test_every_cut_is_noticed():
    whole = pack({"weights": np.arange(3.0)})

    for length in range(len(whole)):
        with pytest.raises(ValueError, match="damaged"):
            unpack(whole[:length])
    with pytest.raises(ValueError, match="damaged"):
        unpack(whole + b"\0")


def compressed() -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, weights=np.zeros(1000))
    return content.getvalue()


def with_member(content: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("weights.npy", content)
    return archive.getvalue()


def encrypted() -> bytes:
    # The first bit of the flags, in the local header and in the directory.
    body = bytearray(with_member(b""))
    body[6] |= 1
    body[body.index(b"PK\x01\x02") + 8] |= 1
    return bytes(body)


def one_array() -> bytes:
    content = io.BytesIO()
    np.save(content, np.zeros(3))
    return content.getvalue()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "not an archive"),
        (b"\0" * 4096, "not an archive"),
        (b"PK\x03\x04", "not an archive"),
        (one_array(), "not an archive"),
        (compressed(), "not plain"),
        (encrypted(), "not plain"),
        (with_member(b""), "EOF"),
        (with_member(b"no array"), "magic string"),
        (with_member(one_array()[:-1]), "not plain"),
        (npz(weights=np.array([{"a": 1}], dtype=object)), "not plain"),
    ],
    ids=[
        "empty",
        "zeros",
        "the start of a zip",
        "npy",
        "compressed",
        "encrypted",
        "an empty member",
        "a text member",
        "a short member",
        "pickled",
    ],
)
def test_a_sealed_file_that_is_not_ours_is_a_value_error(body, problem):
    with pytest.raises(ValueError, match=problem):
        unpack(sealed(body))
