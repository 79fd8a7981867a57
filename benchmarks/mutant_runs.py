"""Tests run on mutants, in forks of a process that has collected them.

No mutant is written to disk. A process collects a room's tests and forks for every
mutant; the child takes the mutated function's code over and runs the tests that reach
the statement, the quickest first. What is outside of functions is imported anew.
"""

from __future__ import annotations

import ast
import functools
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

# A fork has no threads; BLAS reads this when it is imported.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
# Finding the plugins of everything installed takes longer than most tests.
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"

# Imported once, for all children.
import backtrader  # noqa: F401
import coverage
import matplotlib.pyplot  # noqa: F401
import pytest
import pytest_timeout  # noqa: F401
import scipy.stats  # noqa: F401
from forks import in_child
from mutants import PACKAGE, Mutant

__all__ = ["reaches", "survivors"]

# Seconds. Slower tests are left out: hundreds of faults wait for each.
SLOW = 5.0


@dataclass(frozen=True)
class Reach:
    """Which tests reach which lines of a module, and how long each takes."""

    tree: ast.Module
    by_line: dict[int, set[str]]
    seconds: dict[str, float]

    def function(self, line: int) -> str:
        """Qualified name of the outermost function around a line; empty if none."""
        name, nodes = "", self.tree.body
        while True:
            for node in nodes:
                if node.lineno <= line <= node.end_lineno:
                    break
            else:
                return ""
            if isinstance(node, ast.FunctionDef):
                inside = node.body[0].lineno <= line
                return name + node.name if inside else ""
            if not isinstance(node, ast.ClassDef):
                return ""
            name, nodes = f"{name}{node.name}.", node.body

    def tests(self, line: int) -> list[str]:
        """Tests that run the statement around a line, the quickest first."""
        if self.function(line):
            *_, innermost = (
                node
                for node in ast.walk(self.tree)
                if isinstance(node, ast.stmt) and node.lineno <= line <= node.end_lineno
            )
            lines = range(innermost.lineno, innermost.end_lineno + 1)
            if body := getattr(innermost, "body", []):
                lines = range(innermost.lineno, body[0].lineno)
            found = set().union(*(self.by_line.get(number, ()) for number in lines))
        else:  # what is run at import may be felt anywhere
            found = set(self.seconds)
        found = {test for test in found if self.seconds[test] < SLOW}
        return sorted(found, key=lambda test: (self.seconds[test], test))


class Watch:
    """A plugin of pytest that measures which lines each test reaches."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._coverage = coverage.Coverage(
            data_file=None, include=[str(file) for file in files], config_file=False
        )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
        """Measure one test."""
        self._coverage.switch_context(item.nodeid)
        began = time.process_time()
        result = yield
        self.seconds[item.nodeid] += time.process_time() - began
        return result

    def run(self, tests: Sequence[str]) -> int:
        """Run tests; returns pytest's exit status, 0 if all have passed."""
        self._coverage.start()
        status = _pytest(tests, self)
        self._coverage.stop()
        return status

    def by_line(self, file: Path) -> dict[int, set[str]]:
        """Return line -> tests."""
        found = self._coverage.get_data().contexts_by_lineno(str(file))
        return {line: {*names} - {""} for line, names in found.items()}


class Limited:
    """A plugin of pytest that ends the process if a test takes ten times as long.

    Time is the process's own, so that a busy machine kills no mutant.
    """

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: Any) -> None:
        """Give one test its time."""
        _allow(5 + 10 * self._reach.seconds[item.nodeid])


def _allow(seconds: float) -> None:
    until = int(time.process_time() + seconds) + 1
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (until, most))


class InFunctions(Limited):
    """A plugin of pytest that runs the tests of mutated functions, each in a fork."""

    def __init__(self, faults: Sequence[Mutant], reach: Reach) -> None:
        super().__init__(reach)
        self.killed: list[bool] = []
        self._faults = faults
        self._failed = False

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note whether any test has failed."""
        self._failed |= report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        """Take the place of pytest's own loop."""
        items = {item.nodeid: item for item in session.items}
        for fault in self._faults:
            tests = self._reach.tests(fault.line)
            work = functools.partial(self._fails, fault, [items[t] for t in tests])
            self.killed.append(in_child(work) is not False)
        return True

    def _fails(self, fault: Mutant, items: Sequence[Any]) -> bool:
        _take_over(fault, self._reach.function(fault.line))
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._failed:
                return True
        return False


