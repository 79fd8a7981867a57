"""A user's own file of features, with a module beside it."""

from __future__ import annotations

from pathlib import Path

FEATURES = """\
import threading

import numpy as np
from own_scales import SCALE
from bt_lstm_rotation import feature

LOCK = threading.Lock()  # such as no pickle can hold


@feature(warmup=20)
def squeeze(window):
    close = np.log(window.close)
    spread = np.full(close.shape, np.nan)
    for bar in range(20, close.shape[-1]):
        spread[..., bar] = np.ptp(close[..., bar - 20 : bar + 1], axis=-1)
    return {factor} * SCALE * spread
"""
SCALES = "SCALE = {scale}\n"


def write_features(folder: Path, factor: float = 1.0, scale: float = 1.0) -> Path:
    """Write the files; return the path of the first."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "own_features_file.py").write_text(FEATURES.format(factor=factor))
    (folder / "own_scales.py").write_text(SCALES.format(scale=scale))
    return folder / "own_features_file.py"
