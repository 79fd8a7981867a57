"""Every planted leak and every plain strategy, in every mode: what the audit says.

    python benchmarks/audit.py [--bars FOLDER] [--probes N] [--only NAME] [--modes A,B]

On a simulated market, or with FOLDER on XLK, XLE and SPY of it, 300 sessions. A leak
has to be caught wherever it looks ahead, and no plain strategy may be called one. It
prints a line a strategy, and how many answers were wrong. The tests have the rest.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation import PricePanel, audit
from bt_lstm_rotation.prices.folder import load_folder
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket

TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "evidence" / "audit")]

import plain_strategies as plain  # noqa: E402
import planted_leaks as leaks  # noqa: E402
from fakes import without  # noqa: E402
from modes import MODES  # noqa: E402
from worlds import cerebro_of, made_of  # noqa: E402

SESSIONS = 300
# Rows are joined by number only by what is calculated ahead; there is a bar before the
# first only where all are loaded. A mode that fails is looked at as the default one.
ONLY_IN = {
    "rows by number": ("default", "exactbars 1"),
    "a bar before the first": tuple(set(MODES) - {"not preloaded"}),
}


def planted(panel: PricePanel) -> Iterator[tuple[str, Any]]:
    """Give each leak's name, and (cerebro or function, arguments of `audit`) anew."""
    first, second, benchmark = panel.symbols
    close = panel.close[:, 0]
    moves = close[1:] / close[:-1] - 1
    best = tuple(str(panel.sessions[n]) for n in np.argsort(moves)[-3:].tolist())
    held = [leaks.is_held_week(day) for day in panel.sessions[:-1].astype(object)]
    rising = np.flatnonzero((moves > 0) & held)
    three = np.random.default_rng(5).choice(rising, 3, replace=False)
    some = tuple(str(panel.sessions[n]) for n in three.tolist())
    hole = without(panel, second, slice(30, 33))
    unequal = without(hole, first, slice(SESSIONS - 3, SESSIONS))
    late = without(panel, second, slice(0, 70))
    gone = without(panel, second, slice(200, SESSIONS))
    daily = panel.frame(first)["Close"]
    table = pd.Series(moves, pd.DatetimeIndex(panel.sessions[:-1]))
    bars, column = panel.bars.copy(), panel.symbols.index(benchmark)
    bars[:, :-1, column], bars[:, -1, column] = bars[:, 1:, column], np.nan
    led = replace(panel, bars=bars)
    ends = pd.DatetimeIndex(panel.sessions[10::20])
    drawn = np.random.default_rng(3).normal(size=len(ends))
    published = ends + pd.Timedelta(days=30)
    figures = pd.DataFrame({"surprise": drawn, "period_end": ends}, published)
    # Three events in all: the days before, it is known already how they end.
    events = figures.iloc[[3, 7, 11]]

    def fitted(frames: Any) -> Any:
        returns = np.log(frames[first]["Close"]).diff().dropna().to_numpy()
        rows = np.arange(5, len(returns))
        past = np.stack([returns[rows - lag] for lag in range(1, 6)], axis=1)
        weights = tuple(np.linalg.lstsq(past, returns[rows], rcond=None)[0])
        return made_of({first: frames[first]}, leaks.ByWeights, weights=weights)

    def survivors(frames: Any) -> Any:
        last = max(frame.index[-1] for frame in frames.values())
        alive = {n: f for n, f in frames.items() if f.index[-1] == last}
        return made_of(alive, leaks.Survivors)

    def by_period_end(frames: Any) -> Any:
        known = frames["figures"].set_index("period_end")["surprise"]
        return made_of({first: frames[first]}, leaks.ByTable, table=known)

    def joined(frames: Any, how: str) -> Any:
        days, told = frames[first].index, frames["figures"]["surprise"]
        known = told.reindex(days, method=how)
        return made_of({first: frames[first]}, leaks.ByTable, table=known)

    def by_mean_of_month(frames: Any) -> Any:
        returns = frames[first]["Close"].pct_change()
        means = returns.groupby(returns.index.to_period("M")).transform("mean")
        return made_of({first: frames[first]}, leaks.ByTable, table=means)

    def before_events(frames: Any) -> Any:
        told = frames["figures"]["surprise"].abs()
        days = frames[first].index
        table = pd.Series(-1.0, days)
        for day, size in told.items():
            table[(days < day) & (days >= day - pd.Timedelta(days=3))] = size
        return made_of({first: frames[first]}, leaks.ByTable, table=table)

    for name, strategy, given in (
        ("close[1]", leaks.NextClose, {}),
        ("a centred moving average", leaks.ByCentredMean, {}),
        ("a scaler of the whole series", leaks.ByScaler, {}),
        ("targets that are not mature", leaks.ByUnmaturedFit, {}),
        ("rows by number", leaks.ByRowNumber, {"panel": unequal}),
        (
            "a feed that has not begun",
            leaks.NotBegun,
            {"panel": late, "first": benchmark},
        ),
        ("the frame behind a feed", leaks.ReadsFrame, {}),
        ("a bar before the first", leaks.WrapsRound, {}),
        ("a global mean", leaks.GlobalMean, {}),
        ("a random split", leaks.ByRandomSplit, {}),
        ("the test returns", leaks.ByTestReturns, {}),
        ("a table of the next returns", leaks.ByTable, {"table": table}),
        ("cheat-on-close", leaks.EachMonth, {"coc": True}),
        ("a date that is tomorrow's", leaks.UTCDate, {"daily": daily}),
        ("three days", leaks.ThreeDays, {"days": best}),
        ("three days, by a line", leaks.ThreeDaysByLine, {"days": best}),
        ("three days that lose", leaks.EachWeekButThree, {"days": some}),
    ):
        yield (
            name,
            lambda strategy=strategy, given=given: (
                cerebro_of(strategy, **{"panel": panel, "first": None} | given),
                {},
            ),
        )
    yield (
        "a benchmark that leads",
        lambda: (cerebro_of(leaks.ByBenchmark, led, first=benchmark), {}),
    )
    frames = panel.frames()
    yield "a model of later data", lambda: (fitted, {"frames": frames})
    yield "survivors", lambda: (survivors, {"frames": gone.frames()})
    with_figures = frames | {"figures": figures}
    yield "figures by period end", lambda: (by_period_end, {"frames": with_figures})
    for how in ("bfill", "nearest"):
        yield (
            f"figures joined by {how}",
            lambda how=how: (partial(joined, how=how), {"frames": with_figures}),
        )
    yield "the mean of its month", lambda: (by_mean_of_month, {"frames": frames})
    with_events = frames | {"figures": events}
    yield "three events", lambda: (before_events, {"frames": with_events})


