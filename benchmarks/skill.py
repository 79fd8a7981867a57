"""Out-of-sample skill on simulated markets, as a share of what is attainable.

    python benchmarks/skill.py [--seeds N] [--first SEED] [--rows A,B] [--signals 1,0]
        [--retrain EVERY]
    python benchmarks/skill.py --worlds [NAME ...] [--seeds N] [--first SEED]

Each market knows its own best forecast (an expectation that is told the truth about
everything but the future), so skill has a scale: 1 is all there is to find. Every row
is the mean over markets of the information coefficient, which is the mean over sessions
of the cross-sectional correlation of forecast and realised return, on the sessions that
all rows share; all are fitted on the same windows, with the same purge. A share's error
is that of the mean over markets of the row's difference from as much of the optimum as
it finds on average. Behind it is the difference to the LSTM, market by market, whose
standard error is smaller than those of the two apart. At signal 0 there is nothing to
find, and a row should be within two standard errors of 0.

With ``--worlds`` it does so on each of the worlds, or on those named.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bt_lstm_rotation.forecasting import (
    FORECASTERS,
    ForecastSpec,
    RidgeSpec,
    walk_forward,
)
from bt_lstm_rotation.measures.skill import realised_returns, skill
from bt_lstm_rotation.prices.simulated import (
    MARKET,
    WORLDS,
    KnownMarket,
    SimulatedMarket,
    simulated_market,
)

HORIZON = 21

# Forecasts of zero rank nobody, and the optimum is the market's own.
SPECS = {
    **{k: v for k, v in FORECASTERS.items() if k not in ("zero", "oracle", "momentum")},
    "lstm_plain": ForecastSpec(target="plain", features=("log_return",)),
    "ridge_lags": RidgeSpec(inputs="lags"),
}
# The network with gradient steps, without filters, and with many features, for those
# who ask.
EIGHT = (
    *("relative_return", "volume", "overnight_return", "intraday_return"),
    *("volatility", "garman_klass", "amihud", "drawdown"),
)
VARIANTS = {
    "lstm_steps": ForecastSpec(steps=15),
    "lstm_validated": ForecastSpec(steps=15, validation=0.2),
    "lstm_unfiltered": ForecastSpec(filters=False),
    **{
        f"lstm_{count}_{shrinkage}": ForecastSpec(
            features=EIGHT[:count], shrinkage=shrinkage
        )
        for count in (3, 4, 6, 8)
        for shrinkage in ("common", "adaptive")
    },
}
KNOWN = {**SPECS, **VARIANTS}
# On the worlds: the network, and what is linear in returns.
LINEAR = ["lstm", "kalman", "ewma", "ridge", "ridge_lags", "momentum_63", "mean"]


def measure(market: KnownMarket, rows: Sequence[str], retrain: str) -> dict[str, float]:
    """Return the information coefficient of the optimum and of each row."""
    panel = market.panel()
    sectors = panel.select([name for name in panel.symbols if name != MARKET])
    specs = {name: replace(KNOWN[name], retrain=retrain) for name in rows}
    made = {name: walk_forward(sectors, spec).values for name, spec in specs.items()}
    made = {"optimum": market.optimal_forecast(HORIZON), **made}
    shared = np.all([np.isfinite(values) for values in made.values()], axis=0)
    # As many sessions whatever rows are asked for: some need more history than others.
    shared[: max(spec.fit_bars for spec in SPECS.values())] = False
    realised = np.where(shared, realised_returns(sectors, HORIZON), np.nan)
    return {name: skill(values, realised)["ic"] or 0.0 for name, values in made.items()}


def show(
    title: str, markets: Sequence[KnownMarket], rows: Sequence[str], retrain: str
) -> None:
    """Print the table of some markets of one law."""
    found = []
    for market in markets:
        found.append(measure(market, rows, retrain))
        print(f"market {market.seed} is done", file=sys.stderr)
    print(f"\n{title}, {len(markets)} markets of {markets[0].n_sessions}")
    columns = {name: np.array([one[name] for one in found]) for name in found[0]}
    best = columns["optimum"]
    for name, values in columns.items():
        told = f"{values.mean() / error_of(values):+.1f} se"
        if markets[0].signal:
            share = values.mean() / best.mean()
            spread = error_of(values - share * best) / best.mean()
            told = f"share {share:+.3f} +/- {spread:.3f}"
        paired = with_error(values - columns["lstm"])
        line = f"{name:16s} {with_error(values)}   {told}   less lstm {paired}"
        print(line, flush=True)


def error_of(values: np.ndarray) -> float:
    """Return the standard error of the mean of some markets' figures."""
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def with_error(values: np.ndarray) -> str:
    """Write the mean of some markets' figures with its standard error."""
    return f"{values.mean():+.4f} +/- {error_of(values):.4f}"


def main() -> None:
    """Print one table a signal strength, or one a world."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    # Markets 0 to 3 took part in choosing the defaults; these did not.
    parser.add_argument("--first", type=int, default=100, help="the first seed")
    parser.add_argument("--rows", help="which forecasters (default: all)")
    parser.add_argument("--retrain", default="monthly", help="how often all are fitted")
    parser.add_argument("--signals", default="1,0", help="how much there is to find")
    parser.add_argument(
        "--worlds",
        nargs="*",
        choices=list(WORLDS),
        metavar="NAME",
        help="on the simulated worlds, or those named",
    )
    arguments = parser.parse_args()
    usual = SPECS if arguments.worlds is None else LINEAR
    asked = arguments.rows.split(",") if arguments.rows else usual
    rows = list(dict.fromkeys(["lstm", *asked]))
    if unknown := set(rows) - set(KNOWN):
        parser.error(f"no forecaster {', '.join(unknown)}; known: {', '.join(KNOWN)}")
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    if arguments.worlds is None:
        for signal in map(float, arguments.signals.split(",")):
            markets = [SimulatedMarket(seed=seed, signal=signal) for seed in seeds]
            show(f"signal {signal:g}", markets, rows, arguments.retrain)
        return
    for world in arguments.worlds or WORLDS:
        markets = [simulated_market(world, seed=seed) for seed in seeds]
        show(world, markets, rows, arguments.retrain)


if __name__ == "__main__":
    main()
