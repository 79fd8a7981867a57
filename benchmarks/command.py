"""How long the main command takes, from a cold process to the last file, and on what.

    python benchmarks/command.py [--bars FOLDER] [--repeats 3]

The command is the default run from 2004 on, of nine sectors and a benchmark, with an
empty store and with a full one: each the median of processes of their own, and the most
memory one took. Then the parts are done one after the other in one process, with
one worker, so that each has its share. A network that TensorFlow trains is run besides.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PARTS = """
import json, sys, time
marks = [("", time.process_time())]
def done(part):
    marks.append((part, time.process_time()))
from pathlib import Path
from bt_lstm_rotation import Training, Workers, load_prices, run_backtest
from bt_lstm_rotation.backtest import run as _
from bt_lstm_rotation import ForecastSpec
from bt_lstm_rotation.forecasting import ForecastStore, walk_forward
from bt_lstm_rotation.reporting import write_run
import backtrader, datetime
done("imports")
data, names, benchmark, out = json.loads(sys.argv[1])
panel = load_prices(data, names, benchmark=benchmark)
done("reading")
sectors = panel.select([name for name in panel.symbols if name != benchmark])
training = Training(store=ForecastStore(Path(out, "store")), workers=Workers(jobs=1))
made = walk_forward(sectors, ForecastSpec(), training=training)
done("fits and forecasts")
result = run_backtest(panel, benchmark=benchmark, training=training,
                      start=datetime.date(2004, 1, 2))
done("Cerebro, its forecasts from the store")
write_run(result, Path(out, "run"))
done("files")
spent = {b[0]: b[1] - a[1] for a, b in zip(marks, marks[1:])}
fits = sum(fit.seconds for fit in made.fits)
spent[f"of these, {len(made.fits)} fits"] = fits
print(json.dumps(spent))
"""


def environment(folder: str) -> dict[str, str]:
    """As installed, with caches of its own."""
    return {**os.environ, "XDG_CACHE_HOME": folder}


def timed(words: list[str], folder: str) -> tuple[float, float]:
    """Run the command once; return its seconds, and the most MB of any so far."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "bt_lstm_rotation", *words],
        env=environment(folder),
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    took = time.perf_counter() - began
    return took, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3


def main() -> None:
    """Print the times, the memory and the shares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", help="folder of bars (default: the simulated market)")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    data, names, benchmark = "simulated", None, "MARKET"
    words = ["--data", "simulated"]
    if options.bars:
        data, benchmark = f"folder:{options.bars}", "SPY"
        names = sorted(file.stem for file in Path(options.bars).glob("XL*.csv"))
        words = ["--data", data, "--symbols", ",".join(names), "--benchmark", "SPY"]
    words += ["--start", "2004-01-02", "--quiet"]
    trained = ["--set", "steps=15", "--set", "initial_weights=random"]
    for kind, more in (("default", []), ("trained by TensorFlow", trained)):
        empty, full, most = [], [], 0.0
        for _ in range(options.repeats):
            with tempfile.TemporaryDirectory() as folder:
                for place, times in (("1", empty), ("2", full)):
                    out = ["--out", str(Path(folder, place))]
                    took, most = timed([*words, *more, *out], folder)
                    times.append(took)
        one, two = map(statistics.median, (empty, full))
        print(f"{kind}: {one:.1f} s, with a full store {two:.1f} s, {most:.0f} MB")
    with tempfile.TemporaryDirectory() as folder:
        given = json.dumps([data, names, benchmark, folder])
        ran = subprocess.run(
            [sys.executable, "-c", PARTS, given],
            env=environment(folder),
            check=True,
            capture_output=True,
            text=True,
        )
    spent = json.loads(ran.stdout.splitlines()[-1])
    total = sum(took for part, took in spent.items() if not part.startswith("of these"))
    print(f"\nprocessor time, {total:.1f} s in all")
    for part, took in spent.items():
        print(f"  {part:40} {took:6.2f} s {took / total:5.0%}")


if __name__ == "__main__":
    main()
