"""What a network remembers, measured: the figures of docs/inside-the-lstm.md.

    python benchmarks/inside.py memory [--seeds N] [--first SEED]   # half an hour
    python benchmarks/inside.py vanishing [--bars FOLDER]           # one minute
    python benchmarks/inside.py pictures --bars FOLDER              # one minute

``memory`` is a task that needs it (`memory_task.py`): it prints the information
coefficient against the distance, beside the optimum and ridge regression on raw lags.

``vanishing`` prints how the gradient of the last state fades with the lag, for each
cell, at its initial weights and after training. ``pictures`` draws it, and what the
default network did with XLK's bars before the close of 2019-03-29, into docs/pictures.
"""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from memory_task import (
    CELLS,
    DISTANCES,
    STEPS,
    WAYS,
    best_of_bank,
    fitted_at,
    last_window,
    measured_memory,
    sectors_of,
)

from bt_lstm_rotation.explaining import Explanation, explain
from bt_lstm_rotation.forecasting import (
    BarHistory,
    ForecastSpec,
    Training,
)
from bt_lstm_rotation.forecasting.features import compute
from bt_lstm_rotation.forecasting.inside.vanishing import fading, gradient_norms
from bt_lstm_rotation.forecasting.recurrent.network import Network
from bt_lstm_rotation.forecasting.recurrent.start import with_memory
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.simulated import SimulatedMarket

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"


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
        print(f"{cell:14s}{way:28s}{cells}", flush=True)
    limits = "".join(f"{best_of_bank(distance):+9.3f}{'':7s}" for distance in DISTANCES)
    print(f"{'a bank of integrators, as a share':42s}{limits}")
    draw_memory(found)


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


COLORS = {"lstm": "#3579b8", "gru": "#c77f0a", "rnn": "#c8543c"}


@contextmanager
def figure(name: str, rows: int, columns: int, **size: Any) -> Iterator[Any]:
    """Open a figure of some axes; save it under docs/pictures."""
    # The same drawing is to be the same file.
    plain = {"svg.hashsalt": "inside", "font.size": 9, "axes.spines.top": False}
    with mpl.rc_context(plain | {"axes.spines.right": False}):
        drawn, axes = plt.subplots(rows, columns, layout="constrained", **size)
        yield axes
        metadata = {"Date": None} if name.endswith(".svg") else {"Software": None}
        drawn.savefig(PICTURES / name, dpi=90, metadata=metadata)
        plt.close(drawn)
    print(f"docs/pictures/{name}")


def draw_memory(found: dict[tuple[str, str], dict[int, list[float]]]) -> None:
    """Draw information coefficients against the distance, a panel a way of training."""
    size = {"figsize": (8, 2.8), "sharey": True}
    with figure("inside-memory.svg", 1, len(WAYS), **size) as axes:
        for axis, way in zip(axes, WAYS, strict=True):
            shown = [("optimum", "", "#8b9199"), ("ridge on lags", "", "#1a9674")]
            shown += [(cell, way, COLORS[cell]) for cell in CELLS]
            for name, key, color in shown:
                values = [np.mean(found[name, key][d]) for d in DISTANCES]
                label = name.upper() if key else name
                style = "o-" if key else "--"
                axis.plot(DISTANCES, values, style, color=color, label=label, ms=4)
            axis.set(
                title=way, xlabel="sessions back", xticks=DISTANCES, ylim=(-0.1, 1)
            )
        axes[0].set_ylabel("information coefficient")
        axes[0].legend(frameon=False, fontsize=7)


