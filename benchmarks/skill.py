"""Out-of-sample skill on simulated markets, as a share of what is attainable.

    python benchmarks/skill.py [--seeds N] [--first SEED]
    python benchmarks/skill.py --worlds [NAME ...] [--seeds N] [--first SEED]

Each market knows its own best forecast (an expectation that is told the truth about
everything but the future), so skill has a scale: 1 is all there is to find. Every row
is the mean over markets of the information coefficient, which is the mean over sessions
of the cross-sectional correlation of forecast and realised return, on the sessions that
all rows share. At signal 0 there is nothing to find, and a row should be within two
standard errors of 0.

With ``--worlds`` it does so on each of the worlds, or on those named, with the linear
rivals beside the network; a share's error is that of the mean over markets of the
row's difference from as much of the optimum as it finds on average.
"""

from __future__ import annotations

import argparse

import numpy as np

from bt_lstm_rotation.forecasting import (
    EWMASpec,
    ForecastSpec,
    KalmanSpec,
    MeanSpec,
    MomentumSpec,
    ReversalSpec,
    RidgeSpec,
    walk_forward,
)
from bt_lstm_rotation.forecasting.forecaster import Spec
from bt_lstm_rotation.measures.skill import realised_returns, skill
from bt_lstm_rotation.prices.simulated import (
    MARKET,
    WORLDS,
    KnownMarket,
    SimulatedMarket,
    simulated_market,
)

SPECS: dict[str, Spec] = {
    "LSTM, the default": ForecastSpec(),
    "LSTM, plain return as input and target": ForecastSpec(
        target="plain", features=("log_return",)
    ),
    "momentum of 63 sessions": MomentumSpec(lookback=63, skip=0),
}
RIVALS: dict[str, Spec] = {
    "LSTM, the default": ForecastSpec(),
    "LSTM, with volume and volatility": ForecastSpec(
        features=("relative_return", "volume", "volatility")
    ),
    "Kalman filter": KalmanSpec(),
    "EWMA": EWMASpec(),
    "ridge on means": RidgeSpec(),
    "ridge on lags": RidgeSpec(inputs="lags"),
    "historical mean": MeanSpec(),
    "momentum of 63 sessions": MomentumSpec(lookback=63, skip=0),
    "momentum of 12 months, less one": MomentumSpec(),
    "reversal": ReversalSpec(),
}


def measure(market: KnownMarket, specs: dict[str, Spec]) -> dict[str, float]:
    """Return the information coefficient of the optimum and of each spec."""
    panel = market.panel()
    sectors = panel.select([name for name in panel.symbols if name != MARKET])
    made = {name: walk_forward(sectors, spec).values for name, spec in specs.items()}
    made = {"optimum": market.optimal_forecast(21), **made}
    shared = np.all([np.isfinite(values) for values in made.values()], axis=0)
    realised = np.where(shared, realised_returns(sectors, 21), np.nan)
    return {name: skill(values, realised)["ic"] or 0.0 for name, values in made.items()}


def show(title: str, markets: list[KnownMarket], specs: dict[str, Spec]) -> None:
    """Print the table of some markets of one law."""
    rows = [measure(market, specs) for market in markets]
    print(f"\n{title}, {len(markets)} markets of {markets[0].n_sessions}")
    best = np.array([row["optimum"] for row in rows])
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        error = values.std(ddof=1) / np.sqrt(len(values))
        told = f"{values.mean() / error:+.1f} se"
        if markets[0].signal:
            share = values.mean() / best.mean()
            spread = (values - share * best).std(ddof=1) / np.sqrt(len(values))
            told = f"share {share:+.3f} +/- {spread / best.mean():.3f}"
        print(f"{name:40s} {values.mean():+.4f} +/- {error:.4f}   {told}", flush=True)


def main() -> None:
    """Print one table a signal strength, or a world."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    # Markets 0 to 3 took part in choosing the defaults; these did not.
    parser.add_argument("--first", type=int, default=100, help="the first seed")
    parser.add_argument(
        "--worlds",
        nargs="*",
        choices=list(WORLDS),
        metavar="NAME",
        help="on the simulated worlds, or those named, with more rivals",
    )
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    if arguments.worlds is None:
        for signal in (1.0, 0.0):
            markets = [SimulatedMarket(seed=seed, signal=signal) for seed in seeds]
            show(f"signal {signal:g}", list(markets), SPECS)
        return
    for world in arguments.worlds or WORLDS:
        markets = [simulated_market(world, seed=seed) for seed in seeds]
        show(world, markets, RIVALS)


if __name__ == "__main__":
    main()
