"""What `cerebro.plot()` shows is drawn into files, with no display and no window."""

from __future__ import annotations

import datetime as dt
import math
import os
import subprocess
import sys
from pathlib import Path

import backtrader as bt
import matplotlib as mpl
import numpy as np
import pytest
from fakes import FakeSpec, date, random_panel, without
from matplotlib.figure import Figure
from matplotlib.image import imread

from bt_lstm_rotation import LSTMForecast, NoLookahead, save_plot
from bt_lstm_rotation.errors import OutputError, SpecError
from bt_lstm_rotation.feeds import add_feeds

N = 60
PANEL = without(random_panel(["XLE", "XLK"], N), "XLK", slice(0, 10))
SMALL = {"width": 8, "height": 6, "dpi": 60, "tight": False}


class Trader(bt.Strategy):
    def __init__(self):
        self.forecast_of = LSTMForecast.pooled(self.datas, spec=FakeSpec())

    def next(self):
        if len(self) % 10 == 5:
            self.order_target_size(target=len(self) % 4)


class GuardedTrader(NoLookahead, Trader):
    def __init__(self):
        super().__init__()


def ran(panel=PANEL, strategy=Trader, **modes):
    cerebro = bt.Cerebro(**modes)
    add_feeds(cerebro, panel)
    cerebro.addstrategy(strategy)
    cerebro.run()
    return cerebro


@pytest.fixture(scope="module")
def cerebro():
    return ran()


