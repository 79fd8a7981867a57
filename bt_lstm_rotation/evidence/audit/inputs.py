"""What a strategy reads besides its feeds, which is the same in every world.

Files and connections are noticed by Python's audit hook, where code opens them that is
neither Python's, nor an installed package's, nor ours. What a library opens in C
(HDF5, Parquet) tells nobody. Numbers that were there before the run are found by
name: parameters, and the globals, closures and class attributes that the code uses.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Real
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import numpy as np

from bt_lstm_rotation.evidence.audit.places import OURS, is_run
from bt_lstm_rotation.evidence.audit.scenes import given_values
from bt_lstm_rotation.evidence.audit.tables import is_table

__all__ = ["PARAMETER", "numbers_at_hand", "watched"]

CONTROL = str(Path(__file__).with_name("control.py"))
INSTALLED = tuple(
    {
        sysconfig.get_path(name)
        for name in ("stdlib", "platstdlib", "purelib", "platlib")
    }
)
CODE = (".py", ".pyc", ".so", ".pyd", ".dll")
PARAMETER = "the parameter"
# Fewer numbers are settings.
MANY = 30

_found: list[str] | None = None
_hooked: list[bool] = []


@contextmanager
def watched() -> Iterator[list[str]]:
    """Collect what is read from elsewhere, each with the file and line that does."""
    global _found  # a hook cannot be taken away again
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked.append(True)
    before, found = _found, list[str]()
    _found = found
    try:
        yield found
    finally:
        _found = before


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if _found is None or event not in ("open", "sqlite3.connect", "socket.connect"):
        return
    what = _what(event, args)
    if what and (place := _reader(sys._getframe(1))):
        said = f"{what} (at {place})"
        if said not in _found:
            _found.append(said)


def _what(event: str, args: tuple[Any, ...]) -> str:
    """Say what is read; nothing if it is written, is code, or the machine's own."""
    if event == "socket.connect":
        return f"the network, {args[1]}"
    path = args[0]
    if not isinstance(path, str | bytes | os.PathLike):
        return ""
    text = os.fsdecode(path)
    if event == "open":
        mode, flags = args[1], args[2]
        if isinstance(mode, str) and set(mode) & set("wax") and "+" not in mode:
            return ""
        if not isinstance(mode, str) and isinstance(flags, int) and flags & os.O_WRONLY:
            return ""
    own = text.endswith(CODE) and text != CONTROL
    if own or text.startswith(("/dev/", "/proc/", "/sys/", *INSTALLED)):
        return ""
    return f"the file {text}"


def _reader(frame: FrameType | None) -> str:
    """Return whose code opens it, if that is the user's."""
    while frame is not None and not is_run(frame):
        file = frame.f_code.co_filename
        if file.startswith("<frozen importlib"):
            return ""
        if file.startswith(OURS) and file != CONTROL:
            return ""
        if not file.startswith(("<", *INSTALLED)):
            return f"{os.path.basename(file)}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def numbers_at_hand(cerebro: Any) -> dict[str, Any]:
    """Return name -> table or numbers that were worked out before the run."""
    found = {
        f"{PARAMETER} {name}": value
        for name, value in given_values(cerebro)
        if _is_many(value)
    }
    for added in cerebro.strats:
        for kind, _, given in added:
            used = dict(_used_by(kind, set()))
            defaults = dict(kind.params._getitems())
            used |= {
                f"the default of {n}": defaults[n] for n in defaults.keys() - given
            }
            found |= {name: value for name, value in used.items() if _is_many(value)}
    return found


def _is_many(value: Any) -> bool:
    if is_table(value) or isinstance(value, np.ndarray):
        return bool(value.size >= MANY)
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return len(value) >= MANY and all(isinstance(x, Real) for x in value[:MANY])
    return False


def _used_by(kind: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Give what the code of a user's class or function uses, by name."""
    module = sys.modules.get(getattr(kind, "__module__", "") or "")
    file = str(getattr(module, "__file__", None) or "")
    if id(kind) in seen or file.startswith((OURS, *INSTALLED)):
        return
    seen.add(id(kind))
    functions = [kind] if isinstance(kind, FunctionType) else []
    for base in getattr(kind, "__mro__", ()):
        if base.__module__ == getattr(kind, "__module__", ""):
            for name, value in list(vars(base).items()):
                value = getattr(value, "__func__", getattr(value, "fget", value))
                if isinstance(value, FunctionType):
                    functions.append(value)
                elif not name.startswith("__"):
                    yield f"{base.__name__}.{name}", value
        elif isinstance(base, type):
            yield from _used_by(base, seen)
    for function in functions:
        for name in _names(function.__code__):
            value = function.__globals__.get(name)
            yield name, value
            if isinstance(value, FunctionType | type):
                yield from _used_by(value, seen)
        names = function.__code__.co_freevars
        for name, cell in zip(names, function.__closure__ or (), strict=False):
            try:
                yield name, cell.cell_contents
            except ValueError:  # not filled yet
                continue


def _names(code: CodeType) -> set[str]:
    names = set(code.co_names)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            names |= _names(inner)
    return names
