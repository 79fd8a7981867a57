"""Files that read back to the same values, all of one run, or none of it."""

from __future__ import annotations

import datetime as dt
import json
import logging
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from results import make_result, orders, retrains, without_benchmark, without_forecasts

from bt_lstm_rotation.errors import OutputError, RotationError
from bt_lstm_rotation.reporting import check_folder, write_run

FILES = {
    "summary.json",
    "equity.csv",
    "weights.csv",
    "positions.csv",
    "bars.npz",
    "orders.csv",
    "forecasts.csv",
    "retrains.csv",
    "events.csv",
    "report.html",
}


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.iterdir() if path.is_file())
    return {path.name: path.read_bytes() for path in files}


def read(folder: Path, name: str, **options) -> pd.DataFrame:
    # As text: float() is exact, and pandas is in some versions only.
    return pd.read_csv(folder / name, dtype=str, **options)


def summary_of(folder: Path) -> dict:
    return json.loads((folder / "summary.json").read_text(encoding="utf-8"))


def with_summary(**parts):
    result = make_result(sessions=5)
    return replace(result, summary=result.summary | parts)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_run(make_result(), tmp_path_factory.mktemp("out") / "a" / "run")


def test_a_run_leaves_its_files_and_nothing_else(run):
    assert set(contents(run)) == FILES
    assert [path.name for path in run.parent.iterdir()] == ["run"]


def test_equity_reads_back_to_the_last_bit(run):
    table, account = read(run, "equity.csv"), make_result().account
    assert list(table.columns) == ["session", "equity", "benchmark"]
    assert list(map(dt.date.fromisoformat, table["session"])) == list(
        account.index.date
    )
    for name in ("equity", "benchmark"):
        assert list(map(float, table[name])) == account[name].tolist()


def test_equity_begins_as_anybody_would_write_it(run):
    first = (run / "equity.csv").read_bytes().split(b"\n")[:2]
    assert first == [b"session,equity,benchmark", b"2018-12-31,100000.0,100000.0"]


def test_forecasts_read_back_and_what_has_not_matured_is_empty(run):
    lines = (run / "forecasts.csv").read_text().split("\n")
    assert lines[0] == "session,symbol,forecast,realised"
    assert lines[3] == "2019-01-01,XLE,-0.02,"
    assert float(read(run, "forecasts.csv")["forecast"][1]) == 1 / 3


def test_orders_have_iso_dates_and_nothing_where_nothing_was_filled(run):
    lines = (run / "orders.csv").read_text().split("\n")
    assert lines[1].startswith("1,XLK,2018-12-31,buy,490.0,Completed,2019-01-02,490.0,")
    assert lines[2] == "2,XLE,2018-12-31,buy,480.0,Margin,,0.0,,0.0,0.0,1.0"


def test_retrains_join_their_symbols_with_a_space(run):
    table = read(run, "retrains.csv")
    assert table["symbols"].tolist() == ["XLE XLK", "XLE XLK"]
    assert table["served_by"].tolist() == ["2018-12-31", "2018-12-31"]
    assert float(table["last_loss"][0]) == 0.1 + 0.2


def test_a_fit_without_a_predecessor_is_served_by_none(tmp_path):
    table = retrains().assign(served_by=np.datetime64("NaT", "D"))
    write_run(make_result(sessions=5, retrains=table), tmp_path / "run")
    assert read(tmp_path / "run", "retrains.csv")["served_by"].isna().all()


def test_dates_are_iso_whatever_their_type(tmp_path):
    day = dt.date(2019, 1, 2)
    kinds = [day, pd.Timestamp(day), np.datetime64(day), dt.datetime(2019, 1, 2)]
    table = pd.concat([orders().iloc[:1]] * 4).assign(
        executed=pd.Series(kinds, dtype=object).to_numpy()
    )
    write_run(make_result(sessions=5, orders=table), tmp_path / "run")
    assert (
        read(tmp_path / "run", "orders.csv")["executed"].tolist() == ["2019-01-02"] * 4
    )


