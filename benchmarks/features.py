"""What features cost: twenty in the place of one, and the proof of a user's own.

    python benchmarks/features.py [--fits N]

Every figure is a ratio of two things measured in the same run on the same machine, the
median where there are several. Bars are simulated, in the shape of nine sector funds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bt_lstm_rotation import feature
from bt_lstm_rotation.forecasting import BarHistory, ForecastSpec, Window
from bt_lstm_rotation.forecasting.features import FEATURES, Feature, compute
from bt_lstm_rotation.forecasting.features.controls import check_probes
from bt_lstm_rotation.forecasting.features.proof import prove
from bt_lstm_rotation.forecasting.walkforward.one_thread import one_thread
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket


def lagged(lag: int) -> Feature:
    """Make a feature of a user's own: the return of so many bars."""

    def change(window: Window) -> np.ndarray:
        log_close = np.log(window.close)
        moved = np.full_like(log_close, np.nan)
        moved[..., lag:] = log_close[..., lag:] - log_close[..., :-lag]
        return moved

    change.__name__ = f"return_{lag}"
    return feature(warmup=lag, odd=True)(change)


def windows(n_fits: int, n_bars: int) -> list[Window]:
    """Return the windows of some fits, with the benchmark beside the bars."""
    panel = SimulatedMarket(n_sessions=2600).panel()
    symbols = [name for name in panel.symbols if name != MARKET]
    history = BarHistory(symbols, extra=("benchmark",))
    market = panel.bars[3, :, panel.symbols.index(MARKET)]
    for symbol in symbols:
        bars = panel.bars[:, :, panel.symbols.index(symbol)]
        history.extend(symbol, panel.sessions, np.vstack([bars, market]))
    last = panel.sessions[-1 - np.arange(n_fits) * 21]
    stack = history.window(history.symbols, last, n_bars)
    return [
        replace(stack, dates=stack.dates[row], bars=stack.bars[:, row])
        for row in range(n_fits)
    ]


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fits", type=int, default=40)
    n_fits = parser.parse_args().fits
    twenty = (*FEATURES, *(lagged(lag) for lag in (5, 10, 63, 126, 189)))
    specs = {
        "one": ForecastSpec(features=("relative_return",)),
        "two, the default": ForecastSpec(),
        "all built in": ForecastSpec(features=tuple(FEATURES)),
        "twenty": ForecastSpec(features=twenty),
        "twenty, 15 steps": ForecastSpec(features=twenty, initial_weights="random"),
        "one, 15 steps": ForecastSpec(
            features=("relative_return",), initial_weights="random"
        ),
    }
    took: dict[str, list[float]] = {name: [] for name in specs}
    alone: dict[str, list[float]] = {name: [] for name in specs}
    bars = windows(n_fits, max(spec.fit_bars for spec in specs.values()))
    with one_thread():
        for window in bars:
            for name, spec in specs.items():
                if "steps" in name and len(took[name]) >= n_fits // 8:
                    continue
                size = spec.fit_bars
                own = replace(
                    window, dates=window.dates[:, -size:], bars=window.bars[..., -size:]
                )
                forecaster = spec.forecaster()
                forecaster.prepare()
                session = own.dates.max()
                took[name].append(seconds(lambda: forecaster.fit(own, session)))  # noqa: B023
                alone[name].append(seconds(lambda: compute(spec.feature_columns, own)))  # noqa: B023
    for name in specs:
        base = "one, 15 steps" if "steps" in name else "one"
        ratio, share = (
            statistics.median(
                first / second for first, second in zip(a, b, strict=True)
            )
            for a, b in ((took[name], took[base]), (alone[name], took[name]))
        )
        fit = 1e3 * statistics.median(took[name])
        print(f"{name:18} {ratio:5.2f} of one; features {share:4.0%} of {fit:.0f} ms")
    check_probes()
    proofs = [seconds(lambda: prove(each)) for each in twenty[-5:]]  # noqa: B023
    fit = statistics.median(took["two, the default"])
    print(f"a proof takes {statistics.median(proofs) / fit:.0f} default fits, once")


if __name__ == "__main__":
    main()
