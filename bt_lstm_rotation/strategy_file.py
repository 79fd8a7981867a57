"""Find a strategy: one of ours by name, or a class in anybody's file."""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

import backtrader as bt

from bt_lstm_rotation.errors import StrategyError, closest

__all__ = ["find_strategy", "known_strategies", "where_it_failed"]

HERE = Path(__file__).parent


def known_strategies() -> dict[str, Path]:
    """Return the strategies that come with the package: name -> file.

    An installed package carries them inside it; in a checkout they stand beside it,
    where they are easy to find and to copy.
    """
    folders = [HERE / "strategies", HERE.parent / "strategies"]
    folder = next((folder for folder in folders if folder.is_dir()), None)
    if folder is None:
        return {}
    return {file.stem: file for file in sorted(folder.glob("[a-z]*.py"))}


def find_strategy(text: str) -> Any:
    """Load a strategy class.

    Parameters
    ----------
    text : str
        The name of one that comes with the package, or ``FILE.py:Class``; the class may
        be left out where the file defines just one. The file is run: it is code.

    Returns
    -------
    type of bt.Strategy

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


def where_it_failed(error: BaseException, file: str | None) -> str:
    """Say in one line what went wrong, and where.

    Parameters
    ----------
    error : BaseException
        What was raised.
    file : str or None
        The file of interest: what it called may be many frames deeper.

    Returns
    -------
    str
        The deepest place in that file, or else the deepest of all.
    """
    name = type(error).__name__
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}: {name}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == file] or frames
    place = f"{own[-1].filename}:{own[-1].lineno}: " if own else ""
    return f"{place}{name}: {error}"


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
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a script without a main guard may exit
        del sys.modules[name]
        failed = where_it_failed(error, module.__file__)
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