def test_lines_end_in_a_line_feed_on_every_system(run):
    texts = {n: content for n, content in contents(run).items() if n != "bars.npz"}
    for name, content in texts.items():
        assert b"\r" not in content, name
        assert content.endswith(b"\n"), name


def test_the_same_result_gives_the_same_bytes(run, tmp_path):
    again = write_run(make_result(), tmp_path / "again")
    assert contents(again) == contents(run)


def test_the_summary_reads_back(run):
    assert summary_of(run) == make_result().summary
    assert (run / "summary.json").read_text().startswith('{\n  "strategy": {\n')


def test_a_summary_has_null_for_nan_and_iso_dates(tmp_path):
    numbers = {
        "nan": math.nan,
        "numpy nan": np.float64("nan"),
        "float32": np.float32(0.5),
        "int64": np.int64(3),
        "bool": np.bool_(True),
        "infinite": -math.inf,
        "date": dt.date(2019, 1, 2),
        "session": pd.Timestamp("2019-01-02"),
        "no session": np.datetime64("NaT", "D"),
        "instant": dt.datetime(2019, 1, 2, 3, 4, 5),
        "tuple": ("XLE", np.float64("nan")),
        7: None,
    }
    write_run(with_summary(timing=numbers), tmp_path / "run")
    assert summary_of(tmp_path / "run")["timing"] == {
        "nan": None,
        "numpy nan": None,
        "float32": 0.5,
        "int64": 3,
        "bool": True,
        "infinite": "-inf",
        "date": "2019-01-02",
        "session": "2019-01-02",
        "no session": None,
        "instant": "2019-01-02T03:04:05",
        "tuple": ["XLE", None],
        "7": None,
    }


def test_a_value_without_a_form_in_json_does_not_lose_the_run(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        write_run(with_summary(spec={"seen": {1, 2}}), tmp_path / "run")
    assert summary_of(tmp_path / "run")["spec"] == {"seen": "<set>"}
    assert "summary.spec.seen has no form in JSON" in caplog.text


def test_a_run_without_forecasts_has_headers_without_rows(tmp_path):
    write_run(without_forecasts(), tmp_path / "run")
    for name in ("forecasts.csv", "retrains.csv", "events.csv"):
        assert (tmp_path / "run" / name).read_text().count("\n") == 1, name
    header = (tmp_path / "run" / "events.csv").read_text()
    assert header == "session,kind,symbol,detail\n"


def test_a_run_without_a_benchmark_has_an_empty_column(tmp_path):
    write_run(without_benchmark(), tmp_path / "run")
    table = read(tmp_path / "run", "equity.csv")
    assert list(table.columns) == ["session", "equity", "benchmark"]
    assert table["benchmark"].isna().all()


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        'a,"b"',
        "two\nlines",
        "session",
        "cash",
        "Übung",
        "a\rb",
        "a\r\nb",
    ],
)
def test_a_hostile_symbol_reads_back(tmp_path, name):
    result = make_result(sessions=5, orders=orders(symbol=name))
    weights = result.weights.set_axis([name, "XLK", "cash"], axis=1)
    write_run(replace(result, weights=weights), tmp_path / "run")
    assert read(tmp_path / "run", "orders.csv")["symbol"][1] == name
    header = read(tmp_path / "run", "weights.csv", header=None, nrows=1)
    assert header.iloc[0].tolist() == ["session", name, "XLK", "cash"]


def test_a_name_that_is_no_unicode_does_not_lose_the_run(tmp_path):
    # Python reads a folder's name in another encoding than its own into such text.
    name = "half \ud800"
    symbols = pd.Series([name, "XLK"], dtype=object)
    result = make_result(sessions=5, orders=orders().assign(symbol=symbols))
    data = result.summary["data"] | {"source": name}
    result = replace(result, summary=result.summary | {"data": data})
    run = write_run(result, tmp_path / "run")
    assert summary_of(run)["data"]["source"] == name
    for file in ("orders.csv", "report.html"):
        assert r"half \ud800" in (run / file).read_text("utf-8")


