"""A user's own files: spec, forecaster and strategy in one, with modules beside it."""

from __future__ import annotations

from pathlib import Path

STRATEGY = """\
import threading
from dataclasses import dataclass

import own_rules
from bt_lstm_rotation import SectorRotation
from bt_lstm_rotation.forecasting.forecaster import Fit

ONE_AT_A_TIME = threading.Lock()  # such as no pickle can hold


class OwnForecaster:
    def __init__(self, spec):
        self.spec = spec

    def fit(self, window, session):
        with ONE_AT_A_TIME:
            return Fit(own_rules.Model(window.symbols, self.spec.back))


@dataclass(frozen=True, kw_only=True)
class OwnSpec:
    back: int = 3
    horizon: int = 2
    retrain: str = "weekly"
    fit_bars: int = 12
    forecast_bars: int = 6
    min_symbols: int = 1

    def forecaster(self):
        return OwnForecaster(self)


class Own(SectorRotation):
    params = (("spec", OwnSpec()), ("top", 1))

    def __init__(self):
        super().__init__()
"""
RULES = """\
from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    symbols: tuple
    back: int

    def forecast(self, window):
        import own_late  # only once it is needed

        return own_late.SIGN * (window.close[..., -1] / window.close[..., -self.back] - 1)[None]
"""  # noqa: E501
LATE = "SIGN = {sign}\n"


def write_own(folder: Path, sign: float = 1.0) -> str:
    """Write the files; return the strategy's path as text."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in (
        ("own.py", STRATEGY),
        ("own_rules.py", RULES),
        ("own_late.py", LATE.format(sign=sign)),
    ):
        (folder / name).write_text(source, encoding="utf-8")
    return str(folder / "own.py")
