from __future__ import annotations

import dataclasses
import enum
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import bt_lstm_rotation
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting import ForecastSpec, MomentumSpec
from bt_lstm_rotation.forecasting.store import content_key as content_key_module
from bt_lstm_rotation.forecasting.store.content_key import content_key, source_hash

ROOT = Path(bt_lstm_rotation.__file__).parent

# Nothing of these is another of them; many are equal to Python, or look alike.
DIFFERENT = [
    (),
    (None,),
    (None, None),
    ((),),
    ((None,),),
    ("",),
    ("", ""),
    (b"",),
    ("a", "b"),
    ("b", "a"),
    ("ab",),
    ("ab", ""),
    ("", "ab"),
    (("a", "b"),),
    (("a",), "b"),
    ("a", ("b",)),
    ("None",),
    ("1",),
    (b"1",),
    (1,),
    (-1,),
    (True,),
    (1.0,),
    (0,),
    (False,),
    (0.0,),
    (-0.0,),
    (float("nan"),),
    (10**5000,),
    (np.int64(1),),
    (np.int32(1),),
    (np.float64(1),),
    (np.bool_(True),),
    (np.str_("a"),),
    (np.datetime64("2024-01-02", "D"),),
    (np.datetime64("2024-01-02", "ns"),),
    (np.datetime64("NaT", "D"),),
    (np.timedelta64(1, "D"),),
    (np.array(1),),
    (np.array([1]),),
    (np.array([1], dtype="int32"),),
    (np.array([1], dtype=">i8"),),
    (np.array([1.0]),),
    (np.array([True]),),
    (np.array([1], dtype="uint8"),),
    (np.array(["a"]),),
    (np.array(["a"], dtype="<U2"),),
    (np.array([b"a"]),),
    (np.array([1], dtype="datetime64[D]"),),
    (np.array([1], dtype="datetime64[ns]"),),
    (np.arange(6.0),),
    (np.arange(6.0).reshape(2, 3),),
    (np.arange(6.0).reshape(3, 2),),
    (np.arange(6.0).reshape(3, 2).T,),
    (np.arange(3.0), np.arange(3.0, 6.0)),
    (np.empty((0, 3)),),
    (np.empty((3, 0)),),
    (np.empty(0, dtype="float32"),),
    (ForecastSpec(),),
    (ForecastSpec(seed=1),),
    (ForecastSpec(units=31),),
    (ForecastSpec(features=("log_return",)),),
    (ForecastSpec(features=("relative_return", "log_return")),),
    (MomentumSpec(),),
    (MomentumSpec(), ForecastSpec()),
    (ForecastSpec(), MomentumSpec()),
]


def test_no_two_of_many_parts_that_look_alike_share_a_key():
    keys = [content_key("fit", *parts) for parts in DIFFERENT]

    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in keys)
    assert len(set(keys)) == len(DIFFERENT)


def test_the_same_parts_made_again_have_the_same_key():
    for parts in DIFFERENT:
        again = tuple(made_again(part) for part in parts)
        assert content_key("fit", *again) == content_key("fit", *parts)


def made_again(part: object) -> object:
    if isinstance(part, np.ndarray):
        return part.copy()
    return dataclasses.replace(part) if dataclasses.is_dataclass(part) else part


def test_the_kind_is_part_of_the_key_and_no_other_part():
    assert content_key("fit") != content_key("forecast")
    assert content_key("fit", "forecast") != content_key("forecast", "fit")
    assert content_key("fit", "x") != content_key("fitx")


