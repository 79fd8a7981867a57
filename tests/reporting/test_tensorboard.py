"""Trainings for TensorBoard: read back by TensorFlow's own reader."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.reporting import tensorboard
from bt_lstm_rotation.reporting.tensorboard import FILE, write_tensorboard

SESSIONS = pd.to_datetime(["2019-01-02", "2019-02-01"])


def retrains(**columns):
    plain = {
        "session": SESSIONS,
        "first_loss": [1.0, 0.9],
        "last_loss": [0.8, 0.7],
        "drift": [math.nan, 0.25],
        "clipped": [0.0, 0.5],
        "losses": [(1.0, 0.8), (0.9, 0.7)],
        "held_out_losses": [(), (1.25, 1.5)],
        "gradient_norms": [(2.0, 1e300), (3.0, math.inf)],
    }
    return pd.DataFrame(plain | columns)


@pytest.mark.parametrize(
    ("data", "crc"),
    # RFC 3720, appendix B.4.
    [
        (bytes(32), 0x8A9136AA),
        (bytes([0xFF] * 32), 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_the_checksum_is_that_of_its_standard(data, crc):
    masked = (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
    assert tensorboard._masked_crc(data) == masked.to_bytes(4, "little")


def read(tf, file):
    """Scalars of a file, by TensorFlow, which checks every record."""
    found = []
    for record in tf.data.TFRecordDataset(str(file)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        found += [
            (event.wall_time, event.step, value.tag, value.simple_value)
            for value in event.summary.value
        ]
    return found


@pytest.mark.slow
def test_tensorflow_reads_what_was_written(tmp_path):
    tf = pytest.importorskip("tensorflow")
    assert write_tensorboard(retrains(), tmp_path / "board") == 2
    first = read(tf, tmp_path / "board" / "2019-01-02" / FILE)
    when = SESSIONS[0].timestamp()
    assert first == [
        (when, 1, "loss/training", 1.0),
        (when, 2, "loss/training", pytest.approx(0.8)),
        (when, 1, "gradient/norm", 2.0),
        (when, 2, "gradient/norm", math.inf),
    ]
    second = read(tf, tmp_path / "board" / "2019-02-01" / FILE)
    assert (SESSIONS[1].timestamp(), 2, "loss/held out", 1.5) in second
    fits = read(tf, tmp_path / "board" / "fits" / FILE)
    assert [one[1:] for one in fits if one[2] == "drift"] == [(1, "drift", 0.25)]
    assert (when, 0, "gradient/clipped", 0.0) in fits


def test_the_same_fits_leave_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        write_tensorboard(retrains(), tmp_path / name)
    files = sorted((tmp_path / "first").rglob("*tfevents*"))
    assert len(files) == 3
    for file in files:
        twin = tmp_path / "second" / file.relative_to(tmp_path / "first")
        assert file.read_bytes() == twin.read_bytes()


def test_fits_that_took_no_step_have_no_run(tmp_path):
    quiet = retrains(gradient_norms=[(), ()])
    assert write_tensorboard(quiet, tmp_path / "board") == 0
    assert [entry.name for entry in (tmp_path / "board").iterdir()] == ["fits"]


def test_nothing_that_is_there_is_written_over(tmp_path):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(OutputError, match="empty one"):
        write_tensorboard(retrains(), tmp_path)
    with pytest.raises(OutputError, match="empty one"):
        write_tensorboard(retrains(), tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.slow
def test_a_backtest_leaves_its_trainings_where_it_is_told(tmp_path, monkeypatch):
    from bt_lstm_rotation.cli import main

    monkeypatch.chdir(tmp_path)
    small = "lookback=10 horizon=3 train_size=60 units=4 steps=2"
    settings = [word for one in small.split() for word in ("--set", one)]
    known = ["--symbols", "S1,S2", "--start", "2011-06-01", "--no-ledger", "--quiet"]
    code = main([*known, *settings, "--out", "run", "--tensorboard", "board"])
    assert code == 0
    windows = sorted(entry.name for entry in (tmp_path / "board").iterdir())
    assert windows[-1] == "fits"
    table = pd.read_csv(tmp_path / "run" / "retrains.csv")
    assert windows[:-1] == sorted(table["session"])
    assert (table["gradient_norms"].str.split().map(len) == 2).all()
    assert main([*known, *settings, "--out", "run", "--tensorboard", "board"]) == 2
