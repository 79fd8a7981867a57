"""What the analyzer `RunReport` adds to a run, side by side with the run without it.

    python benchmarks/report.py [--sessions N] [--repeats N]

A plain Backtrader strategy, moving averages over ten feeds, and a rotation into three
of them by momentum. Each is run by turns without the analyzer, with it, and with it
writing its files; of each, the fastest of the repeats counts, in seconds of processor
time.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import backtrader as bt

from bt_lstm_rotation import MomentumSpec, RunReport, SectorRotation
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket


class Crossing(bt.Strategy):
    """Holds what is above its moving average."""

    def __init__(self) -> None:
        self.averages = {d: bt.ind.SMA(d, period=50) for d in self.datas}

    def next(self) -> None:
        """Buy and sell."""
        for data, average in self.averages.items():
            held = self.getposition(data).size
            if data.close[0] > average[0] and not held:
                self.order_target_percent(data, 0.09)
            elif data.close[0] <= average[0] and held:
                self.close(data)


RUNS: dict[str, tuple[Any, dict[str, Any]]] = {
    "moving averages": (Crossing, {}),
    "rotation": (SectorRotation, {"spec": MomentumSpec(), "benchmark": MARKET}),
}


def seconds(frames: dict[str, Any], run: str, report: dict[str, Any] | None) -> float:
    """Run once, and return the processor time that it took."""
    strategy, params = RUNS[run]
    cerebro = bt.Cerebro()
    for name, bars in frames.items():
        cerebro.adddata(bt.feeds.PandasData(dataname=bars), name=name)
    cerebro.addstrategy(strategy, **params)
    if report is not None:
        cerebro.addanalyzer(RunReport, benchmark=MARKET, **report)
    began = time.process_time()
    cerebro.run()
    return time.process_time() - began


def main() -> None:
    """Print a line for each kind of run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=5_000)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    frames = SimulatedMarket(n_sessions=arguments.sessions).panel().frames()
    print(f"{len(frames)} feeds, {arguments.sessions:,} sessions")
    with tempfile.TemporaryDirectory() as folder:
        ways = {
            "without": None,
            "with": {},
            "and files": {"folder": Path(folder, "run")},
        }
        for run in RUNS:
            took: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(arguments.repeats):
                for way, report in ways.items():
                    took[way].append(seconds(frames, run, report))
            best = {way: min(times) for way, times in took.items()}
            shown = ", ".join(
                f"{way} {best[way]:.2f} s ({best[way] / best['without'] - 1:+.1%})"
                for way in ways
            )
            print(f"  {run}: {shown}", flush=True)


if __name__ == "__main__":
    main()