def test_every_bit_of_an_array_counts():
    bars = np.array([100.0, 101.5])
    keys = {content_key("fit", bars)}
    for bit in range(128):
        flipped = bars.copy()
        flipped.view("uint64")[bit // 64] ^= np.uint64(1 << bit % 64)
        keys.add(content_key("fit", flipped))

    assert len(keys) == 129


def test_how_an_array_lies_in_memory_does_not_count():
    bars = np.arange(12.0).reshape(3, 4)

    assert content_key("fit", np.asfortranarray(bars)) == content_key("fit", bars)
    assert content_key("fit", bars[:, ::2]) == content_key("fit", bars[:, ::2].copy())


@pytest.mark.parametrize(
    "name", [field.name for field in dataclasses.fields(ForecastSpec)]
)
def test_every_setting_of_a_spec_counts(name):
    spec = ForecastSpec()
    other = dataclasses.replace(spec)
    # Past its validation, as some settings have but one valid value.
    object.__setattr__(other, name, "another")

    assert content_key("fit", other) != content_key("fit", spec)


def test_two_classes_with_the_same_name_and_fields_have_two_keys():
    @dataclass(frozen=True)
    class Mine:
        lookback: int = 1

    first = Mine()

    @dataclass(frozen=True)
    class Mine:
        lookback: int = 1

    Mine.__module__ = "another"
    assert content_key("fit", first) != content_key("fit", Mine())


def test_text_that_no_encoding_holds_has_a_key():
    assert content_key("fit", "\ud800") != content_key("fit", "\udfff")


class Side(enum.IntEnum):
    LONG = 1


def test_a_kind_of_int_is_not_that_int():
    assert content_key("fit", Side.LONG) != content_key("fit", 1)


@dataclass(frozen=True)
class Odd:
    value: object


@pytest.mark.parametrize(
    "part",
    [
        object(),
        [1, 2],
        {"a": 1},
        {1, 2},
        len,
        ForecastSpec,
        1j,
        np.array([None]),
        np.array(["a"], dtype=np.dtypes.StringDType()),
        np.array([(1,)], dtype=[("a", "i8")]),
        np.ma.array([1.0], mask=[True]),
        np.void(b"a"),
        Odd([1]),
        (("deep", [1]),),
    ],
    ids=lambda part: type(part).__name__,
)
def test_a_part_whose_content_is_not_known_is_refused(part):
    with pytest.raises(SpecError, match="a part must be None, str, bytes"):
        content_key("fit", part)


def keys_in(folder: Path, *, hash_seed: str = "1") -> list[str]:
    """The keys of a fit and of a trial, by the copy of the package in a folder."""
    code = (
        "from bt_lstm_rotation.forecasting import ForecastSpec\n"
        "from bt_lstm_rotation.forecasting.store import content_key as keys\n"
        "print(keys.content_key('fit', ForecastSpec(), ('XLK', 'XLE')))\n"
        "print(keys.source_hash(keys.PACKAGE))"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONHASHSEED": hash_seed},
    )
    return ran.stdout.split()


@pytest.fixture
def copy(tmp_path) -> Path:
    """A copy of the package, in which the code may be changed."""
    copy = tmp_path / "bt_lstm_rotation"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def test_other_processes_have_the_same_keys_until_the_code_changes(copy):
    keys = keys_in(copy.parent)
    again = keys_in(copy.parent, hash_seed="2")
    with (copy / "forecasting" / "baselines" / "momentum.py").open("a") as source:
        source.write("# another\n")
    changed = keys_in(copy.parent)

    assert again == keys
    assert [len(key) for key in keys] == [64, 64]
    assert not set(changed) & set(keys)


def test_a_fit_does_not_depend_on_code_that_no_forecast_is_made_by(copy):
    fit, package = keys_in(copy.parent)
    with (copy / "rebalancing" / "margin.py").open("a") as source:
        source.write("# another\n")
    same_fit, other_package = keys_in(copy.parent)

    assert same_fit == fit
    assert other_package != package


FORECASTING = sorted(ROOT.glob("forecasting/**/*.py"))


def test_every_source_file_of_a_place_counts_wherever_it_lies(copy, monkeypatch):
    monkeypatch.setattr(content_key_module, "PACKAGE", copy)
    places = copy / "forecasting", copy / "periods.py"
    seen = {source_hash(*places)}
    files = [copy / file.relative_to(ROOT) for file in FORECASTING]
    for file in [*files, copy / "periods.py"]:
        with file.open("a") as source:
            source.write("# another\n")
        seen.add(source_hash(*places))
    assert len(seen) == len(files) + 2 > 15


def test_a_file_in_a_new_folder_counts_and_so_does_where_it_lies(copy, monkeypatch):
    monkeypatch.setattr(content_key_module, "PACKAGE", copy)
    room = copy / "forecasting"
    seen = {source_hash(room)}
    for place in ("", "new", "new/newer"):
        (room / place).mkdir(exist_ok=True)
        new = room / place / "added.py"
        new.touch()
        seen.add(source_hash(room))
        new.unlink()
    assert len(seen) == 4
