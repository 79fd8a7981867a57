"""The pictures of docs/gallery.md, made anew.

    python benchmarks/gallery.py [--bars FOLDER]

The simulated market with the default network, and momentum beside it; with a folder of
real bars, the network on those. It needs Chromium, and the extra `test` for playwright.
"""

from __future__ import annotations

import argparse
import datetime as dt
import io
import logging
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import backtrader as bt
from playwright.sync_api import Page, sync_playwright
from rich.console import Console

from bt_lstm_rotation import (
    ForecastSpec,
    MomentumSpec,
    PricePanel,
    RunReport,
    SectorRotation,
    Training,
    load_prices,
    save_plot,
)
from bt_lstm_rotation.forecasting.store import ForecastStore, default_folder
from bt_lstm_rotation.reporting import compare, print_summary
from bt_lstm_rotation.result import BacktestResult

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def run(panel: PricePanel, benchmark: str, spec: Any, folder: Path) -> Any:
    """Run a rotation; return the Cerebro and the result."""
    cerebro = bt.Cerebro()
    for name, bars in panel.frames().items():
        cerebro.adddata(bt.feeds.PandasData(dataname=bars), name=name)
    cerebro.broker.setcash(100_000.0)
    cerebro.broker.setcommission(commission=0.0005)
    training = Training(store=ForecastStore(default_folder()))
    params = {"spec": spec, "benchmark": benchmark, "training": training}
    cerebro.addstrategy(SectorRotation, **params)
    cerebro.addanalyzer(RunReport, folder=folder, benchmark=benchmark)
    (ran,) = cerebro.run()
    return cerebro, ran.analyzers.runreport.result()


@contextmanager
def browser(scheme: str, width: int) -> Iterator[Page]:
    """Open a window of a browser."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"]
        )
        yield chromium.new_page(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        chromium.close()


def photograph(
    page: Path, name: str, first: str, height: int, scheme: str, width: int = 960
) -> None:
    """Take a picture of a page from one of its headings down."""
    with browser(scheme, width) as window:
        window.goto(page.as_uri())
        undrawn = ".chart:not([data-drawn])"
        window.wait_for_selector(undrawn, state="detached", timeout=60_000)
        window.wait_for_timeout(300)
        box = window.get_by_role("heading", name=first, exact=True).first.bounding_box()
        top = 0.0 if box is None else max(box["y"] - 16, 0.0)
        window.screenshot(
            path=PICTURES / f"{name}.png",
            full_page=True,
            clip={"x": 0, "y": top, "width": width, "height": height},
        )


def terminal(result: BacktestResult, name: str) -> None:
    """Draw what a run prints."""
    console = Console(record=True, width=90, file=io.StringIO(), force_terminal=True)
    print_summary(result, console=console)
    drawing = console.export_svg(title="bt-lstm-rotation")
    # A picture of ours asks no network for a font.
    drawing = re.sub(r"@font-face \{.*?\}", "", drawing, flags=re.DOTALL)
    (PICTURES / f"{name}.svg").write_text(drawing, encoding="utf-8")


def main() -> None:
    """Make all pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", type=Path, help="a folder of real bars, with SPY")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        runs = Path(temporary)
        panel, benchmark = load_prices("simulated"), "MARKET"
        cerebro, result = run(panel, benchmark, ForecastSpec(), runs / "lstm")
        run(panel, benchmark, MomentumSpec(), runs / "momentum")
        terminal(result, "terminal")
        save_plot(cerebro, PICTURES / "plot.png", dpi=50)
        report = runs / "lstm" / "report.html"
        photograph(report, "report", "SectorRotation", 1500, "light")
        photograph(report, "holdings", "What was held", 1000, "dark")
        photograph(report, "forecasts", "Forecasts", 1700, "light")
        photograph(report, "phone", "Performance", 1400, "dark", width=390)
        page = runs / "comparison.html"
        compare([runs / "lstm", runs / "momentum"], page)
        photograph(page, "comparison", "2 runs compared", 1500, "light")
        if arguments.bars is not None:
            end = dt.date(2019, 6, 28)
            panel = load_prices(arguments.bars, benchmark="SPY", end=end)
            sectors = [s for s in panel.symbols if s not in ("SPY", "GSPC")]
            panel = panel.select([*sectors, "SPY"])
            run(panel, "SPY", ForecastSpec(), runs / "real")
            report = runs / "real" / "report.html"
            photograph(report, "real-bars", "SectorRotation", 1500, "light")


if __name__ == "__main__":
    main()
