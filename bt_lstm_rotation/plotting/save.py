"""What ``cerebro.plot()`` would show, drawn into files."""

from __future__ import annotations

import datetime as dt
import io
import os
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import backtrader as bt

from bt_lstm_rotation.checks import check_positive, check_whole, is_whole
from bt_lstm_rotation.disk import checked_file, disk_errors, write_together
from bt_lstm_rotation.errors import OutputError, SpecError, closest
from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.plotting.layout import MOST_PIXELS, ROWS_OF_A_FEED, lay_out
from bt_lstm_rotation.plotting.paper import backtraders_plots, plotter

__all__ = ["save_plot"]

FORMATS = (".png", ".svg", ".pdf")


def save_plot(
    cerebro: Any,
    target: str | os.PathLike[str],
    *,
    numfigs: int = 1,
    start: dt.date | int | None = None,
    end: dt.date | int | None = None,
    width: float = 16.0,
    height: float | None = None,
    dpi: float = 100.0,
    tight: bool = True,
    **scheme: Any,
) -> list[Path]:
    """Draw what ``cerebro.plot()`` would show into files, and return their paths.

    Parameters
    ----------
    cerebro : bt.Cerebro
        One that has run, with ``exactbars`` at 0 or below.
    target : path
        A file that ends in ``.png``, ``.svg`` or ``.pdf``, or a folder, in which the
        file is ``plot.png``. Of several figures, strategy by strategy, the second is
        ``plot-2.png``, and so on. Folders are made, and files of the same names
        replaced, but nothing else than files.
    numfigs : int
        Into how many figures the sessions of a strategy are divided.
    start, end : date or int, optional
        First and last session, or as ``cerebro.plot`` counts them.
    width : float
        In inches.
    height : float, optional
        In inches. By default as many panels as there are can be read: 9, or more for
        more than two feeds.
    dpi : float
        Pixels an inch.
    tight : bool
        Whether the empty frame around the panels is cut off.
    **scheme
        Settings of Backtrader's PlotScheme, such as ``style="candle"``.

    Raises
    ------
    SpecError
        If `cerebro` has nothing that can be drawn, an argument is not one, or a feed
        that is to be drawn has no bar in a figure's sessions.
    OutputError
        If the files cannot be written.
    """
    plots = backtraders_plots()
    import matplotlib as mpl

    strategies = _strategies(cerebro)
    path = _file(target)
    checked_file(path, "the plot")
    check_whole("save_plot", "numfigs", numfigs, least=1)
    sizes = {"width": width, "height": 1.0 if height is None else height, "dpi": dpi}
    for name, size in sizes.items():
        check_positive("save_plot", name, size)
    if max(sizes["width"], sizes["height"]) * dpi > MOST_PIXELS:
        valid = f"so that there are at most {MOST_PIXELS} pixels a side"
        raise SpecError("save_plot", "dpi", dpi, valid)
    first, last = _rows(strategies[0], start, end, numfigs)
    # A scheme of its own: Backtrader's default is one object for the whole process.
    own = plots.PlotScheme()
    own.rowsmajor = ROWS_OF_A_FEED
    if min(data._timeframe for data in cerebro.datas) >= bt.TimeFrame.Days:
        own.fmt_x_ticks = "%Y-%m-%d"
    for name, value in scheme.items():
        if not hasattr(own, name):
            known = closest(name, vars(own))
            raise SpecError("save_plot", name, value, f"a setting of plots; {known}")
        setattr(own, name, value)
    # A feed's name is text, though it may have two dollar signs.
    with mpl.rc_context({"text.parse_math": False}):
        drawn = cerebro.plot(
            plotter=plotter(plots.Plot)(scheme=own),
            numfigs=numfigs,
            iplot=False,
            start=first,
            end=last,
        )
        figures = [figure for of_strategy in drawn for figure in of_strategy]
        for figure in figures:
            lay_out(figure, width, height, dpi, own.legendindloc)
        return _write(figures, path, dpi, "tight" if tight else None)


