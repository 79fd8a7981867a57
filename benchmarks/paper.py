"""How long a step of a paper account takes, by its age.

    python benchmarks/paper.py [--bars FOLDER] [--years 5] [--repeats 5]

An account is brought to each age by one step that catches up, and then does as many
steps of one session as there are repeats, each in a process of its own, as from cron:
the median of their times is printed, from the start of Python to its end. Momentum
trains nothing; of the LSTM, steps that train are told apart from those that do not.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bt_lstm_rotation import load_prices
from bt_lstm_rotation.paper import PaperSession

COMMAND = [sys.executable, "-m", "bt_lstm_rotation", "paper"]


def run(root: Path, *words: str) -> float:
    """Run a command of paper trading; return its seconds."""
    # As installed: modules are compiled once, and not anew by each process.
    compiled = {**os.environ, "PYTHONPYCACHEPREFIX": str(root / "compiled")}
    compiled.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.perf_counter()
    done = subprocess.run(
        [*COMMAND, *words, "--root", str(root / "accounts")],
        env=compiled,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return time.perf_counter() - began


def fits(root: Path) -> int:
    """Count the fits of the account."""
    return len(PaperSession("timed", root=root / "accounts").record().tables["fits"])


def main() -> None:
    """Time steps, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", help="folder of bars (default: the simulated market)")
    parser.add_argument("--years", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    data, more = "simulated", []
    if options.bars:
        data = f"folder:{options.bars}"
        names = sorted(f.stem for f in Path(options.bars).glob("XL*.csv"))
        more = ["--symbols", ",".join(names), "--benchmark", "SPY"]
    panel = load_prices(data)
    days = [day for day in panel.sessions.tolist() if day >= dt.date(2005, 1, 3)]
    print("strategy            age   bars alone   with a fit")
    for strategy in ("momentum_12_1", "lstm_top3_monthly"):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            words = [
                "--data",
                data,
                *more,
                "--strategy",
                strategy,
                "--calendar",
                "bars",
            ]
            run(root, "start", "timed", *words, "--today", str(days[0]))
            for year in range(options.years + 1):
                place = 252 * year + 1
                run(root, "step", "timed", "--today", str(days[place]))
                times: dict[bool, list[float]] = {False: [], True: []}
                for day in days[place + 1 :]:
                    before = fits(root)
                    took = run(root, "step", "timed", "--today", str(day))
                    times[fits(root) > before].append(took)
                    enough = len(times[False]) >= options.repeats
                    if enough and (times[True] or strategy == "momentum_12_1"):
                        break
                shown = [
                    f"{statistics.median(found):8.2f} s" if found else f"{'':10}"
                    for found in (times[False], times[True])
                ]
                print(f"{strategy:18} {year:2} y   {shown[0]}   {shown[1]}", flush=True)


if __name__ == "__main__":
    main()