@pytest.fixture
def figures(monkeypatch):
    """Every figure that is saved."""
    saved = []
    save = Figure.savefig

    def keep(figure, *args, **kwargs):
        saved.append(figure)
        return save(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", keep)
    return saved


def labels(axes):
    legend = axes.get_legend()
    return " ".join(text.get_text() for text in legend.get_texts()) if legend else ""


def lines(axes):
    """The lines of a panel, but for those of Backtrader's cursor, which is hidden."""
    return [line for line in axes.lines if line.get_visible()]


def forecast_panels(figure):
    return [axes for axes in figure.axes if labels(axes).startswith("Forecast")]


def test_each_feed_has_a_named_panel_of_its_forecasts(cerebro, figures, tmp_path):
    assert save_plot(cerebro, tmp_path / "plot.png", **SMALL) == [tmp_path / "plot.png"]
    (figure,) = figures
    panels = forecast_panels(figure)
    (strategy,) = cerebro.runstrats[0]
    for panel, name in zip(panels, ["XLE", "XLK"], strict=True):
        assert f"Forecast ({name}, 2 sessions)" in labels(panel)
        feed = strategy.getdatabyname(name)
        line, *others = lines(panel)
        expected = strategy.forecast_of[feed].l.forecast.array
        np.testing.assert_array_equal(line.get_ydata(), expected)
        # XLK's first bar is of the eleventh session.
        first = 10 if name == "XLK" else 0
        np.testing.assert_array_equal(line.get_xdata(), np.arange(first, N))
        # The other line is the zero; a dispersion of zero is not in its way.
        assert [list(other.get_ydata()) for other in others] == [[0, 0]]


def test_lines_and_the_zero_are_to_be_seen(cerebro, figures, tmp_path):
    (file,) = save_plot(cerebro, tmp_path / "plot.png", **SMALL)
    image = (imread(file)[..., :3] * 255).round().astype(int)
    (figure,) = figures
    # Its size in the file, as it may be drawn larger.
    figure.set_dpi(SMALL["dpi"])
    assert image.shape == (360, 480, 3)
    for panel in forecast_panels(figure):
        line, zero = lines(panel)
        points = [p for p in line.get_xydata() if not math.isnan(p[1])]
        assert len(points) > 30
        color = np.array(mpl.colors.to_rgb(line.get_color())) * 255
        shown = 0
        for x, y in panel.transData.transform(points):
            row, column = 360 - round(y), round(x)
            around = image[row - 2 : row + 3, column - 2 : column + 3]
            shown += np.abs(around - color).sum(axis=-1).min() < 90
        assert shown >= 0.9 * len(points)
        ((_, y), *_) = panel.transData.transform([(0, 0)])
        rows = image[360 - round(y) - 2 : 360 - round(y) + 2]
        grey = np.abs(rows - round(0.66 * 255)).max(axis=-1).min(axis=0) < 30
        left, right = panel.bbox.intervalx.astype(int)
        assert grey[left:right].mean() > 0.4
        assert zero.get_linestyle() == "--"


def test_the_last_panel_alone_has_dates_which_are_right(cerebro, figures, tmp_path):
    save_plot(cerebro, tmp_path / "plot.png", **SMALL)
    shown = [
        [(label.get_position()[0], label.get_text()) for label in ticks]
        for axes in figures[0].axes
        if axes.xaxis.get_visible() and (ticks := axes.get_xticklabels())
    ]
    (ticks,) = shown
    assert len(ticks) == 9
    assert [text for _, text in ticks] == [
        str(PANEL.sessions[int(x)]) for x, _ in ticks
    ]
    assert (ticks[0][0], ticks[-1][0]) == (0, N - 1)


def run_script(script, folder):
    lost = ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND")
    env = {key: value for key, value in os.environ.items() if key not in lost}
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**env, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_needs_no_display_and_leaves_the_backend_to_be_chosen(tmp_path):
    script = """
import sys
import bt_lstm_rotation.plotting as plotting
from bt_lstm_rotation.feeds import add_feeds
from fakes import *
import backtrader as bt
cerebro = bt.Cerebro()
add_feeds(cerebro, random_panel("AB", 30))
cerebro.run()
plotting.save_plot(cerebro, sys.argv[1])
import matplotlib.pyplot as pyplot
print(pyplot.get_fignums(), pyplot.get_backend().lower())
"""
    # Where there is no display and nothing was chosen, matplotlib falls back on Agg.
    assert run_script(script, tmp_path).strip() == "[] agg"
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_a_backend_and_figures_in_use_are_let_be(tmp_path):
    script = """
import sys
import matplotlib
matplotlib.use("svg")
import matplotlib.pyplot as pyplot
pyplot.figure(7)
switched = []
switch = pyplot.switch_backend
pyplot.switch_backend = lambda name: (switched.append(name), switch(name))
from bt_lstm_rotation import save_plot
from bt_lstm_rotation.feeds import add_feeds
from fakes import *
import backtrader as bt
cerebro = bt.Cerebro()
add_feeds(cerebro, random_panel("AB", 30))
cerebro.run()
save_plot(cerebro, sys.argv[1])
print(switched, pyplot.get_fignums(), pyplot.gcf().number, pyplot.get_backend())
"""
    assert run_script(script, tmp_path).strip() == "[] [7] 7 svg"


def test_a_guarded_strategy_is_drawn_to_the_last_byte_as_one_without(tmp_path):
    files = [
        save_plot(ran(strategy=strategy), tmp_path / strategy.__name__, **SMALL)[0]
        for strategy in (Trader, GuardedTrader)
    ]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(
    ("name", "begins"), [("a.svg", b"<?xml"), ("b.PDF", b"%PDF"), ("c.png", b"\x89PNG")]
)
def test_the_name_says_the_format(cerebro, tmp_path, name, begins):
    file = tmp_path / "new" / "folder" / name
    assert save_plot(cerebro, str(file), **SMALL) == [file]
    assert file.read_bytes().startswith(begins)


def test_several_figures_are_numbered_and_divide_the_sessions(
    cerebro, figures, tmp_path
):
    span = {"start": date(PANEL.sessions[12]), "end": date(PANEL.sessions[40])}
    files = save_plot(cerebro, tmp_path, numfigs=2, **span, **SMALL)
    assert [file.name for file in files] == ["plot.png", "plot-2.png"]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    # 29 sessions: 14, and the 15 left over.
    lengths = [
        len(forecast_panels(figure)[0].lines[0].get_xdata()) for figure in figures
    ]
    assert lengths == [14, 15]


def test_every_strategy_is_drawn_in_the_order_they_were_added(figures, tmp_path):
    cerebro = bt.Cerebro(stdstats=False)
    add_feeds(cerebro, PANEL)
    cerebro.addstrategy(bt.Strategy)
    cerebro.addstrategy(Trader)
    cerebro.run()
    assert len(save_plot(cerebro, tmp_path, **SMALL)) == 2
    assert [len(forecast_panels(figure)) for figure in figures] == [0, 2]


def test_settings_of_plots_are_taken_and_do_not_stay(cerebro, tmp_path):
    file = tmp_path / "plot.png"
    pictures = []
    for scheme in ({}, {"style": "candle", "volume": False}, {}):
        save_plot(cerebro, file, **SMALL, **scheme)
        pictures.append(file.read_bytes())
    assert pictures[0] == pictures[2] != pictures[1]


def test_dollar_signs_in_a_name_are_text(figures, tmp_path):
    panel = random_panel(["$A$_{", "<B>&^"], 30)
    save_plot(ran(panel), tmp_path, **SMALL)
    names = [labels(axes) for axes in forecast_panels(figures[0])]
    assert "Forecast ($A$_{, 2 sessions)" in names[0]
    assert "Forecast (<B>&^, 2 sessions)" in names[1]


def test_a_dispersion_of_an_ensemble_is_drawn_beside_its_forecast(figures, tmp_path):
    cerebro = ran()
    (strategy,) = cerebro.runstrats[0]
    strategy.forecast_of[strategy.dnames.XLK].l.dispersion.array[-1] = 0.1
    save_plot(cerebro, tmp_path, **SMALL)
    drawn = [len(lines(panel)) for panel in forecast_panels(figures[0])]
    assert drawn == [2, 3]


def test_a_run_that_saves_memory_but_keeps_its_bars_is_drawn_alike(cerebro, tmp_path):
    files = [
        save_plot(one, tmp_path / str(number), **SMALL)[0]
        for number, one in enumerate((cerebro, ran(exactbars=-1)))
    ]
    assert files[0].read_bytes() == files[1].read_bytes()


class Swept(bt.Strategy):
    params = (("number", 1),)

    def __init__(self):
        pass


def test_a_cerebro_without_anything_to_draw_is_refused(tmp_path):
    new, swept, empty = bt.Cerebro(), bt.Cerebro(maxcpus=1), bt.Cerebro(stdstats=False)
    for each in (new, swept):
        add_feeds(each, PANEL)
    swept.optstrategy(Swept, number=(1, 2))
    swept.run()
    bars = PANEL.frame("XLE")
    empty.adddata(bt.feeds.PandasData(dataname=bars, fromdate=dt.datetime(2030, 1, 1)))
    empty.run()
    for cerebro, match in (
        ("cerebro", "must be a bt.Cerebro"),
        (None, "must be a bt.Cerebro"),
        (new, "run the strategies of addstrategy"),
        (swept, "run the strategies of addstrategy, not of optstrategy"),
        (empty, "must be one with bars to draw"),
        (ran(random_panel("A", 20), bt.Strategy, exactbars=1), "exactbars=False"),
    ):
        with pytest.raises(SpecError, match=match):
            save_plot(cerebro, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"numfigs": 0}, "numfigs must be a whole number"),
        ({"numfigs": 2.0}, "numfigs must be a whole number"),
        ({"numfigs": N + 1}, "leaves 61 at least"),
        ({"width": -1}, "width must be a finite number above 0"),
        ({"height": math.nan}, "height must be"),
        ({"dpi": math.inf}, "dpi must be"),
        ({"dpi": "high"}, "dpi must be"),
        ({"dpi": 10_000}, "65535 pixels"),
        ({"start": "2019-01-02"}, "start must be a date"),
        ({"end": 1.5}, "end must be a date"),
        ({"start": True}, "start must be a date"),
        ({"start": -1}, "start to end must be"),
        ({"start": 20, "end": 20}, "start to end must be"),
        ({"start": dt.date(2030, 1, 1)}, "start to end must be"),
        ({"end": 9}, "the range of XLK must be one in which it has a bar"),
        ({"numfigs": 12}, "the range of XLK must be one in which it has a bar"),
        ({"stile": "candle"}, "did you mean 'style'"),
    ],
)
def test_arguments_that_are_none_are_refused(cerebro, tmp_path, arguments, match):
    with pytest.raises(SpecError, match=match):
        save_plot(cerebro, tmp_path, **arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("target", [None, 5, b"\xff", "plot.gif", "plot.png.exe"])
def test_a_target_that_is_none_is_refused(cerebro, tmp_path, monkeypatch, target):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError, match="target must be"):
        save_plot(cerebro, target)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_one_is_an_output_error(cerebro, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "taken.png").mkdir()
    (tmp_path / "taken.png" / "plot.png").mkdir()
    for target in ("file", "file/plot.png", "taken.png"):
        with pytest.raises(OutputError, match=r"choose a(nother)? file"):
            save_plot(cerebro, tmp_path / target, **SMALL)
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_disk_that_fills_up_leaves_the_old_files(cerebro, tmp_path, monkeypatch):
    (tmp_path / "plot.png").write_bytes(b"old")
    write = Path.write_bytes
    written = []

    def full(path, content):
        written.append(path)
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    span = {"start": 12, "numfigs": 2}
    with pytest.raises(OutputError, match="No space left"):
        save_plot(cerebro, tmp_path, **span, **SMALL)
    assert [file.name for file in tmp_path.iterdir()] == ["plot.png"]
    assert (tmp_path / "plot.png").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("feeds", "least", "most"), [(1, 9, 9), (3, 9, 15), (10, 30, 40)]
)
def test_height_follows_the_number_of_panels(figures, tmp_path, feeds, least, most):
    names = [f"S{number}" for number in range(feeds)]
    cerebro = ran(random_panel(names, 30))
    save_plot(cerebro, tmp_path, width=8, dpi=40)
    (figure,) = figures
    assert least <= figure.get_figheight() <= most
    panels = [axes for axes in figure.axes if axes.xaxis.get_visible()]
    # What a panel of one row has to hold is three lines of text.
    assert min(axes.bbox.height for axes in panels) / 40 > 0.7
    assert all(
        axes.get_legend().get_window_extent().height <= axes.bbox.height
        for axes in panels
        if axes.get_legend() is not None
    )


def test_a_height_that_is_given_is_kept(figures, tmp_path):
    cerebro = ran(random_panel([f"S{number}" for number in range(6)], 30))
    save_plot(cerebro, tmp_path, width=8, height=5, dpi=40)
    assert figures[0].get_size_inches().tolist() == [8, 5]


def test_a_height_that_could_not_be_drawn_is_cut(figures, tmp_path):
    cerebro = ran(random_panel("AB", 15))
    # Ten inches, were there no limit of 65,535 pixels.
    save_plot(cerebro, tmp_path / "plot.svg", width=1, dpi=10_000)
    assert figures[0].get_figheight() == pytest.approx(6.5535)


def test_a_long_legend_is_laid_out_in_columns(figures, tmp_path):
    cerebro = ran(random_panel([f"S{number}" for number in range(12)], 15))
    save_plot(cerebro, tmp_path, dpi=40)
    trades = next(a for a in figures[0].axes if labels(a).startswith("DataTrades"))
    assert len(trades.get_legend().get_texts()) == 12
    assert trades.get_legend()._ncols > 2
