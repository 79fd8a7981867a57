"""What five lines of Backtrader as inputs cost, beside the training.

    python benchmarks/inputs.py [--bars FOLDER] [--runs N]

The same backtest of the default rotation is run without inputs and with five lines of
Backtrader, in turn, with all fits in the store, so that nothing is trained; and once
more with the lines made and not read, which is what Backtrader itself takes for them.
Printed are medians of the processor's seconds, and ratios to the run without. Without a
folder of the sector funds' bars it is the simulated market.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import backtrader as bt

from bt_lstm_rotation import ForecastStore, SectorRotation, Training, run_backtest
from bt_lstm_rotation.prices.loading import SPDR_SECTORS, load_prices

FIVE: dict[str, Callable[[Any], Any]] = {
    "distance": lambda d: d.close / bt.ind.SMA(d, period=50) - 1.0,
    "roc": lambda d: bt.ind.ROC(d, period=20),
    "range": lambda d: bt.ind.SMA(d.high - d.low, period=20) / d.close,
    "gap": lambda d: d.open / d.close(-1) - 1.0,
    "high": lambda d: d.close / bt.ind.Highest(d.high, period=100),
}


class Making(SectorRotation):
    """Has the five lines made, and reads none of them."""

    def __init__(self) -> None:
        super().__init__()
        self.made = _lines(self)


class Reading(SectorRotation):
    """Reads the five lines."""

    def inputs(self) -> dict[str, Any]:
        """Return the lines by name and feed."""
        return _lines(self)


def _lines(rotation: SectorRotation) -> dict[str, Any]:
    feeds = rotation.sectors.values()
    return {name: {d: make(d) for d in feeds} for name, make in FIVE.items()}


def main() -> None:
    """Run each in turn, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.bars is None:
        bars, benchmark = load_prices("simulated"), "MARKET"
    else:
        benchmark = "SPY"
        bars = load_prices(arguments.bars, SPDR_SECTORS, benchmark=benchmark)
    kinds = {"without": SectorRotation, "made": Making, "read": Reading}
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    with tempfile.TemporaryDirectory() as folder:
        training = Training(store=ForecastStore(Path(folder)))
        for number in range(arguments.runs + 1):
            for name, kind in kinds.items():
                began = time.process_time()
                run_backtest(
                    bars, kind, benchmark=benchmark, training=training, ledger=False
                )
                if number:  # the first one trains
                    taken[name].append(time.process_time() - began)
    first = statistics.median(taken["without"])
    for name, seconds in taken.items():
        middle = statistics.median(seconds)
        print(f"{name}: {middle:.2f} s, {middle / first:.3f} times the run without")


if __name__ == "__main__":
    main()