def _take_over(fault: Mutant, qualified: str) -> None:
    found: Any = sys.modules[_module_name(fault.module)]
    for name in qualified.split("."):
        found = vars(found)[name]
    for inner in ("__func__", "fget", "func", "__wrapped__"):  # what decorators wrap
        found = getattr(found, inner, found)
    (code,) = (
        code
        for code in _codes(compile(fault.source, found.__code__.co_filename, "exec"))
        if code.co_qualname == qualified
    )
    found.__code__ = code


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


class AtImport(Limited, importlib.abc.MetaPathFinder):
    """Imports one module from a source of its own, and has tests run on that.

    It is a plugin of pytest, too.
    """

    def __init__(self, fault: Mutant, reach: Reach) -> None:
        super().__init__(reach)
        self._fault = fault
        tests = reach.tests(fault.line)
        self._rank = {test: number for number, test in enumerate(tests)}

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        """Find the mutated module, and leave all others to Python."""
        if name != _module_name(self._fault.module):
            return None
        file = str(PACKAGE / self._fault.module)
        code = compile(self._fault.source, file, "exec")

        class Loader(importlib.machinery.SourceFileLoader):
            def get_code(self, fullname: str) -> Any:
                return code

        loader = Loader(name, file)
        return importlib.util.spec_from_file_location(name, file, loader=loader)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Keep the tests wanted, in their order."""
        items[:] = [item for item in items if item.nodeid in self._rank]
        items.sort(key=lambda item: self._rank[item.nodeid])

    def fails(self) -> bool:
        """Run the tests."""
        _allow(60)  # to import it
        sys.meta_path.insert(0, self)
        return _pytest([*{test.partition("::")[0] for test in self._rank}], self) != 0


def _module_name(module: str) -> str:
    return ".".join([PACKAGE.name, *module.removesuffix(".py").split("/")])


def _pytest(tests: Sequence[str], plugin: object) -> int:
    options = ["-x", "-q", "--tb=no", "--assert=plain", "-p", "no:cacheprovider"]
    return int(pytest.main([*options, "-p", "pytest_timeout", *tests], [plugin]))


def reaches(modules: Sequence[str], tests: Sequence[str]) -> dict[str, Reach]:
    """Run a room's tests without any fault, and see which lines each reaches."""
    files = {module: PACKAGE / module for module in modules}

    def work() -> Any:
        watch = Watch(list(files.values()))
        if watch.run(tests):
            return None
        return [watch.by_line(file) for file in files.values()], dict(watch.seconds)

    found = in_child(work)
    if found is None:
        raise SystemExit(f"error: {' '.join(tests)} must pass as the code is")
    by_line, seconds = found
    return {
        module: Reach(ast.parse(file.read_text("utf-8")), lines, seconds)
        for (module, file), lines in zip(files.items(), by_line, strict=True)
    }


def survivors(
    faults: Sequence[Mutant], reach: Reach, tests: Sequence[str]
) -> list[Mutant]:
    """Return the mutants of a module that no test notices."""
    inside = [fault for fault in faults if reach.function(fault.line)]

    def work() -> list[bool]:
        plugin = InFunctions(inside, reach)
        _pytest(tests, plugin)
        return plugin.killed

    killed = in_child(work)
    if killed is None or len(killed) != len(inside):
        raise SystemExit(f"error: {' '.join(tests)} could not be collected")
    left = [fault for fault, dead in zip(inside, killed, strict=True) if not dead]
    for fault in faults:
        outside = not reach.function(fault.line)
        if outside and in_child(AtImport(fault, reach).fails) is False:
            left.append(fault)
    return sorted(left, key=lambda fault: fault.line)
