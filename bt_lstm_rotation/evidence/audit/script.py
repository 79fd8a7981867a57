"""The smallest script that shows a leak: few bars, few feeds, and four runs.

The bars stand in it as text. It needs Backtrader, pandas and the strategy's file.
"""

from __future__ import annotations

import ast
import inspect
import io
from typing import Any, Final

import backtrader as bt
import numpy as np

from bt_lstm_rotation.evidence.audit.comparing import Difference, differences
from bt_lstm_rotation.evidence.audit.rows import WHOLE, Rows, World
from bt_lstm_rotation.evidence.audit.running import run_world
from bt_lstm_rotation.evidence.audit.runs import SEED, Runs
from bt_lstm_rotation.evidence.audit.trace import Trace

__all__ = ["script_of"]

FIELDS: Final = ("open", "high", "low", "close", "volume")

TEMPLATE: Final = '''\
"""A leak, shown by runs that differ in nothing but the bars after {session}.

{said}
"""

import importlib.util
import io
import sys

import backtrader as bt
import pandas as pd

FILE = {file!r}
STRATEGY = {name!r}
PARAMS = {params!r}
CASH = {cash!r}
SESSION = {session!r}
BARS = {{
{bars}
}}


def strategy():
    spec = importlib.util.spec_from_file_location("audited", FILE)
    module = sys.modules["audited"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, STRATEGY)


class Watch(bt.Analyzer):
    """What the session shows: the last values of all lines, and the orders so far."""

    def next(self):
        if str(self.strategy.datetime.datetime(0)) <= SESSION:
            self.rets["lines"] = {{
                f"{{n}} {{type(line).__name__}}": line[0]
                for n, indicator in enumerate(self.strategy.getindicators())
                for line in (getattr(indicator, "lines", None) or [indicator])
            }}
            self.rets["orders"] = [
                (side, feed._name, size)
                for day, side, feed, size in self.strategy.env.orders
                if day <= SESSION
            ]

    prenext = next


def shown(frames):
    cerebro = bt.Cerebro(stdstats=False)
    for name, frame in frames.items():
        cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=name)
    cerebro.broker.setcash(CASH)
    cerebro.orders = []
    for side in ("buy", "sell"):
        make = getattr(cerebro.broker, side)

        def making(owner, data, size, *args, side=side, make=make, **kwargs):
            day = max(str(d.datetime.datetime(0)) for d in owner.datas if len(d))
            cerebro.orders.append((day, side, data, size))
            return make(owner, data, size, *args, **kwargs)

        setattr(cerebro.broker, side, making)
    cerebro.addstrategy(strategy(), **PARAMS)
    cerebro.addanalyzer(Watch, _name="watch")
    try:
        (ran,) = cerebro.run()
    except Exception as error:
        return f"{{type(error).__name__}}: {{error}}"
    return dict(ran.analyzers.watch.rets)


frames = {{
    name: pd.read_csv(io.StringIO(text), index_col=0, parse_dates=True)
    for name, text in BARS.items()
}}



def later(share):
    """Return the frames with what comes after the session multiplied, or cut off."""
    changed = {{}}
    for name, frame in frames.items():
        frame = frame.copy()
        after = frame.index > pd.Timestamp(SESSION)
        frame.loc[after, ["open", "high", "low", "close"]] *= share or 1
        if share or after.all():
            changed[name] = frame
        else:
            changed[name] = frame[~after]
    return changed


runs = {{
    "as they were": shown(later(1)),
    "cut off": shown(later(None)),
    "a tenth higher": shown(later(1.1)),
    "a tenth lower": shown(later(0.9)),
}}
for name, seen in runs.items():
    print(f"Later bars {{name}}: {{seen}}")
sys.exit(0 if len(set(map(str, runs.values()))) > 1 else "no leak is shown")
'''


def script_of(runs: Runs, difference: Difference, ahead: int, said: str) -> str | None:
    """Write the script for a difference; None where no such script would show it.

    It would not where the strategy is not a class of a file, is given what cannot be
    written down, or takes its feeds resampled.
    """
    cerebro = runs.scene.cerebro(WHOLE)
    written = _written(cerebro)
    if written is None or not runs.is_recorded or not runs.can_cut:
        return None
    place = int(np.searchsorted(runs.dates, difference.at))
    last = min(place + max(ahead, 1), len(runs.dates) - 1)
    history = _least_history(runs, difference, place, len(runs.feeds))
    feeds = next(
        (
            n
            for n in range(1, len(runs.feeds))
            if _shows(runs, difference, place - history, n)
        ),
        len(runs.feeds),
    )
    first, end = runs.dates[place - history], runs.dates[last]
    bars = "\n".join(
        f'    {rows.name!r}: """{_text(rows, float(first), float(end))}""",'
        for rows in runs.feeds[:feeds]
    )
    return TEMPLATE.format(
        said=said.replace("\\", "/").replace('"""', "'''"),
        session=str(bt.num2date(difference.at).replace(microsecond=0)),
        cash=float(cerebro.broker.p.cash),
        bars=bars,
        **written,
    )


def _least_history(runs: Runs, difference: Difference, place: int, feeds: int) -> int:
    """Return how many sessions before it are enough, of 1, 2, 4 and so on."""
    history = 1
    while history < place:
        if _shows(runs, difference, place - history, feeds):
            return history
        history *= 2
    return place


def _shows(runs: Runs, difference: Difference, first: int, feeds: int) -> bool:
    """Whether a history that begins at a session, and some feeds, still differ."""
    since = float(runs.dates[first])

    def make(world: World) -> Any:
        cerebro = runs.scene.cerebro(world)
        del cerebro.datas[feeds:]
        return cerebro

    def trace(world: World) -> Trace:
        until = difference.at
        return run_world(lambda: make(world), until=until, modes=runs.modes)

    base = trace(World(since=since))
    if base.failure is not None:
        return False
    return any(
        d.at == difference.at and d.kind != "session" and not d.is_rounding
        for seed, mirrored in ((None, False), (SEED, False), (SEED, True))
        for d in differences(
            base,
            trace(World(difference.at, seed, mirrored, since)),
            difference.at,
        )
    )


def _written(cerebro: Any) -> dict[str, Any] | None:
    """Return how the one strategy is written down, if it can be."""
    if len(cerebro.strats) != 1 or cerebro.signals:
        return None
    ((kind, args, kwargs),) = cerebro.strats[0]
    kind = getattr(kind, "held_back", kind)
    try:
        file = inspect.getsourcefile(kind)
    except TypeError:
        return None
    try:
        same = ast.literal_eval(repr(dict(kwargs))) == dict(kwargs)
    except (ValueError, SyntaxError, TypeError):
        same = False
    if file is None or args or not same or "." in kind.__qualname__:
        return None
    return {"file": file, "name": kind.__name__, "params": dict(kwargs)}


def _text(rows: Rows, first: float, end: float) -> str:
    kept = (rows.at >= first) & (rows.at <= end)
    columns = [rows.names.index(name) for name in FIELDS if name in rows.names]
    text = io.StringIO()
    text.write(",".join(["date", *(rows.names[column] for column in columns)]))
    for at, values in zip(rows.at[kept], rows.values[kept][:, columns], strict=True):
        day = bt.num2date(at).replace(microsecond=0)
        text.write(f"\n{day}," + ",".join(repr(float(value)) for value in values))
    return text.getvalue()
