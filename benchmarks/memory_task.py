"""A task that needs memory: what a sector does was seen so many sessions ago.

On the simulated world of delay a return comes back after 5, 20, 50 or 100 sessions, and
what the next five bring was seen that long ago and nowhere else. Each cell is fitted
once, on 1,000 sessions, and forecasts 2,000 later ones. `inside.py` prints and draws
what is found.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from bt_lstm_rotation.forecasting import BarHistory, ForecastSpec, RidgeSpec
from bt_lstm_rotation.forecasting.forecaster import Model, Spec
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.measures.skill import realised_returns, skill
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.simulated import MARKET, DelayedMarket, SimulatedMarket

CELLS = ("lstm", "gru", "rnn")
DISTANCES = (5, 20, 50, 100)
HORIZON, TRAINED, AHEAD = 5, 1_000, 2_000
TASK = ForecastSpec(
    horizon=HORIZON, train_size=TRAINED, features=("relative_return",), lookback=126
)
STEPS = 400
WAYS = {
    "memory, no step (the default)": {},
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


def best_of_bank(distance: int, units: int = 32, lookback: int = 126) -> float:
    """Return how well leaky integrators can see a week that lies so far back.

    It is the correlation of the best sum of exponentials with a window of `HORIZON`
    bars, where returns are white, of those directions in which the integrators, each of
    norm 1, have a variance above 1e-6: less is lost in a window's noise.
    """
    tau = 2 * (lookback / 4) ** ((np.arange(units) + 0.5) / units)
    bank = (1 - 1 / tau)[:, None] ** np.arange(lookback)
    bank /= np.linalg.norm(bank, axis=1, keepdims=True)
    week = np.zeros(lookback)
    week[distance - HORIZON : distance] = HORIZON**-0.5
    variances, axes = np.linalg.eigh(bank @ bank.T)
    known = variances > 1e-6
    along = axes[:, known].T @ (bank @ week)
    return float(np.sqrt((along**2 / variances[known]).sum()))


def measured_memory(seeds: range) -> dict[tuple[str, str], dict[int, list[float]]]:
    """Measure every row at every distance, on each of some markets."""
    found: dict[tuple[str, str], dict[int, list[float]]] = {}
    for distance in DISTANCES:
        for seed in seeds:
            began = time.perf_counter()
            for cell, way, ic in memory_rows(distance, seed):
                row = found.setdefault((cell, way), {d: [] for d in DISTANCES})
                row[distance].append(ic)
                print(f"  {cell} {way} {ic:+.4f}", file=sys.stderr, flush=True)
            took = time.perf_counter() - began
            print(f"{distance} back, market {seed}: {took:.0f} s", file=sys.stderr)
    return found
