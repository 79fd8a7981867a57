"""Finding a strategy: ours by name, anybody's by file, and every way to miss it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

import backtrader as bt
import pytest

from bt_lstm_rotation import user_code
from bt_lstm_rotation.backtest.strategy_file import (
    code_of,
    find_strategy,
    known_strategies,
)
from bt_lstm_rotation.errors import StrategyError
from bt_lstm_rotation.user_code import where_it_failed

ONE = """\
import backtrader as bt

class Mine(bt.Strategy):
    params = (("period", 20),)
"""


@pytest.fixture
def write(tmp_path):
    """Write a strategy file; return its path as text."""

    def write(source: str, name: str = "mine.py") -> str:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source, encoding="utf-8")
        return str(file)

    return write


@pytest.fixture(autouse=True)
def _no_module_is_left():
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("bt_lstm_rotation_strategy_"):
            del sys.modules[name]


def failure(text: str) -> str:
    with pytest.raises(StrategyError) as raised:
        find_strategy(text)
    return str(raised.value)


@pytest.mark.parametrize(
    ("name", "strategy"),
    [
        ("lstm_top3_monthly", "LSTMTop3Monthly"),
        ("momentum_12_1", "Momentum121"),
        ("equal_weight", "EqualWeight"),
        ("buy_and_hold", "BuyAndHold"),
        ("one_rank", "OneRank"),
        ("above_average", "AboveAverage"),
        ("study_2019", "Study2019"),
    ],
)
def test_ours_are_found_by_name(name, strategy):
    assert find_strategy(name).__name__ == strategy
    assert known_strategies()[name].name == f"{name}.py"


@pytest.mark.parametrize("end", ["", ":", ":Mine"])
def test_a_file_with_one_strategy_needs_no_class(write, end):
    found = find_strategy(write(ONE) + end)
    assert found.__name__ == "Mine"
    assert issubclass(found, bt.Strategy)


def test_of_two_strategies_in_a_file_one_is_named(write):
    two = write(f"{ONE}\nclass Other(Mine):\n    pass\n")
    assert find_strategy(f"{two}:Other").__name__ == "Other"
    message = failure(two)
    assert message.startswith("name one of the strategies in")
    assert message.endswith("known: Mine, Other")


def test_classes_that_a_file_imports_do_not_count_but_can_be_named(write):
    file = write(f"from bt_lstm_rotation import SectorRotation\n{ONE}")
    assert find_strategy(file).__name__ == "Mine"
    assert find_strategy(f"{file}:SectorRotation").__name__ == "SectorRotation"


@pytest.mark.parametrize(
    "name",
    ["my strategy.py", "größe_☂.py", "a.b.py", "sys.py", "x/y/z.py"],
)
def test_file_names_may_be_anything(write, name):
    file = write(ONE, name)
    sys_before = sys.modules["sys"]
    assert find_strategy(file).__name__ == "Mine"
    assert find_strategy(f"{file}:Mine").__name__ == "Mine"
    assert sys.modules["sys"] is sys_before


def test_a_windows_path_keeps_its_colon():
    assert failure(r"C:\gone\mine.py") == r"no strategy file 'C:\\gone\\mine.py'"
    assert failure(r"C:\gone\mine.py:Mine") == r"no strategy file 'C:\\gone\\mine.py'"


def test_a_relative_path_is_from_here(write, tmp_path, monkeypatch):
    write(ONE)
    write("x = [\n1 / 0]\n", "broken.py")
    monkeypatch.chdir(tmp_path)
    assert find_strategy("mine.py").__name__ == "Mine"
    assert "broken.py:2: ZeroDivisionError" in failure("broken.py")


def test_a_file_of_one_name_does_not_become_that_of_another(write):
    first = find_strategy(write(ONE, "one/mine.py"))
    second = find_strategy(write(ONE, "two/mine.py"))
    assert first is not second


def test_an_unknown_name_is_answered_with_the_closest():
    message = failure("momentum_12_2")
    assert "did you mean 'momentum_12_1'?" in message
    assert "or FILE.py:Class" in message


@pytest.mark.parametrize(
    "text", ["", ":", "::", "mine.txt", "mine.pyc:Mine", "\0", "a" * 5_000, "../.."]
)
def test_what_is_neither_a_name_nor_a_file_of_python_is_said_to_be_none(text):
    assert failure(text).startswith("no strategy ")


@pytest.mark.parametrize("text", ["gone.py", "\0.py", "a" * 5_000 + ".py", ".py:Mine"])
def test_a_file_that_is_not_there_is_said_to_be_missing(text):
    message = failure(text)
    assert message.startswith(("no strategy file", "no strategy '.py:Mine'"))


def test_a_folder_is_no_file(tmp_path):
    folder = tmp_path / "folder.py"
    folder.mkdir()
    assert failure(str(folder)).startswith("no strategy file")


def test_a_missing_class_is_answered_with_the_closest(write):
    message = failure(write(ONE) + ":Mone")
    assert message.startswith("no strategy 'Mone' in ")
    assert "did you mean 'Mine'?" in message


def test_a_class_that_is_no_strategy_is_not_taken_for_one(write):
    file = write(f"{ONE}\nclass Helper:\n    pass\n")
    assert failure(f"{file}:Helper").startswith("no strategy 'Helper' in ")
    assert failure(f"{file}:bt").startswith("no strategy 'bt' in ")


@pytest.mark.parametrize("source", ["", "x = 1\n", "class Mine:\n    pass\n"])
def test_a_file_without_a_strategy_is_said_to_define_none(write, source):
    assert failure(write(source)).endswith("mine.py' defines no bt.Strategy")


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ("import numpy\n\nimport no_such_module\n", ":3: ModuleNotFoundError: No mod"),
        ("from backtrader import Stratgy\n", ":1: ImportError: cannot import name"),
        ("x = 1\ny = 1 / 0\n", ":2: ZeroDivisionError: division by zero"),
        # The error is raised far below the file's own third line.
        ("import json\n\njson.loads('{')\n", ":3: JSONDecodeError: Expecting"),
        ("x = 1\nclass Mine(:\n    pass\n", ":2: SyntaxError: "),
        ("def f():\nreturn 1\n", ":2: IndentationError: expected an indented"),
        ("x = 1\nimport sys\nsys.exit(3)\n", ":3: SystemExit: 3"),
        ("raise SystemExit\n", ":1: SystemExit"),
    ],
)
def test_a_file_that_cannot_be_run_is_named_with_the_line(write, source, where):
    file = write(source)
    message = failure(file)
    assert message.startswith(f"{file!r} cannot be run: {file}{where}")
    assert "bt_lstm_rotation_strategy_mine" not in sys.modules


@pytest.mark.parametrize("content", [b"\0", b"x = '\xff'\n", b"\xff\xfe\x00"])
def test_a_file_that_is_no_text_cannot_be_run(tmp_path, content):
    file = tmp_path / "binary.py"
    file.write_bytes(content)
    assert "binary.py' cannot be run: " in failure(str(file))


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
@pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything"
)
def test_a_file_that_must_not_be_read_cannot_be_run(write):
    file = write(ONE)
    Path(file).chmod(0)
    assert "PermissionError" in failure(file)


def test_a_file_whose_code_cannot_be_read_is_named(write, monkeypatch):
    # As without permission, which the superuser always has.
    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(user_code, "code_hash", refused)
    assert "mine.py' cannot be run: PermissionError" in failure(write(ONE))


def test_ctrl_c_while_a_file_runs_is_nobodys_error(write):
    with pytest.raises(KeyboardInterrupt):
        find_strategy(write("raise KeyboardInterrupt\n"))


def test_an_error_from_nowhere_has_no_place():
    assert where_it_failed(ValueError("x"), None) == "ValueError: x"


BESIDE = """\
import backtrader as bt
from rules import PERIOD
from signals.fast import SPEED

