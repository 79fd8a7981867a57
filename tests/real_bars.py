"""The real bars that development and CI have, and nobody else."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.folder import load_folder
from bt_lstm_rotation.prices.source import SPDR_SECTORS

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "spdr-1999-2019"

needs_real_bars = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the real bars are not part of the project"
)


def real_panel(*others: str) -> PricePanel:
    return load_folder(FOLDER, [*SPDR_SECTORS, *others], today=dt.date(2019, 7, 1))
