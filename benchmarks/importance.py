"""Whether importance finds what brings skill, and how often it finds what does not.

    python benchmarks/importance.py [--markets N] [--first SEED]

On simulated markets whose signal is in the sectors' own returns, a small network also
reads an input and a series that are pure noise. Rows are, over the markets, mean and
deviation of Student's t of what is lost without each, and how often its one-sided test
of 5% rejects that nothing is.
"""

from __future__ import annotations

import argparse

import numpy as np

from bt_lstm_rotation.evidence.importance import Importance, importance
from bt_lstm_rotation.forecasting import ForecastSpec
from bt_lstm_rotation.forecasting.beside import ContextRule, InputRule
from bt_lstm_rotation.forecasting.walkforward.beside_panel import Beside
from bt_lstm_rotation.prices.simulated import MARKET, ContextMarket, SimulatedMarket

SIZE = {"n_sessions": 1_500, "n_sectors": 5}
SPEC = ForecastSpec(
    lookback=21, horizon=5, train_size=252, units=8, retrain="quarterly"
).reading([InputRule(name="noise")], [ContextRule(name="CONTEXT")])


def measured(seed: int) -> Importance:
    """Measure what each input brings on one market."""
    panel = SimulatedMarket(**SIZE, seed=seed).panel()
    sectors = panel.select([name for name in panel.symbols if name != MARKET])
    noise = np.random.default_rng(seed).normal(size=sectors.traded.shape)
    series = ContextMarket(**SIZE, seed=seed + 1_000).context()
    beside = Beside({"noise": noise}, series)
    return importance(sectors, SPEC, beside=beside, permutations=3)


def main() -> None:
    """Print a row for each table and input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--markets", type=int, default=40)
    parser.add_argument("--first", type=int, default=400)
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.markets)
    found = [measured(seed) for seed in seeds]
    for title in ("permuted", "refitted"):
        tables = [getattr(each, title) for each in found]
        for name in ("relative_return", "noise", "CONTEXT"):
            t = np.array([table.loc[name, "t"] for table in tables])
            p = np.array([table.loc[name, "p"] for table in tables])
            print(
                f"{title} {name}: t {t.mean():.1f}, deviation {t.std():.1f}, "
                f"found in {(p < 0.05).sum()} of {len(p)}"
            )


if __name__ == "__main__":
    main()
