"""How long a report takes to render, how large it is, and how soon it answers.

    python benchmarks/page.py [--symbols N] [--sessions N]

Momentum over a simulated market. Rendering is timed apart from the run, in seconds of
processor time. In Chromium: until all charts are drawn, and from a movement of the
pointer over the weights until their values stand there, the median of twenty.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from bt_lstm_rotation import MomentumSpec, SectorRotation, run_backtest
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket
from bt_lstm_rotation.reporting import read_run, render

MOVES = 20
WEIGHTS = 'figure:has(h3:text-is("Weights")) .chart'


def rendered(folder: Path) -> tuple[float, int]:
    """Render a run's page; return seconds and bytes."""
    result = read_run(folder)
    began = time.process_time()
    page = render(result)
    return time.process_time() - began, len(page.encode())


def answers(page: Path) -> tuple[float, float]:
    """Return seconds until all is drawn, and until a pointer is answered."""
    browsers = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=next(filter(None, browsers), None), args=["--no-sandbox"]
        )
        window = chromium.new_page(viewport={"width": 1000, "height": 900})
        began = time.perf_counter()
        window.goto(page.as_uri())
        undrawn = ".chart:not([data-drawn])"
        window.wait_for_selector(undrawn, state="detached", timeout=120_000)
        drawn = time.perf_counter() - began
        chart = window.locator(WEIGHTS).first
        chart.scroll_into_view_if_needed()
        # In the page itself: the way to it and back is the driver's.
        took = chart.evaluate(
            """async (chart, moves) => {
                const target = chart.querySelector(".nsewdrag");
                const box = target.getBoundingClientRect();
                const took = [];
                for (let move = 0; move < moves; move++) {
                    await new Promise((go) => setTimeout(go, 150));
                    const before = chart.querySelector(".hoverlayer").innerHTML;
                    const began = performance.now();
                    target.dispatchEvent(new MouseEvent("mousemove", {
                        bubbles: true,
                        clientX: box.x + (box.width * (move + 1)) / (moves + 1),
                        clientY: box.y + box.height / 2,
                    }));
                    while (chart.querySelector(".hoverlayer").innerHTML === before) {
                        if (performance.now() - began > 5000) break;
                        await new Promise((go) => setTimeout(go, 1));
                    }
                    took.push(performance.now() - began);
                }
                return took;
            }""",
            MOVES,
        )
        chromium.close()
    return drawn, statistics.median(took) / 1_000


def main() -> None:
    """Print a line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--symbols", type=int, default=9)
    parser.add_argument("--sessions", type=int, default=5_040)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    market = SimulatedMarket(n_sectors=arguments.symbols, n_sessions=arguments.sessions)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "run")
        run_backtest(
            market.panel(),
            SectorRotation,
            {"spec": MomentumSpec()},
            benchmark=MARKET,
            folder=folder,
            ledger=False,
        )
        seconds, size = rendered(folder)
        drawn, answered = answers(folder / "report.html")
    print(
        f"{arguments.symbols} symbols, {arguments.sessions:,} sessions: rendered in "
        f"{seconds:.2f} s, {size / 1e6:.2f} MB, drawn in {drawn:.1f} s, answers in "
        f"{answered * 1_000:.0f} ms"
    )


if __name__ == "__main__":
    main()
