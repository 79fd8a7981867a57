"""The commands, each a file of its name.

A command has ``SUMMARY``, a few words for the list of commands; ``DESCRIPTION`` and
``EPILOG``, for its own help; ``add_arguments(parser)``; and ``run(arguments)``.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any

__all__ = ["COMMANDS"]

# A module whose attributes are looked up by name has no type that says so.
COMMANDS: dict[str, Any] = {
    found.name: import_module(f"{__name__}.{found.name}")
    for found in pkgutil.iter_modules(__path__)
}
