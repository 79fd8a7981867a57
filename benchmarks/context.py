"""What a network finds with the series that brings the news, and without it.

    python benchmarks/context.py [--seeds N] [--first SEED]

On the simulated world of context nothing in the sectors' own bars says what they will
do, and a series that is not traded does. Rows are information coefficients over 21
sessions of the optimum, and of the default network with that series and without it, on
the sessions that all share; behind them is the share of the optimum, and at the end the
mean over the markets with its standard error.
"""

from __future__ import annotations

import argparse

import numpy as np

from bt_lstm_rotation.forecasting import ForecastSpec, walk_forward
from bt_lstm_rotation.forecasting.beside import ContextRule
from bt_lstm_rotation.forecasting.walkforward.beside_panel import Beside
from bt_lstm_rotation.measures.skill import realised_returns, skill
from bt_lstm_rotation.prices.simulated import MARKET, ContextMarket

HORIZON = 21


def measure(market: ContextMarket) -> dict[str, float]:
    """Return the information coefficients on one market."""
    panel, series = market.panel(), Beside(context=market.context())
    sectors = panel.select([name for name in panel.symbols if name != MARKET])
    spec = ForecastSpec()
    told = spec.reading(context=[ContextRule(name="CONTEXT")])
    made = {
        "optimum": market.optimal_forecast(HORIZON),
        "with": walk_forward(sectors, told, beside=series).values,
        "without": walk_forward(sectors, spec).values,
    }
    shared = np.all([np.isfinite(values) for values in made.values()], axis=0)
    realised = np.where(shared, realised_returns(sectors, HORIZON), np.nan)
    return {name: skill(values, realised)["ic"] or 0.0 for name, values in made.items()}


def main() -> None:
    """Print a row a market, and their mean."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=200)
    arguments = parser.parse_args()
    rows = []
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        rows.append(measure(ContextMarket(seed=seed)))
        told = "  ".join(f"{name} {ic:+.4f}" for name, ic in rows[-1].items())
        print(f"seed {seed}: {told}", flush=True)
    table = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    share = table["with"] / table["optimum"].mean()
    for name, values in {**table, "with, of the optimum": share}.items():
        error = values.std(ddof=1) / np.sqrt(len(values))
        print(f"{name}: {values.mean():.4f} +/- {error:.4f}")


if __name__ == "__main__":
    main()
