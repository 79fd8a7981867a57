"""Backtrader's plots on figures that have no window, with or without a display.

`cerebro.plot()` opens windows: importing `backtrader.plot` sets matplotlib's backend
to TkAgg (backtrader/plot/__init__.py:31), whatever it was and whatever MPLBACKEND says,
and without a display the first figure then fails. Here Backtrader draws the same panels
on figures of its own, which belong to no window and to no backend.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

import numpy as np

from bt_lstm_rotation.errors import MissingExtraError

__all__ = ["backtraders_plots", "plotter"]


def backtraders_plots() -> Any:
    """Import Backtrader's plots, and leave matplotlib's backend as it is."""
    try:
        mpl = _matplotlib()
        from matplotlib.rcsetup import validate_backend
    except ImportError as error:
        raise MissingExtraError("drawing a Cerebro's plot", "plot") from error
    if "backtrader.plot" not in sys.modules:
        # The import switches backends, unless the one it wants seems to be set already.
        # As a plain dict: to ask rcParams for its backend would start one up.
        settings: Any = mpl.rcParams
        kept = {key: dict.get(settings, key) for key in ("backend", "backend_fallback")}
        wanted = "MacOSX" if sys.platform == "darwin" else "TKAgg"
        dict.__setitem__(settings, "backend", validate_backend(wanted))
        try:
            import_module("backtrader.plot")
        finally:
            dict.update(settings, kept)
    return sys.modules["backtrader.plot"]


def _matplotlib() -> Any:
    """Import matplotlib, whatever MPLBACKEND says.

    As Jupyter exports it, it may name a backend that this Python does not have, and the
    import would fail, for good.
    """
    wanted = None
    if "matplotlib" not in sys.modules:
        wanted = os.environ.pop("MPLBACKEND", None)
    try:
        mpl = import_module("matplotlib")
    finally:
        if wanted is not None:
            os.environ["MPLBACKEND"] = wanted
    if wanted:
        with suppress(ValueError):
            mpl.rcParams["backend"] = wanted
    return mpl


class _Paper:
    """What Backtrader calls of pyplot, on figures that have no window."""

    def figure(self, _number: int) -> Any:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self._figure = Figure()
        FigureCanvasAgg(self._figure)
        return self._figure

    def subplot2grid(
        self, shape: tuple[int, int], loc: tuple[int, int], rowspan: int, sharex: Any
    ) -> Any:
        row, column = loc
        place = self._figure.add_gridspec(*shape)[row : row + rowspan, column]
        return self._figure.add_subplot(place, sharex=sharex)

    def setp(self, artists: Any, **properties: Any) -> None:
        from matplotlib.artist import setp

        setp(artists, **properties)

    def autoscale(self, **settings: Any) -> None:
        self._figure.gca().autoscale(**settings)


def plotter(base: Any) -> Any:
    """Make Backtrader's Plot draw on paper, with dates below."""
    from matplotlib.ticker import FixedLocator

    class Plot(base):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self._paper = _Paper()

        # Backtrader sets it to pyplot, in the middle of plot().
        mpyplot = property(lambda self: self._paper, lambda self, _: None)

        def plot(self, *args: Any, **kwargs: Any) -> Any:
            figures = super().plot(*args, **kwargs)
            for figure in figures:
                # Backtrader hides all labels, then looks for the last panel's among
                # those that are visible (backtrader/plot/plot.py:264).
                panels = [axes for axes in figure.axes if axes.xaxis.get_visible()]
                rotation = self.p.scheme.tickrotation
                panels[-1].tick_params("x", labelbottom=True, labelrotation=rotation)
            return figures

        def setlocators(self, ax: Any) -> None:
            super().setlocators(ax)
            # Backtrader's, which takes day numbers since the year 1 for matplotlib's
            # since 1970, puts them at odd places, some on top of each other.
            rows = len(self.pinf.xreal)
            ticks = np.linspace(0, rows - 1, min(rows, 9)).round()
            ax.xaxis.set_major_locator(FixedLocator(ticks.tolist()))

        def show(self) -> None:
            """Show nothing: there is no window."""

    return Plot
