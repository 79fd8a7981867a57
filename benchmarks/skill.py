"""Out-of-sample skill on simulated markets, as a share of what is attainable.

    python benchmarks/skill.py [--seeds N] [--first SEED]

Each market knows its own best forecast (a Kalman filter that is told the truth about
everything but the future), so skill has a scale: 1 is all there is to find. Every row
is the mean over markets of the information coefficient, which is the mean over sessions
of the cross-sectional correlation of forecast and realised return, on the sessions that
all rows share. At signal 0 there is nothing to find, and a row should be within two
standard errors of 0.
"""

from __future__ import annotations

import argparse

import numpy as np

from bt_lstm_rotation.forecasting import ForecastSpec, MomentumSpec, walk_forward
from bt_lstm_rotation.measures.skill import realised_returns, skill
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket

SPECS = {
    "LSTM, the default": ForecastSpec(),
    "LSTM, plain return as input and target": ForecastSpec(
        target="plain", features=("log_return",)
    ),
    "momentum of 63 sessions": MomentumSpec(lookback=63, skip=0),
}


def measure(market: SimulatedMarket) -> dict[str, float]:
    """Return the information coefficient of the optimum and of each spec."""
    panel = market.panel()
    sectors = panel.select([name for name in panel.symbols if name != MARKET])
    made = {name: walk_forward(sectors, spec).values for name, spec in SPECS.items()}
    made = {"optimum": market.optimal_forecast(21), **made}
    shared = np.all([np.isfinite(values) for values in made.values()], axis=0)
    realised = np.where(shared, realised_returns(sectors, 21), np.nan)
    return {name: skill(values, realised)["ic"] or 0.0 for name, values in made.items()}


def main() -> None:
    """Print one table a signal strength."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    # Markets 0 to 3 took part in choosing the defaults; these did not.
    parser.add_argument("--first", type=int, default=100, help="the first seed")
    arguments = parser.parse_args()
    for signal in (1.0, 0.0):
        markets = [
            SimulatedMarket(seed=arguments.first + number, signal=signal)
            for number in range(arguments.seeds)
        ]
        rows = [measure(market) for market in markets]
        print(f"\nsignal {signal:g}, {len(markets)} markets of {markets[0].n_sessions}")
        for name in rows[0]:
            values = np.array([row[name] for row in rows])
            error = values.std(ddof=1) / np.sqrt(len(values))
            share = values.mean() / np.mean([row["optimum"] for row in rows])
            told = (
                f"share {share:.3f}" if signal else f"{values.mean() / error:+.1f} se"
            )
            print(f"{name:40s} {values.mean():+.4f} +/- {error:.4f}   {told}")


if __name__ == "__main__":
    main()