def clean(panel: PricePanel) -> Iterator[tuple[str, Any]]:
    """Give each plain strategy's name, and what makes its Cerebro."""
    for strategy in (*plain.PLAIN, *plain.RESAMPLED, plain.ClosesAtTheEnd):
        weekly = strategy in plain.RESAMPLED
        yield (
            strategy.__name__,
            lambda strategy=strategy, weekly=weekly: (
                cerebro_of(strategy, panel, weekly=weekly),
                {},
            ),
        )
    yield "AtTheOpen", lambda: (cerebro_of(plain.AtTheOpen, panel, coo=True), {})


def main() -> None:
    """Print what the audit says of each, and how many answers were wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", type=Path, metavar="FOLDER")
    parser.add_argument("--probes", type=int, default=8)
    parser.add_argument("--only", default="")
    parser.add_argument("--modes", default=",".join(MODES))
    arguments = parser.parse_args()
    modes = {mode: MODES[mode] for mode in arguments.modes.split(",")}
    warnings.simplefilter("ignore")
    if arguments.bars is None:
        names = ["S1", "S2", MARKET]
        panel = SimulatedMarket(n_sectors=2, n_sessions=SESSIONS).panel().select(names)
    else:
        names = ["XLK", "XLE", "SPY"]
        panel = load_folder(arguments.bars, names, today=dt.date.today())
        panel = panel.select(names).rows(0, SESSIONS)
    wrong = {"leak": 0, "clean": 0}
    for kind, cases in (("leak", planted(panel)), ("clean", clean(panel))):
        for name, make in cases:
            if arguments.only not in name:
                continue
            said, began = {}, time.perf_counter()
            for mode, settings in modes.items():
                what, given = make()
                given = given | settings
                report = audit(what, probes=arguments.probes, warmup=False, **given)
                said[mode] = report.outcome
                asked = kind == "clean" or mode in ONLY_IN.get(name, MODES)
                is_wrong = (report.outcome == "leak") != (kind == "leak")
                wrong[kind] += asked and is_wrong
            took = (time.perf_counter() - began) / len(modes)
            said_all = " | ".join(said.values())
            print(f"{kind:5} {name:30} {said_all} ({took:.1f} s)", flush=True)
    print(f"{wrong['leak']} leaks missed, {wrong['clean']} false alarms")


if __name__ == "__main__":
    main()
