"""What a network remembers, measured: the figures of docs/inside-the-lstm.md.

    python benchmarks/inside.py memory [--seeds N] [--first SEED]
    python benchmarks/inside.py vanishing [--bars FOLDER]
    python benchmarks/inside.py pictures --bars FOLDER

``memory`` is a task that needs it: on the simulated world of delay a return comes back
after 5, 20, 50 or 100 sessions, and what the next five bring was seen that long ago and
nowhere else. Each cell is fitted once, on 2,000 sessions, and forecasts the 2,000 after
the next month. It prints the information coefficient against the distance, beside the
optimum and ridge regression on the raw lags.

``vanishing`` prints how the gradient of the last state fades with the lag, for each
cell, at its initial weights and after training, and ``pictures`` draws both, and what a
network does with nine sector funds, into docs/pictures.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from bt_lstm_rotation.forecasting import BarHistory, ForecastSpec, RidgeSpec
from bt_lstm_rotation.forecasting.features import compute
from bt_lstm_rotation.forecasting.forecaster import Model, Spec
from bt_lstm_rotation.forecasting.inside.vanishing import fading, gradient_norms
from bt_lstm_rotation.forecasting.recurrent.network import Network
from bt_lstm_rotation.forecasting.recurrent.start import with_memory
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.measures.skill import realised_returns, skill
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.simulated import MARKET, DelayedMarket, SimulatedMarket

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
CELLS = ("lstm", "gru", "rnn")
DISTANCES = (5, 20, 50, 100)
HORIZON, TRAINED, AHEAD = 5, 2_000, 2_000
TASK = ForecastSpec(
    horizon=HORIZON, train_size=TRAINED, features=("relative_return",), lookback=126
)
STEPS = 400
WAYS = {
    "memory, no step (the default)": {},
    f"memory, {STEPS} steps": {"steps": STEPS},
    f"random weights, {STEPS} steps": {"steps": STEPS, "initial_weights": "random"},
}


def sectors_of(market: SimulatedMarket | DelayedMarket) -> PricePanel:
    """Return a market's sectors, without the market itself."""
    panel = market.panel()
    return panel.select([name for name in panel.symbols if name != MARKET])


def last_window(history: BarHistory, session: np.datetime64, n_bars: int) -> Window:
    """Return the bars of all symbols up to a session, (n_symbols, n_bars)."""
    stack = history.window(history.symbols, np.array([session]), n_bars)
    return Window(stack.symbols, stack.dates[0], stack.bars[:, 0])


def fitted_at(spec: Spec, history: BarHistory, session: np.datetime64) -> Model:
    """Fit once, on the bars up to a session."""
    fit = spec.forecaster().fit(last_window(history, session, spec.fit_bars), session)
    if fit.model is None:
        raise SystemExit(f"the fit failed: {fit.problem}")
    return fit.model