class Mine(bt.Strategy):
    params = (("period", PERIOD + SPEED),)

    def __init__(self):
        import late
"""


@pytest.fixture
def beside(write):
    """A strategy file with neighbours, of which `unused` is not imported."""
    write("PERIOD = 20\n", "rules.py")
    write("import rules\nSPEED = rules.PERIOD\n", "signals/fast.py")
    write("", "signals/__init__.py")
    write("from signals import slow\n", "late.py")
    write("", "signals/slow.py")
    write("", "unused.py")
    return write(BESIDE)


def test_a_strategy_file_may_import_what_stands_beside_it(beside):
    assert find_strategy(beside).params.period == 40


def test_neighbours_of_one_name_in_two_folders_are_told_apart(write, beside):
    other = write(BESIDE, "other/mine.py")
    write("PERIOD = 1\n", "other/rules.py")
    write("SPEED = 1\n", "other/signals/fast.py")
    for file, period in ((beside, 40), (other, 2), (beside, 40)):
        assert find_strategy(file).params.period == period


def test_a_neighbour_that_has_changed_is_imported_again(write, beside):
    first = find_strategy(beside)
    assert find_strategy(beside) is first
    write("PERIOD = 1\n", "rules.py")
    assert find_strategy(beside).params.period == 2
    write(BESIDE.replace("+ SPEED", "+ 5 * SPEED"))
    assert find_strategy(beside).params.period == 6


def test_a_neighbour_imported_late_is_told_apart_too(write):
    late = (
        f"{ONE}\n    def period():\n        import later\n        return later.PERIOD\n"
    )
    for folder, period in (("one", 1), ("two", 2)):
        write(f"PERIOD = {period}\n", f"{folder}/later.py")
        assert find_strategy(write(late, f"{folder}/mine.py")).period() == period


def test_what_passes_for_a_module_but_is_none_is_no_neighbour(write, monkeypatch):
    # As cffi's libraries, which curl_cffi, and with it yfinance, put there.
    class Library:
        __slots__ = ()
        __class__ = ModuleType

    assert find_strategy(write(ONE, "one/mine.py"))
    monkeypatch.setitem(sys.modules, "some_library", Library())
    # Those of the other folder are forgotten, and so each module is looked at.
    assert find_strategy(write(ONE, "two/mine.py")).__name__ == "Mine"
    assert "some_library" in sys.modules


def test_a_neighbour_does_not_replace_an_installed_package(write):
    write("raise SystemExit\n", "backtrader.py")
    write("raise SystemExit\n", "filelock.py")
    assert find_strategy(write(f"import filelock\n{ONE}")).__name__ == "Mine"


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("mine.py", True),
        ("rules.py", True),
        ("signals/__init__.py", True),
        ("signals/fast.py", True),
        ("late.py", True),
        ("signals/slow.py", True),
        ("unused.py", False),
    ],
)
def test_the_code_of_a_strategy_is_its_file_and_what_that_imports(
    tmp_path, beside, name, counts
):
    before = code_of(find_strategy(beside))
    with (tmp_path / name).open("a") as source:
        source.write("# another\n")
    assert (code_of(find_strategy(beside)) != before) is counts


def test_a_neighbour_that_is_no_python_is_hashed_all_the_same(write):
    file = write(f"try:\n    import broken\nexcept SyntaxError:\n    pass\n{ONE}")
    write("def", "broken.py")
    before = code_of(find_strategy(file))
    write("def ", "broken.py")
    assert code_of(find_strategy(file)) != before
