"""What processes are sent can be read there, or it is said why not."""

from __future__ import annotations

import os
import signal
import sys
import threading
import types
from pathlib import Path

import numpy as np
import pytest
from fakes import random_panel, same_bytes
from own_files import write_own

from bt_lstm_rotation import run_backtest
from bt_lstm_rotation.backtest.strategy_file import find_strategy
from bt_lstm_rotation.errors import SourceError, StrategyError
from bt_lstm_rotation.forecasting import ForecastStore, Training, Workers, walk_forward
from bt_lstm_rotation.forecasting.walkforward.parcel import carry_out, pack, unpack

PANEL = random_panel("ABC", 60)
PROCESSES = Workers(jobs=2, backend="processes")


@pytest.fixture(autouse=True)
def _no_module_is_left():
    modules, path = set(sys.modules), list(sys.path)
    yield
    for name in set(sys.modules) - modules:
        if name.startswith(("bt_lstm_rotation_strategy_", "own_")):
            del sys.modules[name]
    assert sys.path == path


def own_spec(text):
    return find_strategy(text).params.spec


def walked(spec, workers, **how):
    return walk_forward(PANEL, spec, training=Training(workers=workers, **how))


def test_a_forecaster_of_a_users_file_gives_the_same_bytes_in_processes(tmp_path):
    strategy = find_strategy(write_own(tmp_path))
    store = ForecastStore(tmp_path / "store")
    threads, processes = (
        run_backtest(PANEL, strategy, training=Training(workers=workers, store=store))
        for workers in (Workers(jobs=2), PROCESSES)
    )
    assert processes.account.equals(threads.account)
    assert processes.forecasts.equals(threads.forecasts)
    assert len(threads.forecasts) > 100
    assert list(processes.retrains["status"]) == ["ok"] * len(threads.retrains)
    # A key would not know the code of the file.
    assert store.size() == (0, 0)


def test_files_of_the_same_names_in_two_folders_are_told_apart(tmp_path):
    rises = own_spec(write_own(tmp_path / "one"))
    one = walked(rises, PROCESSES).values
    falls = own_spec(write_own(tmp_path / "two", sign=-1.0))
    two = walked(falls, PROCESSES).values
    there = np.isfinite(one)
    assert there.any()
    assert (two[there] == -one[there]).all()
    again = own_spec(write_own(tmp_path / "one"))
    assert same_bytes(walked(again, PROCESSES).values, one)


def test_a_file_that_has_changed_since_is_named(tmp_path):
    spec = own_spec(write_own(tmp_path))
    write_own(tmp_path, sign=-1.0)  # beside it, but imported by it
    with (tmp_path / "own.py").open("a") as source:
        source.write("# another\n")
    with pytest.raises(StrategyError, match=r"own.py' is not the file the run began"):
        walked(spec, PROCESSES)


def test_a_file_that_is_gone_is_named(tmp_path):
    text = write_own(tmp_path)
    spec = own_spec(text)
    os.unlink(text)
    with pytest.raises(StrategyError, match=r"a worker needs '.*own.py' and does not"):
        walked(spec, PROCESSES)


def test_a_file_that_works_here_alone_says_why_not_there(tmp_path):
    text = write_own(tmp_path)
    with open(text, "a") as source:
        source.write(f"import os\nassert os.getpid() == {os.getpid()}, 'elsewhere'\n")
    with pytest.raises(StrategyError, match=r"own.py:\d+: AssertionError: elsewhere"):
        walked(own_spec(text), PROCESSES)


class Reader:
    """Its pickle cannot be read."""

    def __reduce__(self):
        return _unreadable, (os.getpid(),)


def _unreadable(pid):
    raise ZeroDivisionError("nobody reads this")


def same(task):
    return task


def make_reader(_):
    return Reader()


def make_lock(_):
    return threading.Lock()


def test_what_cannot_be_sent_is_one_clear_line():
    with pytest.raises(SourceError, match=r"cannot be sent.*lock.*--backend threads"):
        list(PROCESSES.map(same, [threading.Lock()]))


def test_what_cannot_be_read_there_is_not_taken_for_a_lack_of_memory():
    with pytest.raises(SourceError) as raised:
        list(PROCESSES.map(same, [Reader()]))
    assert str(raised.value) == (
        "a worker cannot read its task: ZeroDivisionError: nobody reads this"
    )


def test_a_module_that_is_only_here_is_named(monkeypatch):
    module = types.ModuleType("only_here")
    exec("class Thing:\n    pass\n", vars(module))
    monkeypatch.setitem(sys.modules, "only_here", module)
    with pytest.raises(SourceError, match="ModuleNotFoundError: No module named 'only"):
        list(PROCESSES.map(same, [module.Thing()]))


def test_what_cannot_come_back_says_so():
    with pytest.raises(SourceError, match="a worker cannot send its result: TypeError"):
        list(PROCESSES.map(make_lock, [1]))
    with pytest.raises(SourceError, match="of a worker cannot be read: ZeroDiv"):
        list(PROCESSES.map(make_reader, [1]))


def end(how):
    if isinstance(how, signal.Signals):
        os.kill(os.getpid(), how)
    os._exit(how)


@pytest.mark.skipif(os.name != "posix", reason="Windows does not say how it ended")
@pytest.mark.parametrize(
    ("how", "says"),
    [
        (3, "ended in the middle of its work, with EXIT(3)"),
        (signal.SIGTERM, "ended in the middle of its work, with SIGTERM(-15)"),
        (
            signal.SIGKILL,
            "was killed at its work, as a machine that runs out of m",
        ),
    ],
)
def test_memory_is_blamed_only_where_nothing_else_is_known(how, says):
    with pytest.raises(SourceError) as raised:
        list(PROCESSES.map(end, [how]))
    assert says in str(raised.value)


def test_a_parcel_holds_the_files_that_its_content_names_and_no_others(tmp_path):
    spec = own_spec(write_own(tmp_path))
    assert pack(same, 3).files == ()
    (file,) = pack(same, spec).files
    assert (file.module, Path(file.path)) == (
        "bt_lstm_rotation_strategy_own",
        tmp_path / "own.py",
    )
    # Here it is there already, and is not run a second time.
    assert unpack(carry_out(pack(same, spec))) == spec
    assert type(unpack(carry_out(pack(same, spec)))) is type(spec)
