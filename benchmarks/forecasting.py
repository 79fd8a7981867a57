"""How fast a network forecasts, and how little its seed matters.

    python benchmarks/forecasting.py

Five seeds of the default network, and of one that begins at random and is trained,
forecast one simulated market; what is printed is how alike their forecasts are.
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np
from training import SPEC, STEPPED, seconds, sectors, windows

from bt_lstm_rotation.forecasting import BarHistory, walk_forward
from bt_lstm_rotation.prices.simulated import SimulatedMarket


def spread() -> None:
    """Print how alike the forecasts of networks from five seeds are."""
    panel = sectors(SimulatedMarket(seed=400, n_sessions=1600))
    for kind, spec in (("memory, the default", SPEC), ("random", STEPPED)):
        made = [walk_forward(panel, replace(spec, seed=s)).values for s in range(5)]
        known = np.all([np.isfinite(values).all(axis=1) for values in made], axis=0)
        rows = [values[known] for values in made]
        rows = [values - values.mean(axis=1, keepdims=True) for values in rows]
        rows = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in rows]
        alike = [(a * b).sum(axis=1).mean() for a, b in combinations(rows, 2)]
        print(
            f"initial weights {kind}: mean correlation across sectors of five seeds' "
            f"forecasts {np.mean(alike):.4f}, {min(alike):.4f} at least"
        )


def forecasting() -> None:
    """Time forecasts of 4,000 sessions of nine sectors by one network."""
    panel = sectors(SimulatedMarket(n_sessions=5156))
    (window,) = windows(panel, [1100])
    fit = SPEC.forecaster().fit(window, panel.sessions[1100])
    history = BarHistory.from_panel(panel)
    shown = history.window(window.symbols, panel.sessions[-4000:], SPEC.forecast_bars)
    took = statistics.median(seconds(partial(fit.model.forecast, shown)) for _ in "123")
    print(f"4,000 sessions of nine sectors are forecast in {took:.2f} s")


def main() -> None:
    """Print both."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    forecasting()
    spread()


if __name__ == "__main__":
    main()
