"""Feeds whose bars are kept, where Backtrader would save their memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["keep_all_bars"]


def keep_all_bars(feeds: Iterable[Any]) -> None:
    """Let feeds keep their bars under ``exactbars=1``; to be called from `qbuffer`.

    Where feeds have different sessions, Backtrader loads a bar of each, and puts those
    back whose date has not come (``cerebro.py:1595-1598``, ``feed.py:438-441``). A
    buffer of minimum length has lost the bar before by then, and the feed goes on to
    show a bar of the future, or raises IndexError.
    """
    for feed in feeds:
        for line in feed.lines:
            if line.mode == line.QBuffer:
                line.mode = line.UnBounded
                line.reset()
                # Another strategy in the same Cerebro would shorten it once more.
                line.qbuffer = _stay


def _stay(savemem: int = 0, extrasize: int = 0) -> None:
    """Stand in for `LineBuffer.qbuffer`, and do nothing."""
