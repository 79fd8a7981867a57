"""A report says what forecasts read beside bars, and how often it was missing."""

from __future__ import annotations

import re

import backtrader as bt
import pytest
from fakes import random_panel
from modes import each_mode

from bt_lstm_rotation import ForecastSpec, LSTMForecast, RunReport
from bt_lstm_rotation.analyzers.forecasts import added_up
from bt_lstm_rotation.indicators import Input

pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

PANEL, SERIES = random_panel("ABC", 60), random_panel("V", 60, seed=9)
SPEC = ForecastSpec(lookback=3, horizon=1, train_size=10, units=2)


class Reading(bt.Strategy):
    """Forecasts three feeds from three inputs and a fourth feed."""

    def __init__(self):
        *feeds, series = self.datas

        def means(period):
            return {feed: bt.ind.SMA(feed, period=period) for feed in feeds}

        inputs = {
            "five": Input(means(5), warmup=4),
            "seven": Input(means(7), missing="zero", warmup=6),
            "four": Input(means(4), missing="carry", at_most=2, warmup=6),
        }
        LSTMForecast.pooled(feeds, spec=SPEC, inputs=inputs, context=[series])

    def next(self):
        pass


def told(folder=None, **modes):
    cerebro = bt.Cerebro(**modes)
    for panel in (PANEL, SERIES):
        for name in panel.symbols:
            bars = panel.frame(name)
            # The series begins ten sessions late.
            bars = bars.iloc[10:] if name == "V" else bars
            cerebro.adddata(bt.feeds.PandasData(dataname=bars), name=name)
    cerebro.addstrategy(Reading)
    cerebro.addanalyzer(RunReport, folder=folder)
    (ran,) = cerebro.run()
    return ran.analyzers.runreport.result().summary["inputs"]


@each_mode
def test_policies_are_counted_in_bars_of_all_symbols(modes):
    # A mean of five has no value on four bars of each of three symbols; of the last,
    # what its warm-up takes is missing as well.
    assert told(**modes) == {
        "five": row("input", "leave_out", left_out=3 * 4),
        "seven": row("input", "zero", zeroed=3 * 6),
        "four": row("input", "carry", left_out=3 * 6),
        "V": row("context", "leave_out", left_out=3 * 10),
    }


def row(kind, missing, left_out=0, carried=0, zeroed=0):
    counts = {"left_out": left_out, "carried": carried, "zeroed": zeroed}
    return {"kind": kind, "missing": missing, **counts}


def test_the_page_has_them_in_a_table(tmp_path):
    told(tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert "What forecasts read beside the bars" in page
    assert re.search(r">V</t.>\s*<td[^>]*>context</td>\s*<td[^>]*>left out</td>", page)


def test_what_several_forecasts_read_under_one_name_is_added_up():
    first = {"rsi": row("input", "carry", 1, 2, 3), "V": row("context", "zero")}
    second = {"rsi": row("input", "carry", 10, 20, 30)}
    assert added_up([first, {}, second]) == {
        "rsi": row("input", "carry", 11, 22, 33),
        "V": row("context", "zero"),
    }
    assert first["rsi"]["left_out"] == 1
    assert added_up([]) == {}
