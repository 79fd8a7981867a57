"""What a long life of one process leaves behind: nothing, or this fails.

    python benchmarks/soak.py [SECTION ...]

Sections: retrains, backtests; by default both. `retrains` trains 500 networks one after
another; `backtests` calls `run_backtest` 200 times, of which every tenth writes the
files of its report and every tenth trains networks. Memory is what is resident when
what the allocator keeps free is given back, as it does when it likes; open files and
threads are those of the process (Linux).
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bt_lstm_rotation import ForecastSpec, MomentumSpec, Training, run_backtest
from bt_lstm_rotation.forecasting import walk_forward
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket

RETRAINS, BACKTESTS = 500, 200
# From here on: before, libraries are imported and caches are filled.
SETTLED = 20
# MB, in all.
MOST_OF_RETRAINS, MOST_OF_BACKTESTS = 20.0, 5.0


class Measure(NamedTuple):
    """What a process holds: resident memory in MB, open files, threads."""

    memory: float
    files: int
    threads: int


def measure() -> Measure:
    """Measure this process."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    resident = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    files = len(os.listdir("/proc/self/fd"))
    return Measure(resident, files, threading.active_count())


class Rows:
    """A table of measures, printed as they are made; `kind` is what is counted."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._found: dict[int, Measure] = {}
        print(f"{kind:>6} {'MB':>8} {'files':>6} {'threads':>8}", flush=True)

    def add(self, done: int) -> None:
        """Measure after so many."""
        found = self._found[done] = measure()
        row = f"{done:6} {found.memory:8.1f} {found.files:6} {found.threads:8}"
        print(row, flush=True)

    def grown(self, most: float) -> list[str]:
        """Return what has grown since the first row; memory, if by more than `most`."""
        first, last = min(self._found), max(self._found)
        before, after = self._found[first], self._found[last]
        grown = after.memory - before.memory
        print(f"from {self._kind} {first} to {last}: {grown:+.1f} MB")
        problems = []
        if grown > most:
            problems.append(f"memory grew by {grown:.1f} MB (at most {most:g})")
        if after.files > before.files:
            problems.append(f"open files grew from {before.files} to {after.files}")
        if after.threads > before.threads:
            problems.append(f"threads grew from {before.threads} to {after.threads}")
        return problems


def panel(n_sessions: int) -> PricePanel:
    """Return simulated bars of nine sectors."""
    market = SimulatedMarket(n_sessions=n_sessions).panel()
    return market.select([name for name in market.symbols if name != MARKET])


def retrains() -> list[str]:
    """Train many networks in one process."""
    rows = Rows("fit")

    def watch(done: int, _planned: int) -> None:
        if done == SETTLED or (done % 100 == 0 and done <= RETRAINS):
            rows.add(done)

    spec = ForecastSpec(retrain=4, train_size=400)
    needed = spec.fit_bars + 4 * RETRAINS + 8
    made = walk_forward(panel(needed), spec, training=Training(progress=watch))
    trained = sum(fit.status == "ok" for fit in made.fits)
    short = [] if trained >= RETRAINS else [f"only {trained} fits were made"]
    return short + rows.grown(MOST_OF_RETRAINS)


def backtests() -> list[str]:
    """Call `run_backtest` many times in one process."""
    bars, rows = panel(400), Rows("call")
    network = ForecastSpec(train_size=150, lookback=20, units=4, steps=2)
    momentum = MomentumSpec(lookback=60, skip=5)
    with tempfile.TemporaryDirectory() as folder:
        for done in range(1, BACKTESTS + 1):
            run_backtest(
                bars,
                params={"spec": network if done % 10 == 5 else momentum},
                training=Training(),
                folder=Path(folder) / str(done) if done % 10 == 0 else None,
                ledger=False,
            )
            if done == SETTLED or done % 20 == 0:
                rows.add(done)
    return rows.grown(MOST_OF_BACKTESTS)


SECTIONS: dict[str, Callable[[], list[str]]] = {
    "retrains": retrains,
    "backtests": backtests,
}


def main() -> int:
    """Run the sections asked for; return 1 if something grows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    grown = []
    for name in parser.parse_args().sections or list(SECTIONS):
        print(f"\n{name}", flush=True)
        grown += [f"{name}: {problem}" for problem in SECTIONS[name]()]
    for problem in grown:
        print(f"FAILED: {problem}", file=sys.stderr)
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