def test_another_run_is_kept_and_other_files_are_left_alone(tmp_path, caplog):
    write_run(make_result(), tmp_path)
    first = contents(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    for number, sessions in ((1, 5), (2, 6)):
        write_run(make_result(sessions=sessions), tmp_path)
        earlier = tmp_path / f"earlier-{number}"
        assert f"the run that was in {tmp_path} is now in {earlier}" in caplog.messages
    assert contents(tmp_path / "earlier-1") == first
    assert len(read(tmp_path / "earlier-2", "equity.csv")) == 5
    assert len(read(tmp_path, "equity.csv")) == 6
    assert (tmp_path / "notes.txt").read_text() == "mine"
    folders = {"earlier-1", "earlier-2"}
    assert {path.name for path in tmp_path.iterdir()} == FILES | {"notes.txt"} | folders


def test_the_same_run_again_replaces_itself(tmp_path, caplog):
    for seconds in (1.0, 2.0):
        write_run(with_summary(timing={"seconds": seconds}), tmp_path)
    assert set(contents(tmp_path)) == FILES
    assert summary_of(tmp_path)["timing"] == {"seconds": 2.0}
    assert not caplog.messages


@pytest.mark.parametrize("damage", ["{", "[]", "[" * 100_000, "null"])
def test_a_run_whose_summary_is_damaged_is_another_run(tmp_path, damage):
    write_run(make_result(), tmp_path)
    (tmp_path / "summary.json").write_text(damage)
    write_run(make_result(), tmp_path)
    assert (tmp_path / "earlier-1" / "summary.json").read_text() == damage


def test_the_same_figures_of_other_settings_are_another_run(tmp_path):
    write_run(with_summary(spec={"seed": 0}), tmp_path)
    write_run(with_summary(spec={"seed": 1}), tmp_path)
    assert summary_of(tmp_path / "earlier-1")["spec"] == {"seed": 0}


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write")
def test_a_folder_that_cannot_be_written_is_refused_beforehand(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        check_folder(tmp_path / "closed" / "deep" / "er")


def test_a_folder_below_a_file_is_refused_beforehand_and_nothing_is_made(tmp_path):
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file" / "below" / "it"):
        with pytest.raises(OutputError, match="choose a folder"):
            check_folder(place)
    check_folder(tmp_path / "new" / "one")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="links need a privilege on Windows")
def test_a_link_to_a_folder_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real", target_is_directory=True)
    assert write_run(make_result(sessions=5), tmp_path / "link") == tmp_path / "link"
    assert (tmp_path / "link").is_symlink()
    assert set(contents(tmp_path / "real")) == FILES


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_other_users_may_read_a_run_if_the_umask_lets_them(run):
    probe = run.parent / "probe"
    probe.mkdir()
    expected = probe.stat().st_mode
    probe.rmdir()
    assert run.stat().st_mode == expected


@pytest.mark.parametrize("below", [(), ("run",), ("deep", "run")])
def test_a_file_in_place_of_a_folder_is_named(tmp_path, below):
    (tmp_path / "taken").write_text("mine")
    folder = tmp_path.joinpath("taken", *below)
    with pytest.raises(OutputError, match=r"taken.*choose a folder"):
        write_run(make_result(sessions=5), folder)
    assert issubclass(OutputError, RotationError)
    assert contents(tmp_path) == {"taken": b"mine"}


def fail_at(call: int):
    """Replace files until the given call, which finds the disk broken."""
    calls = []

    def replace_(source, target):
        calls.append(target)
        if len(calls) == call:
            raise PermissionError(13, "in use by another program", str(target))
        os.rename(source, target)

    return replace_


@pytest.mark.parametrize("call", range(1, 10))
def test_a_move_that_fails_leaves_the_earlier_run(tmp_path, monkeypatch, call):
    write_run(make_result(), tmp_path)
    before = contents(tmp_path)
    monkeypatch.setattr(os, "replace", fail_at(call))
    with pytest.raises(OutputError, match="in use by another program"):
        write_run(make_result(sessions=5), tmp_path)
    assert contents(tmp_path) == before
    assert all(path.is_file() for path in tmp_path.iterdir())


@pytest.mark.parametrize("call", [1, 4, 8])
def test_a_move_that_fails_leaves_an_empty_folder_empty(tmp_path, monkeypatch, call):
    monkeypatch.setattr(os, "replace", fail_at(call))
    with pytest.raises(OutputError, match="in use by another program"):
        write_run(make_result(sessions=5), tmp_path)
    assert contents(tmp_path) == {}


def test_a_folder_in_place_of_a_file_leaves_everything_as_it_was(tmp_path):
    (tmp_path / "report.html").mkdir()
    (tmp_path / "equity.csv").write_text("old")
    with pytest.raises(OutputError, match="cannot be written"):
        write_run(make_result(sessions=5), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "equity.csv"}
    assert (tmp_path / "equity.csv").read_text() == "old"


@pytest.mark.parametrize("existing", [True, False])
def test_a_full_disk_leaves_the_earlier_run_or_nothing(tmp_path, monkeypatch, existing):
    folder = tmp_path / "run"
    if existing:
        write_run(make_result(), folder)
    before = contents(folder) if existing else {}

    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="No space left"):
        write_run(make_result(sessions=5), folder)
    assert (contents(folder) if existing else {}) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"] * existing


