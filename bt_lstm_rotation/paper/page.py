"""The report that lies beside the journal."""

from __future__ import annotations

import logging
from pathlib import Path

from bt_lstm_rotation.disk import write_atomically
from bt_lstm_rotation.reporting import render
from bt_lstm_rotation.reporting.files import SURROGATES
from bt_lstm_rotation.result import BacktestResult

__all__ = ["write_page"]

logger = logging.getLogger(__name__)


def write_page(result: BacktestResult, page: Path) -> None:
    """Render the report so far; the session is recorded, whatever comes of it."""
    content = render(result).encode("utf-8", SURROGATES)
    try:
        write_atomically(page, content)
    except OSError as error:
        logger.warning("%s is not of this session: %s", page, error)
