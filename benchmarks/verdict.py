"""Whether the verdict is right: on markets of which it is known what there is to find.

    python benchmarks/verdict.py [--candidate NAME] [--markets N] [--years Y] [--jobs N]
    python benchmarks/verdict.py --overfitting

The first measures, over simulated markets of Y years of forecasts each,

- *size*: how often skill is claimed at signal 0, where there is none; at most 5%
- *power*: how often it is claimed at the default strength; at least 80%
- whether the *smallest detectable skill* is right: the signal is sought at which the
  candidate's true coefficient, its mean over other markets, is the smallest detectable
  one that verdicts at signal 0 state on average; of markets of that signal, it is
  claimed in about 80%

and the second the probability of backtest overfitting of 24 configurations that are
noise, and of these with one that is truly better.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed

from bt_lstm_rotation.forecasting import FORECASTERS, walk_forward
from bt_lstm_rotation.measures.inference.overfitting import overfitting
from bt_lstm_rotation.measures.inference.random_portfolios import traded
from bt_lstm_rotation.measures.inference.skill_claim import claim_of_skill, is_learned
from bt_lstm_rotation.measures.skill import realised_returns, session_ic
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket

YEAR = 252
# None of these took part in choosing anything: markets 0 to 299 did in choosing the
# network's defaults, those from 10,000 and 30,000 on in how skill widens its error.
NULL, CALIBRATION, EXACT, DEFAULT = 50_000, 20_000, 60_000, 40_000
CONFIGURATIONS, TOP, MONTH, COST = 24, 3, 21, 0.0007


class Found(NamedTuple):
    """What the claim says of one market."""

    outcome: str
    ic: float
    detectable: float


def claimed(name: str, seed: int, signal: float, years: float) -> Found:
    """Walk forward over one market and claim what its forecasts support."""
    spec, sessions = FORECASTERS[name], round(years * YEAR)
    # History for a fit, up to a month until one is due, and returns that mature.
    length = spec.fit_bars + 23 + sessions + spec.horizon
    market = SimulatedMarket(seed=seed, signal=signal, n_sessions=length)
    panel = market.panel()
    sectors = panel.select([symbol for symbol in panel.symbols if symbol != MARKET])
    values = walk_forward(sectors, spec).values
    ic = session_ic(values, realised_returns(sectors, spec.horizon))
    ic = ic[len(ic) - spec.horizon - sessions : len(ic) - spec.horizon]
    learned = is_learned({"forecaster": type(spec).__name__})
    found = claim_of_skill(ic, spec.horizon, periods_a_year=YEAR, learned=learned)
    # Forecasts that are all alike rank nobody: a coefficient of 0.
    return Found(found.outcome, float(np.nan_to_num(ic).mean()), found.detectable)


def over(
    name: str, first: int, count: int, signal: float, years: float, jobs: int
) -> list[Found]:
    """Claim over some markets, and show the time it takes."""
    begin = time.perf_counter()
    found = Parallel(n_jobs=jobs)(
        delayed(claimed)(name, seed, signal, years)
        for seed in range(first, first + count)
    )
    took = time.perf_counter() - begin
    print(
        f"{count} markets of signal {signal:.4g}: claimed in "
        f"{share(found):.1%}, mean IC {mean_ic(found):+.4f} ({took:,.0f} s)",
        file=sys.stderr,
        flush=True,
    )
    return found


def share(found: Iterable[Found]) -> float:
    """Return the share of markets in which skill is claimed."""
    return float(np.mean([one.outcome == "skill" for one in found]))


def mean_ic(found: Iterable[Found]) -> float:
    """Return the mean coefficient over markets."""
    return float(np.mean([one.ic for one in found]))


def signal_of(
    name: str, wanted: float, top: float, years: float, jobs: int, count: int
) -> float:
    """Seek the signal at which the candidate's mean coefficient is the wanted one."""
    low, low_ic, high, high_ic = 0.0, 0.0, 1.0, top
    guess = 0.5
    for step in range(4):
        guess = low + (high - low) * min(
            0.9, max(0.1, (wanted - low_ic) / max(high_ic - low_ic, 1e-9))
        )
        found = over(name, CALIBRATION + 1_000 * step, count, guess, years, jobs)
        ic = mean_ic(found)
        if abs(ic - wanted) < 0.03 * wanted:
            break
        if ic < wanted:
            low, low_ic = guess, ic
        else:
            high, high_ic = guess, ic
    return guess


def size_and_power(name: str, count: int, years: float, jobs: int) -> dict[str, float]:
    """Measure all three; keys say what each figure is."""
    null = over(name, NULL, count, 0.0, years, jobs)
    strong = over(name, DEFAULT, count, 1.0, years, jobs)
    detectable = float(np.nanmean([one.detectable for one in null]))
    signal = signal_of(name, detectable, mean_ic(strong), years, jobs, count // 2)
    exact = over(name, EXACT, count, signal, years, jobs)
    return {
        "markets": count,
        "years": years,
        "claimed_at_signal_0": share(null),
        "claimed_at_default": share(strong),
        "ic_at_default": mean_ic(strong),
        "smallest_detectable": detectable,
        "signal_of_that": signal,
        "ic_there": mean_ic(exact),
        "claimed_there": share(exact),
    }


def noise_sweep(seed: int) -> tuple[float, float]:
    """Return the probability of overfitting of noise, and with one that is better."""
    market = SimulatedMarket(seed=seed)
    panel = market.panel()
    close = panel.close[:, : market.n_sectors]
    rows = np.arange(252, len(close), MONTH)
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(len(rows), CONFIGURATIONS, market.n_sectors))
    best = market.optimal_forecast(MONTH)[rows - 1][:, None]
    forecasts = np.concatenate([noise, best], axis=1)
    chosen = forecasts.argsort(axis=2).argsort(axis=2) >= market.n_sectors - TOP
    opened = panel.bars[0][rows][:, : market.n_sectors]
    worth, _ = traded(close, opened, chosen, np.ones(len(rows)), rows, COST)
    returns = (worth[:, 1:] / worth[:, :-1] - 1).T
    return (
        overfitting(returns[:, :-1]).probability,
        overfitting(returns).probability,
    )


def main() -> None:
    """Print the figures as JSON, and progress aside."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidate", default="lstm", choices=list(FORECASTERS))
    parser.add_argument("--markets", type=int, default=200)
    parser.add_argument("--years", type=float, default=10.0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--overfitting", action="store_true")
    arguments = parser.parse_args()
    if arguments.overfitting:
        found = np.array([noise_sweep(seed) for seed in range(arguments.markets)])
        for name, column in zip(("noise", "one better"), found.T, strict=True):
            low, high = np.quantile(column, [0.1, 0.9])
            print(
                f"{name}: mean {column.mean():.3f}, market 0 {column[0]:.3f}, 80% of "
                f"markets {low:.3f} to {high:.3f}"
            )
        return
    figures = size_and_power(
        arguments.candidate, arguments.markets, arguments.years, arguments.jobs
    )
    print(json.dumps({"candidate": arguments.candidate, **figures}, indent=2))


if __name__ == "__main__":
    main()
