"""What five lines of Backtrader as inputs cost, beside the training.

    python benchmarks/inputs.py [--bars FOLDER] [--runs N]

The same backtest of the default rotation is run without inputs and with five lines of
Backtrader, in turn, with all fits in the store, so that nothing is trained; and twice
with the lines made and not read: moved from bar to bar as a rotation does it, and by
Backtrader's own loop. A strategy that does nothing, in a Cerebro without anything of
this plugin but its feeds, is run without the lines and with them: that is what
Backtrader itself takes.

Printed are medians of the processor's seconds, without files of a report; and medians,
over the rounds, of what each adds to the run without in the same round. What is garbage
is collected before each run, and what is kept is set apart: going through that takes
0.1 s every other run, whichever it falls on. Without a folder of the sector funds' bars
it is the simulated market.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import backtrader as bt

from bt_lstm_rotation import ForecastStore, SectorRotation, Training, run_backtest
from bt_lstm_rotation.feeds import add_feeds
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
        self.made = _made(self.sectors.values())


class Reading(SectorRotation):
    """Reads the five lines."""

    def inputs(self) -> dict[str, Any]:
        """Return the lines by name and feed."""
        return _made(self.sectors.values())


def _made(feeds: Iterable[Any]) -> dict[str, dict[Any, Any]]:
    feeds = list(feeds)
    return {name: {d: make(d) for d in feeds} for name, make in FIVE.items()}


class LoopedByBacktrader(Making):
    """Has the five lines made, and moved on by Backtrader one by one."""

    _oncepost = bt.Strategy._oncepost


class Idle(bt.Strategy):
    """Does nothing."""


class IdleWithLines(bt.Strategy):
    """Has the five lines made, in a strategy that does nothing."""

    def __init__(self) -> None:
        self.made = _made(self.datas[1:])


def main() -> None:
    """Run each in turn, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", type=Path)
    parser.add_argument("--runs", type=int, default=15)
    arguments = parser.parse_args()
    if arguments.bars is None:
        bars, benchmark = load_prices("simulated"), "MARKET"
    else:
        benchmark = "SPY"
        bars = load_prices(arguments.bars, SPDR_SECTORS, benchmark=benchmark)

    def rotated(kind: type[bt.Strategy], training: Training) -> None:
        run_backtest(bars, kind, benchmark=benchmark, training=training, ledger=False)

    def alone(kind: type[bt.Strategy], training: Training) -> None:
        cerebro = bt.Cerebro(stdstats=False)
        add_feeds(cerebro, bars, benchmark)
        cerebro.addstrategy(kind)
        cerebro.run()

    kinds: dict[str, tuple[Callable[..., None], type[bt.Strategy]]] = {
        "without": (rotated, SectorRotation),
        "made": (rotated, Making),
        "read": (rotated, Reading),
        "made, moved by Backtrader": (rotated, LoopedByBacktrader),
        "Backtrader alone, without": (alone, Idle),
        "Backtrader alone, made": (alone, IdleWithLines),
    }
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    with tempfile.TemporaryDirectory() as folder:
        training = Training(store=ForecastStore(Path(folder)))
        for number in range(arguments.runs + 1):
            for name, (run, kind) in kinds.items():
                gc.collect()
                gc.freeze()
                began = time.process_time()
                run(kind, training)
                if number:  # the first one trains
                    taken[name].append(time.process_time() - began)
    added = {name: _added(taken, name, "without") for name in list(kinds)[1:4]}
    print(f"without: {statistics.median(taken['without']):.3f} s")
    for name, seconds in added.items():
        share = _median_ratio(seconds, taken["without"])
        print(f"{name}: {statistics.median(seconds):+.3f} s, {share:+.1%}")
    first, second = list(kinds)[4:]
    print(f"{first}: {statistics.median(taken[first]):.3f} s")
    seconds = _added(taken, second, first)
    share = _median_ratio(seconds, taken["without"])
    middle = statistics.median(seconds)
    print(f"{second}: {middle:+.3f} s, {share:+.1%} of a rotation without")


def _added(taken: dict[str, list[float]], name: str, to: str) -> list[float]:
    return [
        with_it - without
        for with_it, without in zip(taken[name], taken[to], strict=True)
    ]


def _median_ratio(seconds: list[float], whole: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(seconds, whole, strict=True))


if __name__ == "__main__":
    main()
