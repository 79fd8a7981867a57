"""The published half-year, run honestly, and the fifteen years around it.

    python benchmarks/study.py FOLDER [--seeds N]

FOLDER holds one CSV a symbol, as Yahoo names columns: nine SPDR sectors, SPY, and GSPC,
the S&P 500 price index. For each period it prints what 100,000 became with commission
0.0005 and slippage 0.0002, and how well the forecasts ranked the sectors. The standard
error of the information coefficient counts one session in each horizon: forecasts made
within one share most of their outcome.
"""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

import numpy as np

from bt_lstm_rotation import BacktestResult, ForecastSpec, run_backtest
from bt_lstm_rotation.backtest.strategy_file import find_strategy
from bt_lstm_rotation.forecasting import FORECASTERS
from bt_lstm_rotation.measures.skill import skill
from bt_lstm_rotation.prices.folder import load_folder
from bt_lstm_rotation.prices.source import SPDR_SECTORS
from bt_lstm_rotation.strategy import SectorRotation

HORIZON = 21
RIVALS = ("momentum_12_1", "kalman", "ewma", "ridge")
# The network of before it began with memory.
RANDOM = ForecastSpec(initial_weights="random", features=("relative_return",))
PERIODS = {
    "the study": (dt.date(2019, 1, 2), dt.date(2019, 6, 28), 2),
    "fifteen years": (dt.date(2004, 1, 2), dt.date(2019, 6, 28), 3),
}


def coefficient(result: BacktestResult) -> str:
    """Return the information coefficient, and its standard error without overlap."""
    table = result.forecasts.pivot(index="session", columns="symbol")
    made = table["forecast"].to_numpy()
    realised = table["realised"].to_numpy()
    daily = [skill(made[[row]], realised[[row]])["ic"] for row in range(len(made))]
    known = np.array([value for value in daily if value is not None])
    if not len(known):
        return "IC none: no session ranks them"
    if len(known) < 3 * HORIZON:
        return f"IC {known.mean():+.3f}"
    error = known.std(ddof=1) / np.sqrt(len(known) / HORIZON)
    return f"IC {known.mean():+.3f} +/- {error:.3f}"


def main() -> None:
    """Print one table a period."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    panel = load_folder(
        arguments.folder, [*SPDR_SECTORS, "SPY", "GSPC"], today=dt.date.today()
    )
    for name, (start, end, top) in PERIODS.items():
        print(f"\n{name}: top {top}, monthly, {start} to {end}")
        for benchmark in ("GSPC", "SPY"):
            bars = panel.select([*SPDR_SECTORS, benchmark])
            span = {"benchmark": benchmark, "start": start, "end": end}
            equal = run_backtest(bars, find_strategy("equal_weight"), **span)
            worth = equal.account["benchmark"].iloc[-1]
            print(f"  {benchmark:28s} {worth:12,.2f}")
        print(f"  {'equal weight':28s} {equal.account['equity'].iloc[-1]:12,.2f}")
        specs = {name: FORECASTERS[name] for name in RIVALS}
        specs |= {
            f"LSTM, seed {seed}": ForecastSpec(seed=seed)
            for seed in range(arguments.seeds)
        }
        specs["LSTM, random weights"] = RANDOM
        for label, spec in specs.items():
            params = {"spec": spec, "top": top}
            result = run_backtest(bars, SectorRotation, params, **span)
            worth = result.account["equity"].iloc[-1]
            print(f"  {label:28s} {worth:12,.2f}   {coefficient(result)}", flush=True)


if __name__ == "__main__":
    main()
