"""Whose code it is: the file and line of the user's, in a stack of everybody's."""

from __future__ import annotations

from pathlib import Path
from types import CodeType, FrameType

import backtrader as bt

import bt_lstm_rotation

__all__ = ["OURS", "is_run", "place_in", "place_of", "users_place"]

OURS = str(Path(bt_lstm_rotation.__file__).parent)
AUDIT = str(Path(__file__).parent)
BACKTRADER = str(Path(bt.__file__).parent)


def is_run(frame: FrameType) -> bool:
    """Whether a frame is the one that began the run; what called that is not asked."""
    code = frame.f_code
    return code.co_name == "run_world" and code.co_filename.startswith(AUDIT)


def place_of(frame: FrameType | None) -> str:
    """Return file and line of the user's code in a stack; ours where there is none."""
    ours = ""
    while frame is not None and not is_run(frame):
        found = users_place(frame.f_code, frame.f_lineno)
        if found:
            return found
        ours = ours or place_in(frame.f_code, frame.f_lineno)
        frame = frame.f_back
    return ours


def users_place(code: CodeType, line: int | None) -> str:
    """Return file and line of code that is neither Backtrader's nor ours."""
    is_ours = code.co_filename.startswith(OURS)
    return "" if is_ours else place_in(code, line)


def place_in(code: CodeType, line: int | None) -> str:
    """Return file and line of code that is neither Backtrader's nor the audit's."""
    file = code.co_filename
    return "" if file.startswith((AUDIT, BACKTRADER)) else f"{file}:{line}"
