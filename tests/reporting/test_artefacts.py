"""docs/artefacts.md names every file, column and key that runs write, and no other."""

from __future__ import annotations

import csv
import json
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import get_args

import backtrader as bt
import numpy as np
import pytest

from bt_lstm_rotation import ForecastSpec, LSTMForecast, RunReport, run_backtest
from bt_lstm_rotation.prices.corporate_actions import classified
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket
from bt_lstm_rotation.rebalancing.adjusting_broker import AdjustingBroker
from bt_lstm_rotation.rebalancing.events import Kind
from bt_lstm_rotation.reporting import exports
from bt_lstm_rotation.reporting.files import OWN_FILES

PAGE = (Path(__file__).parents[2] / "docs" / "artefacts.md").read_text("utf-8")
SECTIONS = {
    section.split("\n")[0]: section
    for section in PAGE.split("\n## ")[1:]
    if "." in section.split("\n")[0]
}
TABLES = [name for name in SECTIONS if name.endswith(".csv")]


def documented(name: str) -> list[str]:
    """What stands in the first column of a section's table."""
    return re.findall(r"^\| `([^`]+)` \|", SECTIONS[name], flags=re.MULTILINE)


class PaysIn(bt.Strategy):
    """Reads an input, trades its benchmark by a sizer, and is paid in on the way."""

    def __init__(self):
        spec = ForecastSpec(lookback=3, horizon=1, train_size=10, units=2)
        inputs = {"rsi": {data: bt.ind.RSI(data, period=3) for data in self.datas}}
        LSTMForecast.pooled(self.datas, spec=spec, inputs=inputs)

    def next(self):
        if len(self) == 5:
            self.buy(self.datas[0])
            self.env.broker.add_cash(500.0)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> list[Path]:
    """Two runs that have between them all that a run can have."""
    folder = tmp_path_factory.mktemp("artefacts")
    market = SimulatedMarket(n_sessions=420, n_sectors=3).panel()
    rotation = folder / "rotation"
    ensemble = ForecastSpec(
        lookback=10, horizon=5, train_size=60, units=2, steps=1, members=2
    )
    params = {"spec": ensemble, "top": 2}
    run_backtest(
        market, params=params, benchmark=MARKET, folder=rotation, importance=True
    )

    cerebro = bt.Cerebro()
    for name, frame in market.frames().items():
        bars = frame.iloc[:60].copy()
        if name == MARKET:
            bars.iloc[30:] *= 3  # a finding
        cerebro.adddata(bt.feeds.PandasData(dataname=bars), name=name)
    cerebro.addstrategy(PaysIn)
    cerebro.addsizer(bt.sizers.PercentSizer, percents=50)
    session = bars.index[20].date()
    cerebro.broker = AdjustingBroker(actions={session: {name: classified(0.99, 50.0)}})
    own = folder / "own"
    cerebro.addanalyzer(RunReport, folder=own, benchmark=MARKET)
    cerebro.run()
    return [rotation, own]


def columns(run: Path, name: str) -> set[str]:
    """Columns of a table; those of symbols are all called SYMBOL."""
    with (run / name).open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    data = json.loads((run / "summary.json").read_text("utf-8"))["data"]
    symbols = {*data["symbols"], data["benchmark"]}
    return {"SYMBOL" if column in symbols else column for column in header}


def keys(value: object, at: str = "") -> set[str]:
    """Dotted names of all that is no object, in an object or in a list of them."""
    if isinstance(value, dict):
        return {key for k, v in value.items() for key in keys(v, f"{at}.{k}")}
    if isinstance(value, list) and any(isinstance(part, dict) for part in value):
        return {key for part in value for key in keys(part, at)}
    return {at.removeprefix(".")}


def test_every_file_has_its_section_and_no_section_is_without_its_file(runs):
    rotation, own = ({file.name for file in run.iterdir()} for run in runs)
    assert own == set(SECTIONS) - {"importance.csv"}
    assert rotation == set(SECTIONS) - {"actions.csv"}
    assert set(SECTIONS) == OWN_FILES


@pytest.mark.parametrize("name", TABLES)
def test_every_column_is_documented_and_no_other(runs, name):
    runs = [run for run in runs if (run / name).exists()]
    written = set().union(*(columns(run, name) for run in runs))
    assert set(documented(name)) == written
    # In the order in which they stand in the file.
    first = documented(name)
    assert len(first) == len(set(first))
    with (runs[0] / name).open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    known = [column for column in header if column in first]
    assert known == [column for column in first if column in known]


def test_every_array_of_bars_is_documented_and_no_other(runs):
    with np.load(runs[0] / "bars.npz") as arrays:
        assert arrays.files == documented("bars.npz")
        shape = (len(arrays["sessions"]), len(arrays["symbols"]))
        assert arrays["close"].shape == shape


def test_every_key_of_the_summary_is_documented_and_no_other(runs):
    patterns = documented("summary.json")
    assert len(patterns) == len(set(patterns))
    summaries = [json.loads((run / "summary.json").read_text("utf-8")) for run in runs]
    whole, bare = (keys(summary) for summary in summaries)
    # Of the first run there is no finding.
    whole -= {"data.findings"}
    assert "data.findings.rule" in bare
    for key in whole | bare:
        assert any(fnmatch(key, pattern) for pattern in patterns), key
    for pattern in patterns:
        assert any(fnmatch(key, pattern) for key in whole | bare), pattern


def test_every_kind_of_event_is_documented():
    row = next(line for line in SECTIONS["events.csv"].split("\n") if "`kind`" in line)
    assert set(re.findall(r"`(\w+)`", row)) - {"kind"} == set(get_args(Kind))


def test_every_export_is_documented_and_no_other():
    named = re.findall(r"^\| `(\w+)\(run\)` \|", PAGE, flags=re.MULTILINE)
    assert sorted(named) == exports.__all__
