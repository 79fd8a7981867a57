"""The identity of a function: a hash of its code, and of all the values it reads.

Another text, parameter or closure is another feature, and so another forecast. What
cannot be hashed is refused: a forecast's key must not leave out what it depends on.
"""

from __future__ import annotations

import dataclasses
import dis
import functools
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from bt_lstm_rotation.archive import PLAIN_KINDS
from bt_lstm_rotation.errors import FeatureError
from bt_lstm_rotation.user_code import code_hash

__all__ = ["identity"]

PLAIN = (type(None), bool, int, float, complex, str, bytes, np.generic)
VALID = (
    "it may read numbers, texts, NumPy arrays, lists, dicts, functions and modules; "
    "what is a series of its own, such as a macro figure, is given as context, dated "
    "by its publication"
)


def identity(name: str, function: Callable[..., Any]) -> str:
    """Hash a function and what it reads, to 64 hexadecimal digits.

    Its code counts, and its file whole with what that imports from its folder; so do
    defaults, closure and the globals it reads, its helpers' too.

    Raises
    ------
    FeatureError
        If it reads a value whose content is not known to be all of it.
    """
    digest = hashlib.sha256()
    for piece in _function(name, function, set()):
        digest.update(len(piece).to_bytes(8, "big"))
        digest.update(piece)
    return digest.hexdigest()


def _function(name: str, function: Any, seen: set[int]) -> Iterator[bytes]:
    if id(function) in seen:  # it calls itself, or is called twice
        return
    seen.add(id(function))
    yield function.__qualname__.encode()
    code = function.__code__
    yield from _file(code)
    # A file may have been written anew since it was run.
    yield from _compiled(code)
    for place, values in (
        ("a default", function.__defaults__ or ()),
        ("a default", tuple(sorted((function.__kwdefaults__ or {}).items()))),
    ):
        yield from _value(name, place, values, function, seen)
    for variable, cell in zip(
        code.co_freevars, function.__closure__ or (), strict=True
    ):
        try:
            value = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
        yield variable.encode()
        yield from _value(name, variable, value, function, seen)
    for variable in _globals_read(code):
        if variable in function.__globals__:
            yield variable.encode()
            value = function.__globals__[variable]
            yield from _value(name, variable, value, function, seen)


def _file(code: CodeType) -> Iterator[bytes]:
    """Give the text of a code's file; nothing where there is none, as in a notebook."""
    file = code.co_filename
    try:
        yield _hashed(file, os.stat(file).st_mtime_ns).encode()
    except (OSError, ValueError):
        return


@functools.lru_cache(maxsize=64)
def _hashed(file: str, _written: int) -> str:
    return code_hash(Path(file))


def _compiled(code: CodeType) -> Iterator[bytes]:
    # Neither lines nor names of files, which a cell that is run again changes.
    yield code.co_code
    yield repr((code.co_names, code.co_varnames, code.co_freevars)).encode()
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _compiled(constant)
        else:
            yield f"{type(constant).__name__} {_ordered(constant)}".encode()


def _ordered(constant: object) -> str:
    """Spell a constant; the order within a set changes from run to run."""
    if isinstance(constant, frozenset):
        return repr(sorted(map(repr, constant)))
    return repr(constant)


def _globals_read(code: CodeType) -> list[str]:
    names = {
        str(step.argval)
        for step in dis.get_instructions(code)
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")
    }
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names.update(_globals_read(constant))
    return sorted(names)


def _value(
    name: str, place: str, value: Any, function: Any, seen: set[int]
) -> Iterator[bytes]:
    """Spell a value by its type and content."""
    kind = type(value)
    yield f"{kind.__module__}.{kind.__qualname__}".encode()
    if isinstance(value, PLAIN):
        yield repr(value).encode()
    elif kind is np.ndarray and value.dtype.kind in PLAIN_KINDS:
        yield f"{value.dtype.str} {value.shape}".encode()
        yield value.tobytes()
    elif kind in (tuple, list, dict, set, frozenset) and id(value) not in seen:
        items = value.items() if kind is dict else value
        if kind in (set, frozenset):
            items = sorted(items, key=repr)
        yield str(len(value)).encode()
        for item in items:
            yield from _value(name, place, item, function, {*seen, id(value)})
    elif isinstance(getattr(value, "__wrapped__", None), FunctionType):  # it is cached
        yield from _value(name, place, value.__wrapped__, function, seen)
    elif isinstance(value, ModuleType):
        yield value.__name__.encode()
    elif isinstance(value, FunctionType) and _is_beside(value, function):
        yield from _function(name, value, seen)
    elif isinstance(value, type | FunctionType | BuiltinFunctionType | np.ufunc):
        yield f"{getattr(value, '__module__', '')}.{value.__name__}".encode()
    elif dataclasses.is_dataclass(value) and kind.__dataclass_params__.frozen:
        for field in dataclasses.fields(value):
            part = getattr(value, field.name)
            yield from _value(name, place, part, function, seen)
    else:
        problem = f"reads {place!r}, a {kind.__module__}.{kind.__qualname__}"
        raise FeatureError(name, f"{problem}, whose content no key can hold", VALID)


def _is_beside(other: FunctionType, function: FunctionType) -> bool:
    """Whether a function is of the same user, and not of an installed package."""
    if other.__module__ == function.__module__:
        return True
    folder = os.path.dirname(function.__code__.co_filename)
    place = other.__code__.co_filename
    installed = {"site-packages", "dist-packages"} & set(Path(place).parts)
    return bool(folder) and place.startswith(folder + os.sep) and not installed
