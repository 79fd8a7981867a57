"""How fast networks are trained, against what most people write, side by side.

    python benchmarks/training.py [SECTION ...]

Sections: keras, skill, arithmetic, memory, store, width; by default all. Every figure
is a ratio or a share of two things measured in the same run on the same machine, the
median where there are several. Bars are simulated, in the shape of nine sector funds
over twenty years.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from tutorial import POOLED, SINGLE, examples, forecasts, many_to_one, trained

from bt_lstm_rotation.forecasting import (
    BarHistory,
    ForecastSpec,
    ForecastStore,
    Training,
    Window,
    Workers,
    walk_forward,
)
from bt_lstm_rotation.forecasting.recurrent.backend import tensorflow
from bt_lstm_rotation.measures.skill import realised_returns, skill
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket

SPEC = ForecastSpec()
# What TensorFlow trains.
STEPPED = ForecastSpec(initial_weights="random", features=("relative_return",))
# r = mu + 0.01 e, with mu an AR(1): the market whose best forecast is the steady-state
# Kalman filter.
PLAIN = {"market_volatility": 0.0, "market_drift": 0.0, "clustering": 0.0}
# Markets that took no part in any choice. Networks of one sector take minutes for each.
SEEDS = range(600, 610)
SINGLE_MARKETS = 3


def sectors(market: SimulatedMarket) -> PricePanel:
    """Return the bars without the benchmark's."""
    panel = market.panel()
    return panel.select([name for name in panel.symbols if name != MARKET])


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def windows(panel: PricePanel, rows: list[int]) -> list[Window]:
    """Return the windows that fits at some rows see."""
    history = BarHistory.from_panel(panel)
    found = []
    for row in rows:
        at = panel.sessions[row : row + 1]
        stack = history.window(sorted(panel.symbols), at, SPEC.fit_bars)
        found.append(Window(stack.symbols, stack.dates[0], stack.bars[:, 0]))
    return found


def keras() -> None:
    """Time the Keras loops on a sample, and ours on everything."""
    panel = sectors(SimulatedMarket(n_sessions=5156))
    result = None

    def ours() -> None:
        nonlocal result
        result = walk_forward(panel, SPEC)

    walk_forward(panel.rows(0, 900), SPEC)  # imports and traces
    whole, fits = [], []
    for _ in range(3):
        whole.append(seconds(ours))
        # One after the other, so that they add up to a part of the time.
        fits.append(sum(record.seconds for record in result.fits))
    count = len(result.fits)
    took, fitted = statistics.median(whole), statistics.median(fits)
    print(f"ours: {count} windows and their forecasts in {took:.1f} s")
    print(f"      of which the fits {fitted:.1f} s")

    def times_ours(keras: float) -> str:
        alone = f"{keras / fitted * count:,.0f} times our fit"
        return f"{keras / took * count:,.0f} times ours with forecasts, {alone}"

    sample = windows(panel, [1500, 3500])
    each = []
    for window in sample:
        features, targets = examples(SPEC, window)
        inputs, wanted = many_to_one(SPEC, features[:1], targets[:1])
        fit = partial(trained, SPEC, inputs, wanted, **SINGLE)
        each.append(seconds(fit))
    sector = statistics.median(each) * len(panel.symbols)
    print(
        f"Keras, one network a sector, 10 epochs, batch 32: {sector:.1f} s a window "
        f"(sample: {len(each)} sectors), {times_ours(sector)}"
    )
    pooled = []
    for window in sample:
        inputs, wanted = many_to_one(SPEC, *examples(SPEC, window))
        fit = partial(trained, SPEC, inputs, wanted, **POOLED)
        pooled.append(seconds(fit))
    one = statistics.median(pooled)
    print(
        f"Keras, one pooled network, 3 epochs, batch 128: {one:.1f} s a window "
        f"(sample: {len(pooled)} windows), {times_ours(one)}"
    )


def skill_against_keras() -> None:
    """Compare out-of-sample skill with the optimum, and with Keras' networks."""
    found, pooled, single = [], [], []
    for seed in SEEDS:
        market = SimulatedMarket(seed=seed, n_sessions=3000, **PLAIN)
        panel = sectors(market)
        made = walk_forward(panel, SPEC).values
        realised = np.where(
            np.isfinite(made), realised_returns(panel, SPEC.horizon), np.nan
        )
        best = market.optimal_forecast(SPEC.horizon)
        found.append((skill(made, realised)["ic"], skill(best, realised)["ic"]))
        pooled.append(against_keras(panel, made, realised, POOLED))
        if len(single) < SINGLE_MARKETS:
            single.append(against_keras(panel, made, realised, SINGLE))
    ours, best = np.array(found).T
    share, error = ours.sum() / best.sum(), standard_error(ours / best)
    print(
        f"known-answer market, mean of {len(found)}: IC {ours.mean():.4f} "
        f"of {best.mean():.4f}, share {share:.3f} +/- {error:.3f}"
    )
    for name, sample in (("one pooled network", pooled), ("one a sector", single)):
        fused, tutorial = np.array(sample).T
        ahead = fused - tutorial
        print(
            f"on the same 12 months of each of {len(sample)}: IC {fused.mean():.4f}, "
            f"Keras, {name}, {tutorial.mean():.4f}, ahead by {ahead.mean():+.4f} "
            f"+/- {standard_error(ahead):.4f}"
        )