def draw_vanishing(panel: PricePanel) -> None:
    """Draw how gradients fade, a panel a state of training."""
    found = faded(panel)
    stages = list(dict.fromkeys(when for _, when in found))
    size = {"figsize": (8, 2.6), "sharey": True}
    with figure("inside-fading.svg", 1, len(stages), **size) as axes:
        for axis, when in zip(axes, stages, strict=True):
            for cell in CELLS:
                norms = found[cell, when]
                label = f"{cell.upper()}, {fading(norms):.2f} a bar"
                axis.semilogy(norms / norms[0], color=COLORS[cell], label=label)
            axis.set(title=when, xlabel="bars back", ylim=(1e-8, 5))
            axis.title.set_fontsize(8)
            axis.legend(frameon=False, fontsize=6, loc="lower left")
        axes[0].set_ylabel("gradient of the last state")


def draw_gates(explained: Explanation) -> None:
    """Draw what was read, and cells and gates beneath it, unit by unit."""
    names = ("input_gate", "forget_gate", "output_gate", "candidate", "cell", "hidden")
    heights = {"height_ratios": [1] * len(explained.features) + [1.4] * len(names)}
    rows = len(explained.features) + len(names)
    size = {"figsize": (8, 8), "sharex": True, "gridspec_kw": heights}
    days = explained.dates.astype("datetime64[D]").astype(object)
    with figure("inside-gates.png", rows, 1, **size) as axes:
        panels = iter(axes)
        for name, values in explained.features.items():
            axis = next(panels)
            axis.bar(days, values, color=np.where(values >= 0, "#3579b8", "#c8543c"))
            axis.set_ylabel(name, fontsize=7)
        for name in names:
            axis, values = next(panels), explained.gates[name].T
            is_gate = name.endswith("gate")
            most = 1.0 if is_gate else np.abs(values).max()
            axis.pcolormesh(
                days,
                np.arange(len(values)),
                values,
                cmap="Blues" if is_gate else "RdBu",
                vmin=0 if is_gate else -most,
                vmax=most,
            )
            axis.set_ylabel(name.replace("_", " "), fontsize=7)
            axis.invert_yaxis()
            axis.set_yticks([])


def draw_memory_of(explained: Explanation) -> None:
    """Draw shares, the filter that a network amounts to, and its units' memory."""
    with figure("inside-filter.svg", 1, 3, figsize=(8, 2.6)) as axes:
        by_bar = explained.attribution.shares.sum(axis=-1)[::-1]
        axes[0].bar(np.arange(len(by_bar)), 100 * by_bar, color="#3579b8", width=1.0)
        axes[0].set(title="what each bar added, %", xlabel="bars back")
        colors = ("#3579b8", "#56a4d9", "#c77f0a", "#8b9199")
        for (name, values), color in zip(
            explained.responses.items(), colors, strict=True
        ):
            axes[1].plot(values, color=color, label=name, lw=1)
        axes[1].set(title="response to a return", xlabel="bars back")
        axes[1].legend(frameon=False, fontsize=6)
        kept = explained.memories
        axes[2].semilogx(kept.bars, kept.weights, "o", color="#3579b8", ms=3)
        axes[2].set(title="head's weight by unit", xlabel="time constant, bars")
        axes[2].set_xticks([2, 5, 10, 20, 50], ["2", "5", "10", "20", "50"])
        axes[2].minorticks_off()
        for axis in axes:
            axis.title.set_fontsize(8)


def draw(folder: Path) -> None:
    """Draw all but what `memory` draws."""
    panel = bars_of(folder)
    draw_vanishing(panel)
    day = dt.date(2019, 3, 29)
    explained = explain(panel, "XLK", day, training=Training())
    draw_gates(explained)
    draw_memory_of(explained)
    print(explained)


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["memory", "vanishing", "pictures"])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--first", type=int, default=500, help="the first seed")
    parser.add_argument("--bars", type=Path, help="a folder of the nine sector funds")
    asked = parser.parse_args()
    if asked.what == "memory":
        print_memory(range(asked.first, asked.first + asked.seeds))
    elif asked.what == "vanishing":
        print_vanishing(bars_of(asked.bars))
    elif asked.bars is None:
        parser.error("pictures need --bars FOLDER")
    else:
        draw(asked.bars)


if __name__ == "__main__":
    main()
