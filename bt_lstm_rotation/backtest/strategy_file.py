"""Find a strategy: one of ours by name, or a class in anybody's file."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import backtrader as bt

from bt_lstm_rotation.errors import RotationError, StrategyError, closest
from bt_lstm_rotation.user_code import code_hash, run_file, where_it_failed

__all__ = ["code_of", "find_strategy", "known_strategies", "strategy_errors"]

# An installed package carries its strategies; in a checkout they stand beside it.
PACKAGE = Path(__file__).parents[1]
FOLDERS = (PACKAGE / "strategies", PACKAGE.parent / "strategies")


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
    return _strategy_in(run_file(path), path, name)


@contextmanager
def strategy_errors(strategy: Any) -> Iterator[None]:
    """Turn what a user's strategy raises into a StrategyError that says where.

    Errors of this package pass as they are, and so does a strategy of ours that fails.
    """
    try:
        yield
    except (RotationError, MemoryError, KeyboardInterrupt):
        raise
    except BaseException as error:
        file = inspect.getfile(strategy)
        if Path(file) in known_strategies().values():
            raise
        raise StrategyError(where_it_failed(error, file)) from error


def code_of(strategy: Any) -> str:
    """Hash a strategy's name, its file, and what that imports from its folder.

    Returns 64 hexadecimal digits. Only what an import statement names is followed.
    """
    return code_hash(Path(inspect.getfile(strategy)), strategy.__qualname__)


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