def _strategies(cerebro: Any) -> list[Any]:
    if not isinstance(cerebro, bt.Cerebro):
        raise SpecError("save_plot", "cerebro", cerebro, "a bt.Cerebro")
    if int(cerebro.p.exactbars) > 0:
        valid = "one that keeps its bars: exactbars=False, -1 or -2"
        raise SpecError(
            "save_plot", "cerebro", f"exactbars={cerebro.p.exactbars}", valid
        )
    strategies = [s for run in getattr(cerebro, "runstrats", ()) for s in run]
    # An optimisation leaves parameters and analyzers only.
    if not strategies or not all(isinstance(s, bt.Strategy) for s in strategies):
        valid = "one that has run the strategies of addstrategy, not of optstrategy"
        raise SpecError("save_plot", "cerebro", strategies[:1], valid)
    if not len(strategies[0]):
        raise SpecError("save_plot", "cerebro", "no session", "one with bars to draw")
    return strategies


def _file(target: Any) -> Path:
    """Return the first file to write."""
    try:
        path = Path(target)
    except TypeError:
        raise SpecError("save_plot", "target", target, "a file or a folder") from None
    if path.suffix.lower() in FORMATS and not path.is_dir():
        return path
    if path.suffix and not path.exists():
        valid = f"a folder, or a file that ends in {', '.join(FORMATS)}"
        raise SpecError("save_plot", "target", str(path), valid)
    return path / "plot.png"


def _rows(strategy: Any, start: Any, end: Any, numfigs: int) -> tuple[int, int]:
    """Return the range of sessions to draw, with a bar of every feed in each figure."""
    dates = strategy.lines.datetime.plot()
    first, last = 0, len(dates)
    for name, at in (("start", start), ("end", end)):
        if not is_whole(at) and not isinstance(at, dt.date | None):
            raise SpecError("save_plot", name, at, "a date, a number, or None")
    if start is not None:
        day = isinstance(start, dt.date)
        first = bisect_left(dates, bt.date2num(start)) if day else start
    if end is not None:
        day = isinstance(end, dt.date)
        last = bisect_right(dates, bt.date2num(end)) if day else end
        last = len(dates) + 1 + last if last < 0 else min(last, len(dates))
    if first < 0 or last - first < numfigs:
        valid = f"a range of {len(dates)} sessions that leaves {numfigs} at least"
        raise SpecError("save_plot", "start to end", (start, end), valid)
    size = (last - first) // numfigs
    for number in range(numfigs):
        left = first + number * size
        right = last if number == numfigs - 1 else left + size
        _check_feeds(strategy.datas, dates[left], dates[right - 1])
    return first, last


def _check_feeds(datas: Sequence[Any], first: float, last: float) -> None:
    for data in datas:
        bars = data.datetime.plot()
        if data.plotinfo.plot and bisect_left(bars, first) == bisect_right(bars, last):
            days = (bt.num2date(date).date().isoformat() for date in (first, last))
            raise SpecError(
                "save_plot",
                f"the range of {feed_name(data)}",
                " to ".join(days),
                "one in which it has a bar (feed.plotinfo.plot = False leaves it out)",
            )


def _write(figures: list[Any], first: Path, dpi: float, box: str | None) -> list[Path]:
    """Draw all figures before the first is written."""
    more = range(2, len(figures) + 1)
    paths = [first, *(first.with_stem(f"{first.stem}-{n}") for n in more)]
    drawn = []
    for figure in figures:
        image = io.BytesIO()
        kind = first.suffix[1:].lower()
        figure.savefig(image, format=kind, dpi=dpi, bbox_inches=box)
        drawn.append(image.getvalue())
    places = [checked_file(path, "the plot") for path in paths]
    with disk_errors(
        OutputError,
        f"the plot cannot be written to {first}",
        "choose a file in a folder that can be written",
    ):
        for place in places:
            place.parent.mkdir(parents=True, exist_ok=True)
        write_together(dict(zip(places, drawn, strict=True)))
    return paths
