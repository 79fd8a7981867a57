"""A class's docstring names its params, each with the default it has."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from bt_lstm_rotation import (
    Forecast,
    ForecastSpec,
    LSTMForecast,
    NoLookahead,
    PeriodicRebalance,
    SectorRotation,
)
from bt_lstm_rotation.analyzers import Drawdowns, EquityCurve
from bt_lstm_rotation.observers import EquityAgainstBenchmark

NAMES = {"ForecastSpec": ForecastSpec}


def documented(cls: Any) -> dict[str, Any]:
    """Read the defaults that a class's docstring gives, those of its base included."""
    # Of which Python 3.13 has taken the indentation off already.
    text = inspect.cleandoc(cls.__doc__)
    section = re.search(r"\nParams:\n(.*?)(?:\n\n|\Z)", text, re.DOTALL)[1]
    found: dict[str, Any] = {}
    for item in re.split(r"^  - ", section, flags=re.MULTILINE)[1:]:
        names, _, text = " ".join(item.split()).partition(": ")
        base = re.fullmatch(r"see (\w+)", text)
        for name in names.split(", "):
            if base:
                bases = {kind.__name__: kind for kind in cls.__mro__}
                found[name] = documented(bases[base[1]])[name]
            else:
                default = re.search(r" \((.+)\)$", text)
                assert default, f"{name} has no default"
                found[name] = eval(default[1].strip("`"), NAMES)
    return found


@pytest.mark.parametrize(
    "cls",
    [
        *(Forecast, LSTMForecast, PeriodicRebalance, SectorRotation),
        *(Drawdowns, EquityCurve, EquityAgainstBenchmark),
    ],
)
def test_every_param_is_documented_with_its_default(cls):
    assert documented(cls) == dict(cls.params._getitems())


def test_what_no_lookahead_can_be_set_to_is_documented_with_its_default():
    setting = re.search(
        r"\nrefuse_stale_bars : bool\n.*?\((\w+)\)\.\n",
        inspect.cleandoc(NoLookahead.__doc__),
        re.DOTALL,
    )
    assert setting[1] == repr(NoLookahead.refuse_stale_bars)
