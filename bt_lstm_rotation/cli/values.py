"""A word of the command line -> the value that is meant, or an error that says what."""

from __future__ import annotations

import argparse
import datetime as dt
import os
from pathlib import Path

__all__ = ["date", "folder", "given", "names", "new_file", "new_folder"]


def names(text: str) -> list[str]:
    """Parse names with commas between them."""
    found = [name.strip() for name in text.split(",")]
    if not all(found):
        raise argparse.ArgumentTypeError(
            f"names with commas between them (got {text!r})"
        )
    return found


def date(text: str) -> dt.date:
    """Parse a date."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"a date such as 2010-01-04 is needed (got {text!r})"
        ) from None


def given(text: str) -> str:
    """Refuse an empty value, which a shell makes of a variable that is not set."""
    if not text.strip():
        raise argparse.ArgumentTypeError("a value is needed (got an empty one)")
    return text


def folder(text: str) -> Path:
    """Parse the path of a folder."""
    if not text:
        raise argparse.ArgumentTypeError("a folder is needed (got an empty value)")
    return Path(text)


def new_folder(text: str) -> Path:
    """Parse the path of a folder, which need not exist."""
    # Said now, and not after an hour of training.
    if os.path.exists(text) and not os.path.isdir(text):
        raise argparse.ArgumentTypeError(f"a folder is needed (got a file, {text!r})")
    return folder(text)


def new_file(text: str) -> Path:
    """Parse the path of a file, which need not exist."""
    if not text or os.path.isdir(text):
        raise argparse.ArgumentTypeError(f"a file is needed (got {text!r})")
    return Path(text)
