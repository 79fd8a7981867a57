"""What was written is read back to the last bit, and what cannot be is said."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from results import make_result, orders, without_benchmark, without_forecasts

from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.reporting import read_run, write_run

HOSTILE = ["cash", "NA", "null", "1e5", "<b>", 'a,"b"', "a\nb", "=1+1", "é", "session"]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def with_symbol(name):
    def renamed(table):
        return table.rename(columns={"XLE": name})

    run = make_result(sessions=5)
    data = run.summary["data"] | {"symbols": [name, "XLK"]}
    return replace(
        run,
        weights=renamed(run.weights),
        positions=renamed(run.positions),
        bars=renamed(run.bars),
        orders=orders(name),
        forecasts=run.forecasts.replace("XLE", name),
        summary=run.summary | {"data": data},
    )


@pytest.mark.parametrize(
    "result",
    [
        make_result(),
        make_result(sessions=1),
        without_benchmark(),
        without_forecasts(),
        make_result(orders=orders().iloc[:0], events=make_result().events.iloc[:0]),
        *map(with_symbol, HOSTILE),
    ],
)
def test_a_run_that_is_read_and_written_again_has_the_same_bytes(result, tmp_path):
    write_run(result, tmp_path / "first")
    write_run(read_run(tmp_path / "first"), tmp_path / "second")
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


def test_frames_come_back_as_they_were(tmp_path):
    result = make_result()
    read = read_run(write_run(result, tmp_path / "run"))
    for name in ("weights", "positions", "orders", "forecasts", "bars", "events"):
        before, after = getattr(result, name), getattr(read, name)
        pd.testing.assert_frame_equal(
            before, after, check_freq=False, check_index_type=False, check_dtype=False
        )
    pd.testing.assert_frame_equal(
        read.account,
        result.account,
        check_freq=False,
        check_index_type=False,
    )


def test_what_was_paid_in_comes_back(tmp_path):
    result = make_result(sessions=5)
    account = result.account.assign(flows=[0.0, 0.0, 250.5, 0.0, -1.25])
    read = read_run(write_run(replace(result, account=account), tmp_path / "run"))
    assert read.account["flows"].to_list() == [0.0, 0.0, 250.5, 0.0, -1.25]


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(OutputError, match="nowhere is no folder; name the folder of a"):
        read_run(tmp_path / "nowhere")


FILES = [
    "summary.json",
    "equity.csv",
    "weights.csv",
    "positions.csv",
    "orders.csv",
    "forecasts.csv",
    "retrains.csv",
    "events.csv",
    "bars.npz",
]


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_missing_is_named(name, tmp_path):
    folder = write_run(make_result(sessions=5), tmp_path / "run")
    (folder / name).unlink()
    with pytest.raises(OutputError, match=r"holds no whole run \(No such file"):
        read_run(folder)


@pytest.mark.parametrize("garbage", [b"", b"\x00\xff\xfe", b"[" * 100_000, b"a,b\n1"])
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_damaged_is_refused(name, garbage, tmp_path):
    folder = write_run(make_result(sessions=5), tmp_path / "run")
    (folder / name).write_bytes(garbage)
    with pytest.raises(OutputError, match="holds no whole run"):
        read_run(folder)


def test_a_run_of_an_earlier_version_is_to_be_run_again(tmp_path):
    folder = write_run(make_result(sessions=5), tmp_path / "run")
    table = pd.read_csv(folder / "retrains.csv", dtype=str).drop(columns="origin")
    table.to_csv(folder / "retrains.csv", index=False)
    with pytest.raises(OutputError, match=r"no column origin\); run it again"):
        read_run(folder)
