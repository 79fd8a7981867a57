"""Find a strategy: one of ours by name, or a class in anybody's file."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import backtrader as bt

from bt_lstm_rotation.errors import RotationError, StrategyError, closest

__all__ = ["code_of", "find_strategy", "known_strategies", "strategy_errors"]

# An installed package carries its strategies; in a checkout they stand beside it.
PACKAGE = Path(__file__).parents[1]
FOLDERS = (PACKAGE / "strategies", PACKAGE.parent / "strategies")

# Folder of a strategy file -> the modules beside it that it imported, latest last.
_neighbours: dict[str, set[str]] = {}


def known_strategies() -> dict[str, Path]:
    """Return the strategies that come with the package: name -> file."""
    folder = next((folder for folder in FOLDERS if folder.is_dir()), None)
    if folder is None:
        return {}
    return {file.stem: file for file in sorted(folder.glob("[a-z]*.py"))}


def find_strategy(text: str) -> Any:
    """Load a strategy class.

    Parameters
    ----------
    text : str
        The name of one that comes with the package, or ``FILE.py:Class``; the class may
        be left out where the file defines just one. The file is run: it is code. Like a
        script, it may import the modules beside it.

    Raises
    ------
    StrategyError
        If there is no such name, file or class, if the class is no strategy, or if the
        file cannot be run.
    """
    known = known_strategies()
    if text in known:
        path, name = known[text], ""
    else:
        file, colon, name = text.rpartition(":")
        if not colon or name.endswith(".py"):
            file, name = text, ""
        path = Path(file)
        if path.suffix != ".py":
            raise StrategyError(
                f"no strategy {text!r}; {closest(text, known)}; or FILE.py:Class"
            )
    if not os.path.isfile(path):  # False, not OSError, for a name that is too long
        raise StrategyError(f"no strategy file {str(path)!r}")
    return _strategy_in(_run_file(path), path, name)


@contextmanager
def strategy_errors(strategy: Any) -> Iterator[None]:
    """Turn what a user's strategy raises into a StrategyError that says where.

    Errors of this package pass as they are, and so does a strategy of ours that fails.
    """
    try:
        yield
    except (RotationError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        file = inspect.getfile(strategy)
        if Path(file) in known_strategies().values():
            raise
        raise StrategyError(_where_it_failed(error, file)) from error


def _where_it_failed(error: BaseException, file: str | None) -> str:
    """Say in one line what went wrong, and where: in that file, if it came by there."""
    name = type(error).__name__
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}: {name}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == file] or frames
    place = f"{own[-1].filename}:{own[-1].lineno}: " if own else ""
    return f"{place}{name}: {error}"


def code_of(strategy: Any) -> str:
    """Hash a strategy's name, its file, and what that imports from its folder.

    Returns 64 hexadecimal digits. Only what an import statement names is followed.
    """
    file = Path(inspect.getfile(strategy)).resolve()
    digest = hashlib.sha256(strategy.__qualname__.encode())
    for source in [file, *sorted(_imported_beside(file))]:
        content = source.read_bytes()
        name = os.path.relpath(source, file.parent)
        digest.update(f"\n{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _imported_beside(file: Path) -> set[Path]:
    """Find the modules below a file's folder that it imports, and those they import."""
    found: set[Path] = set()
    left = [file]
    while left:
        importer = left.pop()
        new = _imports_of(importer, file.parent) - {file, *found}
        found |= new
        left += new
    return found


def _imports_of(file: Path, folder: Path) -> set[Path]:
    """Resolve the import statements of a file, as far as they lead below a folder."""
    places: list[Path] = []
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):  # it may be imported where that is expected
        return set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            places += [folder / alias.name.replace(".", "/") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = file.parents[node.level - 1] if node.level else folder
            module = start / (node.module or "").replace(".", "/")
            places += [module, *(module / alias.name for alias in node.names)]
    steps = {
        step
        for place in places
        if place.is_relative_to(folder)
        for step in (place, *place.parents)
        if step != folder and step.is_relative_to(folder)
    }
    files = {step.with_name(f"{step.name}.py") for step in steps}
    files |= {step / "__init__.py" for step in steps}
    return {file for file in files if file.is_file()}


@contextmanager
def _importing_beside(path: Path) -> Iterator[None]:
    """Let a file import its neighbours, as Python lets a script.

    They come last, so that none replaces an installed package. Those of another
    strategy's folder are forgotten, as they may have the same names.
    """
    folder = str(path.parent.resolve())
    for other in _neighbours.keys() - {folder}:
        for name in _neighbours.pop(other):
            sys.modules.pop(name, None)
        # The last of that name: it may stand further up for a reason of its own.
        del sys.path[-1 - sys.path[::-1].index(other)]
    if folder not in _neighbours:
        _neighbours[folder] = set()
        sys.path.append(folder)
    before = set(sys.modules)
    try:
        yield
    finally:
        new = set(sys.modules) - before
        _neighbours[folder] |= {name for name in new if _lies_in(folder, name)}


def _lies_in(folder: str, name: str) -> bool:
    module = sys.modules[name]
    # A folder of modules may have no file of its own.
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
    return any(place and place.startswith(folder + os.sep) for place in places)


def _run_file(path: Path) -> ModuleType:
    # Its own name in sys.modules, so that no file of a user replaces a module; it has
    # to be there, because Backtrader looks up a class's module while it makes it.
    name = f"bt_lstm_rotation_strategy_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise StrategyError(f"cannot load {str(path)!r} as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _importing_beside(path):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a script without a main guard may exit
        del sys.modules[name]
        failed = _where_it_failed(error, module.__file__)
        raise StrategyError(f"{str(path)!r} cannot be run: {failed}") from error
    return module


def _strategy_in(module: ModuleType, path: Path, name: str) -> Any:
    classes = {
        key: value
        for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, bt.Strategy)
    }
    own = {k: v for k, v in classes.items() if v.__module__ == module.__name__}
    if name in classes:
        return classes[name]
    if not name and len(own) == 1:
        return next(iter(own.values()))
    if not own:
        raise StrategyError(f"{str(path)!r} defines no bt.Strategy")
    problem = f"no strategy {name!r} in" if name else "name one of the strategies in"
    raise StrategyError(f"{problem} {str(path)!r}; {closest(name, own)}")