def standard_error(values: np.ndarray) -> float:
    """Return the standard error of the mean."""
    return values.std(ddof=1) / len(values) ** 0.5


def against_keras(
    panel: PricePanel, made: np.ndarray, realised: np.ndarray, loop: dict[str, int]
) -> tuple[float, float]:
    """Return our skill and Keras' on one month after each of twelve fits."""
    theirs = np.full_like(made, np.nan)
    history = BarHistory.from_panel(panel)
    for row in range(1200, 2800, 134):
        (window,) = windows(panel, [row])
        month = panel.sessions[row : row + 21]
        after = history.window(window.symbols, month, SPEC.forecast_bars)
        theirs[row : row + 21] = forecasts(SPEC, window, after, loop)
    scored = np.where(np.isfinite(theirs), realised, np.nan)
    return skill(made, scored)["ic"], skill(theirs, scored)["ic"]


def arithmetic() -> None:
    """Compare floating-point operations a second with NumPy's matrix product.

    As many fits at a time as a backtest makes, and a product on as many cores, in turn.
    """
    panel = sectors(SimulatedMarket(n_sessions=5156))
    walk_forward(panel.rows(0, 900), STEPPED)
    (window,) = windows(panel, [3000])
    forecaster, session, workers = STEPPED.forecaster(), window.dates.max(), Workers()
    # Twenty a core in a row: of fewer, what workers take to begin is no small part.
    together = [window] * (20 * workers.cores)
    length = STEPPED.lookback
    bars = -(-STEPPED.train_size // length) * length * len(panel.symbols)
    inputs = len(STEPPED.features) + STEPPED.units
    # A product forward and two backward, a multiplication and an addition each.
    work = 6.0 * bars * STEPPED.step_count * inputs * 4 * STEPPED.units * len(together)
    big = np.random.default_rng(0).normal(size=(1024, 1024)).astype("f4")

    def fits() -> None:
        list(workers.map(lambda one: forecaster.fit(one, session), together))

    def products() -> None:
        for _ in range(100):
            big @ big

    turns = [(seconds(fits), seconds(products)) for _ in range(7)]
    rates = [(work / fit / 1e9, 200 * 1024**3 / one / 1e9) for fit, one in turns]
    ratio = statistics.median(rate / peak for rate, peak in rates)
    rate, peak = (statistics.median(column) for column in zip(*rates, strict=True))
    print(
        f"{workers.cores} fits at a time: {rate:.0f} GFLOP/s; NumPy's product: "
        f"{peak:.0f}; ratio {ratio:.2f} (median of {len(turns)} turns)"
    )


def memory() -> None:
    """Watch resident memory over five hundred fits."""
    panel = sectors(SimulatedMarket(n_sessions=3000))
    used: dict[int, float] = {}

    def watch(done: int, _planned: int) -> None:
        if done in (20, 500):
            used[done] = resident()

    training = Training(progress=watch)
    walk_forward(panel, ForecastSpec(retrain=4), training=training)
    print(f"resident memory, fit 20 to fit 500: {used[500] - used[20]:+.1f} MB")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"peak of this process: {peak:,.0f} MB")


def resident() -> float:
    """Resident memory of this process, in MB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def store() -> None:
    """Run the same backtest twice."""
    panel = sectors(SimulatedMarket(n_sessions=3120))
    walk_forward(panel.rows(0, 900), SPEC)
    with tempfile.TemporaryDirectory() as folder:
        spent = []
        for _ in range(2):
            training = Training(store=ForecastStore(Path(folder)))
            result = walk_forward(panel, SPEC, training=training)
            spent.append(sum(fit.seconds for fit in result.fits))
    print(
        f"training time of a second run: {spent[1] / spent[0]:.2%} of the first "
        f"({spent[1]:.2f} s of {spent[0]:.1f} s)"
    )


def width() -> None:
    """Train ever wider universes over the same sessions, in turn."""
    walk_forward(sectors(SimulatedMarket(n_sessions=900)), SPEC)  # imports and traces
    panels = {
        count: sectors(SimulatedMarket(n_sectors=count, n_sessions=1100))
        for count in (9, 90, 450)
    }
    taken: dict[int, list[float]] = {count: [] for count in panels}
    for _ in range(3):
        for count, panel in panels.items():
            took = seconds(lambda p=panel: walk_forward(p, SPEC))
            taken[count].append(took / count)
    for count, times in taken.items():
        ratio = statistics.median(
            time / base for time, base in zip(times, taken[9], strict=True)
        )
        print(
            f"{count:4d} symbols: {statistics.median(times):.3f} s a symbol, "
            f"{ratio:.2f} of 9's (median of {len(times)} turns)"
        )


SECTIONS = {
    "keras": keras,
    "skill": skill_against_keras,
    "arithmetic": arithmetic,
    "memory": memory,
    "store": store,
    "width": width,
}


def main() -> None:
    """Run the sections asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    chosen = parser.parse_args().sections or list(SECTIONS)
    tensorflow()
    for name in chosen:
        print(f"\n{name}", flush=True)
        SECTIONS[name]()


if __name__ == "__main__":
    main()
