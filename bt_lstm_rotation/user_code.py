"""A user's own file, run as a module of its own, here and in every worker.

What is sent to another process names a class by its module. A worker that is to read it
runs the same file first: a copy of the classes alone would lack what the file imports
as it goes along, and what Backtrader looks up in its module.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import os
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from bt_lstm_rotation.errors import StrategyError
from bt_lstm_rotation.wording import in_words

__all__ = [
    "UserFile",
    "code_hash",
    "files_named_in",
    "run_again",
    "run_file",
    "source_files",
    "where_it_failed",
]


class UserFile(NamedTuple):
    """A file that has been run.

    `module` is its name in ``sys.modules``, `path` is absolute, and `code` is the
    `code_hash` that it had.
    """

    module: str
    path: str
    code: str


# Module -> the file that it was made of, latest last.
_files: dict[str, UserFile] = {}

# Folder of the user's files in use -> the modules that were there before them.
_before: dict[str, frozenset[str]] = {}

# Threads of a worker may be sent the same file at the same time.
_running = threading.RLock()


def run_file(path: Path) -> ModuleType:
    """Run a file as a module; like a script, it may import what stands beside it.

    It is run once: again only if it, or what it imports from its folder, has changed.

    Raises
    ------
    StrategyError
        If it cannot be run: where, and why.
    """
    # Its own name in sys.modules, so that no file of a user replaces a module; it has
    # to be there, because Backtrader looks up a class's module while it makes it.
    name = f"bt_lstm_rotation_strategy_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise StrategyError(f"cannot load {str(path)!r} as Python")
    module = importlib.util.module_from_spec(spec)
    try:
        file = UserFile(name, os.path.abspath(path), code_hash(path))
    except OSError as error:
        reason = f"{type(error).__name__}: {error}"
        raise StrategyError(f"{str(path)!r} cannot be run: {reason}") from error
    if _is_there(file):
        return sys.modules[name]
    sys.modules[name] = module
    try:
        with _importing_beside(path):
            spec.loader.exec_module(module)
    except BaseException as error:  # a script without a main guard may exit
        del sys.modules[name]
        if isinstance(error, KeyboardInterrupt):
            raise
        failed = where_it_failed(error, module.__file__)
        raise StrategyError(f"{str(path)!r} cannot be run: {failed}") from error
    _files[name] = file
    return module


def files_named_in(content: bytes) -> tuple[UserFile, ...]:
    """Return the files whose modules, or neighbours, a pickle may name.

    A name that is there by chance costs a worker the time to run the file.
    """

    def is_named(file: UserFile) -> bool:
        if file.module.encode() in content:
            return True
        beside = _neighbours(_folder_of(Path(file.path)))
        return any(name.encode() in content for name in beside)

    there = (file for file in _files.values() if file.module in sys.modules)
    return tuple(file for file in there if is_named(file))


def run_again(files: Iterable[UserFile]) -> None:
    """Run files in this process too, unless they are there already.

    Raises
    ------
    StrategyError
        If one is missing on this machine, is another one, or cannot be run.
    """
    with _running:
        for file in files:
            path = Path(file.path)
            if _is_there(file):
                continue
            if not path.is_file():
                raise StrategyError(
                    f"a worker needs {file.path!r} and does not have it: the file, and "
                    "what it imports, must be under that path on its machine too"
                )
            run_file(path)
            if _files[file.module] != file:
                raise StrategyError(
                    f"a worker's {file.path!r} is not the file the run began with: "
                    "changed since, or another one on its machine"
                )


def _is_there(file: UserFile) -> bool:
    """Whether a file has been run, and its neighbours are not forgotten since."""
    in_use = file.module in sys.modules and _folder_of(Path(file.path)) in _before
    return in_use and _files.get(file.module) == file


def where_it_failed(error: BaseException, file: str | None) -> str:
    """Say in one line what went wrong, and where: in that file, if it came by there."""
    if isinstance(error, SyntaxError) and error.filename:
        kind = type(error).__name__
        return f"{error.filename}:{error.lineno}: {kind}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == file] or frames
    place = f"{own[-1].filename}:{own[-1].lineno}: " if own else ""
    return f"{place}{in_words(error, 2_000)}"


def code_hash(file: Path, name: str = "") -> str:
    """Hash a file and what it imports from its folder, to 64 hexadecimal digits.

    Only what an import statement names is followed. `name` is hashed with them.
    """
    digest = hashlib.sha256(name.encode())
    for place, content in source_files(file).items():
        digest.update(f"\n{place} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def source_files(file: Path) -> dict[str, bytes]:
    """Read a file and what it imports from its folder, by their paths from there.

    The file comes first. Raises OSError if one cannot be read.
    """
    file = file.resolve()
    return {
        os.path.relpath(source, file.parent): source.read_bytes()
        for source in [file, *sorted(_imported_beside(file))]
    }


@contextmanager
def _importing_beside(path: Path) -> Iterator[None]:
    """Let a file import its neighbours, as Python lets a script.

    They come last, so that none replaces an installed package. Those of another folder
    are forgotten, as they may have the same names, and so are those that have changed.
    """
    folder = _folder_of(path)
    for other in list(_before):
        if other == folder and not _has_changed(folder):
            continue
        for name in _neighbours(other):
            sys.modules.pop(name, None)
        del _before[other]
    _before.setdefault(folder, frozenset(sys.modules))
    if _beside not in sys.meta_path:
        sys.meta_path.append(_beside)
    importlib.invalidate_caches()  # a file may have been written a moment ago
    yield


class _Beside(MetaPathFinder):
    """Finds what stands beside the user's files in use.

    Not by ``sys.path``, which new processes inherit: in one that runs another file
    later, this one's folder would still come first.
    """

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        # Modules within a package are found by the package's own path.
        if path is not None:
            return None
        return PathFinder.find_spec(fullname, list(_before), target)


_beside = _Beside()


def _has_changed(folder: str) -> bool:
    """Whether a file of a folder that was run, or what it imports, has changed."""
    for file in _files.values():
        path = Path(file.path)
        if _folder_of(path) == folder:
            try:
                changed = code_hash(path) != file.code
            except OSError:
                changed = True
            if changed:
                return True
    return False


def _neighbours(folder: str) -> set[str]:
    """Name the modules that files of a folder have imported from it so far."""
    new = sys.modules.keys() - _before.get(folder, sys.modules.keys()) - _files.keys()
    return {name for name in new if _lies_in(folder, name)}


def _lies_in(folder: str, name: str) -> bool:
    module = sys.modules[name]
    if not isinstance(module, ModuleType):
        return False
    # Not by getattr(), which would make a lazy module import itself. A folder of
    # modules may have no file of its own.
    try:
        known = object.__getattribute__(module, "__dict__")
    except AttributeError:  # cffi puts an object of its own there that has none
        return False
    places = [known.get("__file__"), *known.get("__path__", [])]
    return any(place and place.startswith(folder + os.sep) for place in places)


def _folder_of(path: Path) -> str:
    return str(path.parent.resolve())


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
