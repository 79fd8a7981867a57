"""The report that lies beside the journal."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from bt_lstm_rotation.disk import write_atomically
from bt_lstm_rotation.paper.drift import drift_of
from bt_lstm_rotation.paper.record import Record
from bt_lstm_rotation.paper.status import left_out
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.reporting import render
from bt_lstm_rotation.reporting.files import SURROGATES
from bt_lstm_rotation.result import BacktestResult

__all__ = ["write_page"]

logger = logging.getLogger(__name__)


def write_page(
    result: BacktestResult, record: Record, panel: PricePanel, page: Path
) -> None:
    """Render the report so far; the session is recorded, whatever comes of it.

    `panel` holds all bars in the units of the last session.
    """
    said = [
        *result.summary["notes"],
        *(f"Beside its backtest, {line}." for line in drift_of(record, panel)),
        *(f"Left out of a paper account: {part}." for part in left_out(record)),
    ]
    told = replace(result, summary={**result.summary, "notes": said})
    content = render(told).encode("utf-8", SURROGATES)
    try:
        write_atomically(page, content)
    except OSError as error:
        logger.warning("%s is not of this session: %s", page, error)