KILLED = """
import os, pathlib, sys
from results import make_result
from bt_lstm_rotation.reporting import write_run

calls = []

def killed(source, target, move=os.replace):
    calls.append(target)
    if len(calls) == int(sys.argv[2]):
        os._exit(9)
    move(source, target)

os.replace = killed
write_run(make_result(sessions=5), pathlib.Path(sys.argv[1]))
"""


def write_and_die(folder: Path, call: int) -> None:
    run = [sys.executable, "-c", KILLED, str(folder), str(call)]
    done = subprocess.run(run, cwd=Path(__file__).parent, check=False)
    assert done.returncode == 9


def test_a_killed_process_leaves_no_folder_where_there_was_none(tmp_path):
    write_and_die(tmp_path / "run", 1)
    assert not (tmp_path / "run").exists()


def test_a_killed_process_leaves_whole_files_of_the_old_run_or_of_the_new(tmp_path):
    old = contents(write_run(make_result(), tmp_path / "run"))
    new = contents(write_run(make_result(sessions=5), tmp_path / "new"))
    write_and_die(tmp_path / "run", 4)
    for name in FILES:
        assert (tmp_path / "run" / name).read_bytes() in (old[name], new[name])
    assert (tmp_path / "run" / "summary.json").read_bytes() == old["summary.json"]
    # The next run is not disturbed by what the killed one left.
    write_run(make_result(sessions=5), tmp_path / "run")
    assert {name: (tmp_path / "run" / name).read_bytes() for name in FILES} == new


def test_flows_are_written_where_there_were_any(tmp_path):
    result = make_result(3)
    write_run(result, tmp_path / "none")
    header = (tmp_path / "none" / "equity.csv").read_text().splitlines()[0]
    assert header == "session,equity,benchmark"
    account = result.account.assign(
        benchmark=[1.0, 2.0, np.nan], flows=[0.0, 0.0, 250.5]
    )
    write_run(replace(result, account=account), tmp_path / "flows")
    *_, last = (tmp_path / "flows" / "equity.csv").read_text().splitlines()
    assert last.endswith(",,250.5")