def forecasts(model: Model, spec: Spec, history: BarHistory, sessions: np.ndarray):
    """Forecast sessions, (n, n_symbols), in blocks."""
    made = [
        model.forecast(history.window(history.symbols, block, spec.forecast_bars))
        for block in np.array_split(sessions, max(len(sessions) // 64, 1))
    ]
    return np.concatenate(made, axis=1).mean(axis=0)


def memory_rows(distance: int, seed: int) -> Iterator[tuple[str, str, float]]:
    """Yield (cell or rival, way, information coefficient) on one market."""
    first = TRAINED + 300
    market = DelayedMarket(
        lag=distance, seed=seed, signal=4.0, n_sessions=first + AHEAD + HORIZON
    )
    panel = sectors_of(market)
    history = BarHistory.from_panel(panel)
    fit, sessions = panel.sessions[first - 21], panel.sessions[first : first + AHEAD]
    rows = np.searchsorted(panel.sessions, sessions)
    realised = realised_returns(panel, HORIZON)[rows]
    order = [history.symbols.index(name) for name in panel.symbols]

    def ic(values: np.ndarray) -> float:
        return skill(values, realised)["ic"] or 0.0

    yield "optimum", "", ic(market.optimal_forecast(HORIZON)[rows])
    lags = RidgeSpec(inputs="lags", horizon=HORIZON, train_size=TRAINED)
    made = forecasts(fitted_at(lags, history, fit), lags, history, sessions)
    yield "ridge on lags", "", ic(made[:, order])
    for way, settings in WAYS.items():
        for cell in CELLS:
            spec = replace(TASK, cell=cell, **settings)
            made = forecasts(fitted_at(spec, history, fit), spec, history, sessions)
            yield cell, way, ic(made[:, order])


def measured_memory(seeds: range) -> dict[tuple[str, str], dict[int, list[float]]]:
    """Measure every row at every distance, on each of some markets."""
    found: dict[tuple[str, str], dict[int, list[float]]] = {}
    for distance in DISTANCES:
        for seed in seeds:
            began = time.perf_counter()
            for cell, way, ic in memory_rows(distance, seed):
                row = found.setdefault((cell, way), {d: [] for d in DISTANCES})
                row[distance].append(ic)
            took = time.perf_counter() - began
            print(f"{distance} back, market {seed}: {took:.0f} s", file=sys.stderr)
    return found


def print_memory(seeds: range) -> None:
    """Print the table of information coefficients."""
    found = measured_memory(seeds)
    heads = "".join(f"{d:>16d}" for d in DISTANCES)
    print(f"\nIC by distance, {len(seeds)} markets\n{'':42s}{heads}")
    for (cell, way), row in found.items():
        cells = ""
        for values in row.values():
            error = np.std(values, ddof=1) / np.sqrt(len(values)) if values[1:] else 0
            cells += f"{np.mean(values):+9.3f} ±{error:5.3f}"
        print(f"{cell:10s}{way:32s}{cells}", flush=True)


def bars_of(folder: Path | None) -> PricePanel:
    """Return nine sectors: of a folder, or of the simulated market."""
    if folder is None:
        return sectors_of(SimulatedMarket(seed=0, n_sessions=1_200))
    from bt_lstm_rotation.prices.folder import load_folder
    from bt_lstm_rotation.prices.source import SPDR_SECTORS

    return load_folder(folder, list(SPDR_SECTORS), today=dt.date.today())


def faded(panel: PricePanel) -> dict[tuple[str, str], np.ndarray]:
    """Return (cell, when) -> the norm of the last state's gradient by lag."""
    history, session = BarHistory.from_panel(panel), panel.sessions[-1]
    found = {}
    for cell in CELLS:
        spec = ForecastSpec(cell=cell, initial_weights="random", retrain="monthly")
        trained = fitted_at(spec, history, session)
        (part,) = trained.parts  # type: ignore[attr-defined]
        window = last_window(history, session, spec.forecast_bars)
        inputs = part.scaler.inputs(compute(spec.features, window))
        count = len(spec.features)
        drawn = Network.seeded(np.random.default_rng(0), count, 32, 1, cell)
        signs = np.array([-1.0, 1.0])
        begun = with_memory(np.random.default_rng(0), signs, 32, 1, cell, 126)
        longer = replace(spec, steps=STEPS)
        (more,) = fitted_at(longer, history, session).parts  # type: ignore[attr-defined]
        for when, network in (
            ("random weights", drawn),
            ("random weights, 15 steps", part.networks[0]),
            (f"random weights, {STEPS} steps", more.networks[0]),
            ("memory (the default)", begun),
        ):
            found[cell, when] = gradient_norms(network, inputs)
    return found


def print_vanishing(panel: PricePanel) -> None:
    """Print how gradients fade."""
    lags = (0, 10, 20, 50, 100)
    heads = "".join(f"{f'lag {lag}':>11s}" for lag in lags)
    print(f"{'':38s}{heads}   a bar keeps")
    for (cell, when), norms in faded(panel).items():
        shown = "".join(f"{norms[lag] / norms[0]:11.2e}" for lag in lags)
        print(f"{cell:6s}{when:32s}{shown}   {fading(norms):.3f}")


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["memory", "vanishing", "pictures"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=500, help="the first seed")
    parser.add_argument("--bars", type=Path, help="a folder of the nine sector funds")
    asked = parser.parse_args()
    if asked.what == "memory":
        print_memory(range(asked.first, asked.first + asked.seeds))
    elif asked.what == "vanishing":
        print_vanishing(bars_of(asked.bars))


if __name__ == "__main__":
    main()
