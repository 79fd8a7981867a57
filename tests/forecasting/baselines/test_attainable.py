"""On a simulated world no rival beats the optimum, and linear ones stay far below.

Each world is drawn for many seeds. A rival is fitted once and forecasts two years that
it has not seen, every tenth session; sessions overlap, but seeds are independent, so
errors are those of means over seeds.
"""

from __future__ import annotations

import numpy as np
import pytest

from bt_lstm_rotation.forecasting import (
    BarHistory,
    EWMASpec,
    KalmanSpec,
    MeanSpec,
    MomentumSpec,
    ReversalSpec,
    RidgeSpec,
    Window,
    ZeroSpec,
)
from bt_lstm_rotation.forecasting.forecaster import Spec
from bt_lstm_rotation.measures.skill import realised_returns, skill
from bt_lstm_rotation.prices.simulated import MARKET, WORLDS, simulated_market

HORIZON = 21
SEEDS = range(20)
FIT, LAST, EVERY = 590, 1100, 10  # rows

TRAIN = {"train_size": 504}
LINEAR: dict[str, Spec] = {
    "mean": MeanSpec(**TRAIN),
    "EWMA": EWMASpec(lookback=126, **TRAIN),
    "Kalman filter": KalmanSpec(lookback=126, **TRAIN),
    "ridge on means": RidgeSpec(lookback=63, **TRAIN),
    "ridge on lags": RidgeSpec(lookback=63, inputs="lags", **TRAIN),
    "momentum of 63": MomentumSpec(lookback=63, skip=0),
    "momentum of 12-1": MomentumSpec(),
    "reversal": ReversalSpec(),
}
RIVALS: dict[str, Spec] = {"zero": ZeroSpec(), **LINEAR}

# The most of the optimum's information coefficient that a linear rival may find. Other
# seeds gave 0.86 (regimes), 0.69 (volatility), 0.78 (delayed) and 0.08 (product).
# Without its series, that of context has nothing to find.
MOST = {"linear": 1.0, "regimes": 0.93, "volatility": 0.8, "delayed": 0.9}
MOST |= {"product": 0.3, "context": 0.3}


def measured(world: str, seed: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return each forecaster's mean squared error and information coefficient."""
    market = simulated_market(world, seed=seed, n_sessions=LAST + HORIZON)
    panel = market.panel()
    sectors = panel.select([name for name in panel.symbols if name != MARKET])
    history = BarHistory.from_panel(sectors)
    rows = np.arange(FIT, LAST, EVERY)
    fitted, asked = sectors.sessions[FIT : FIT + 1], sectors.sessions[rows]
    forecasts = {"optimum": market.optimal_forecast(HORIZON)[rows]}
    for name, spec in RIVALS.items():
        bars = history.window(sectors.symbols, fitted, spec.fit_bars)
        window = Window(bars.symbols, bars.dates[0], bars.bars[:, 0])
        model = spec.forecaster().fit(window, fitted[0]).model
        ahead = history.window(sectors.symbols, asked, spec.forecast_bars)
        forecasts[name] = model.forecast(ahead)[0]
    realised = realised_returns(sectors, HORIZON)[rows]
    errors = {name: np.mean((f - realised) ** 2) for name, f in forecasts.items()}
    ics = {name: skill(f, realised)["ic"] or 0.0 for name, f in forecasts.items()}
    return errors, ics


def mean_and_error(values: list[float]) -> tuple[float, float]:
    found = np.array(values)
    return float(found.mean()), float(found.std(ddof=1) / np.sqrt(len(found)))


@pytest.mark.parametrize("world", WORLDS)
def test_no_rival_beats_the_optimum_by_more_than_its_error(world: str):
    errors, ics = zip(*[measured(world, seed) for seed in SEEDS], strict=True)
    for rival in RIVALS:
        lead, error = mean_and_error([one[rival] - one["optimum"] for one in errors])
        assert lead > -2 * error, rival
        lead, error = mean_and_error([one["optimum"] - one[rival] for one in ics])
        assert lead > -2 * error, rival
    optimum, error = mean_and_error([one["optimum"] for one in ics])
    if world == "none":
        assert abs(optimum) < 2 * error
        return
    assert optimum > 0.1
    for rival in LINEAR:
        found, _ = mean_and_error([one[rival] for one in ics])
        assert found < MOST[world] * optimum, rival
