"""Each of Backtrader's indicators as an input, on real bars, in five modes: one hash.

docs/inputs.md has the table: how many first bars of a feed do not count, or why an
indicator cannot be an input.
"""

from __future__ import annotations

import hashlib
import re
import sys
from functools import cache
from pathlib import Path

import backtrader as bt
import numpy as np
import pytest
from real_bars import needs_real_bars, real_panel

from bt_lstm_rotation import ForecastSpec, Input, LSTMForecast
from bt_lstm_rotation.errors import FeatureError
from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.forecasting import Training
from bt_lstm_rotation.indicators.proving import prove_line

sys.path.append(str(Path(__file__).parents[1] / "indicators"))

from every_indicator import LEFT_OUT, every_indicator

pytestmark = [needs_real_bars, pytest.mark.slow]

DOCS = Path(__file__).parents[2] / "docs" / "inputs.md"
SPEC = ForecastSpec(
    lookback=5,
    train_size=60,
    horizon=3,
    units=2,
    target="plain",
    features=("log_return",),
)
MODES = {
    "default": {},
    "bar by bar": {"runonce": False},
    "not preloaded": {"preload": False},
    "exactbars 1": {"exactbars": 1},
    "exactbars -2": {"exactbars": -2},
}


class Reading(bt.Strategy):
    """Reads every indicator that is no leak, missing values and all."""

    def __init__(self):
        self.warmups, inputs = {}, {}
        for name, make in every_indicator():
            line = make(self.data)
            try:
                self.warmups[name] = prove_line(name, line)
            except FeatureError as error:
                self.warmups[name] = error.problem.split(",")[0]
                continue
            inputs[name] = Input({self.data: line}, missing="zero")
        self.forecast = LSTMForecast(
            self.data, spec=SPEC, training=Training(), inputs=inputs
        )
        self.shown = []

    def prenext(self):
        self.next()

    def next(self):
        self.shown.append(self.forecast.forecast[0])

    def read(self):
        """Return a hash of each input as it was read, and of the forecasts."""
        pool = self.forecast.pool
        last = np.array([np.datetime64(self.data.datetime.date(), "D")])
        count = int(pool.history.counts(last)[0, 0])
        window = pool.history.window(pool.symbols, last, count)
        rows = {name: window.row(name)[0, 0] for name in window.extra}
        return {name: digest(row) for name, row in rows.items()}, digest(self.shown)


def digest(values):
    filled = np.nan_to_num(np.asarray(values, dtype=float), nan=-9.9)
    return hashlib.sha256(filled.tobytes()).hexdigest()


@cache
def run(mode):
    cerebro = bt.Cerebro(stdstats=False)
    panel = real_panel().select(["XLK"])
    add_feeds(cerebro, panel.rows(1_500, 1_900))
    cerebro.addstrategy(Reading)
    strategy = cerebro.run(**MODES[mode])[0]
    return strategy.warmups, *strategy.read(), np.isfinite(strategy.shown).sum()


# What Backtrader itself calculates otherwise where it keeps no more bars than an
# indicator says it needs.
DIFFERS = {
    "exactbars 1": [
        "ExponentialSmoothing",
        "ZeroLagIndicator",
        "ZeroLagIndicatorEnvelope",
        "ZeroLagIndicatorOscillator",
    ],
}


def test_each_has_one_hash_in_five_modes_and_the_docs_tell_of_all():
    warmups, expected, shown, finite = run("bar by bar")
    assert finite > 200
    for mode in MODES:
        _, rows, forecasts, _ = run(mode)
        apart = {name for name in rows if rows[name] != expected[name]}
        assert apart == set(DIFFERS.get(mode, [])), mode
        assert (forecasts == shown) == (not apart), mode
    found = {name: str(told) for name, told in {**warmups, **LEFT_OUT}.items()}
    for mode, names in DIFFERS.items():
        for name in names:
            found[name] += f"; Backtrader has other values in the mode `{mode}`"
    table = DOCS.read_text(encoding="utf-8").partition("## Backtrader's indicators")[2]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|$", table, flags=re.MULTILINE)
    assert dict(rows) == found
