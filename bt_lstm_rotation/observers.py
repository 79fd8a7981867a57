"""Observers: a run's equity, weights and forecasts as lines and in plots.

They compute nothing. Each attaches an analyzer, as Backtrader's own do, and copies what
that has recorded to its lines: ``cerebro.addobserver(WeightsObserver)``.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import backtrader as bt

from bt_lstm_rotation.analyzers import AccountHistory, EquityCurve, ForecastHistory
from bt_lstm_rotation.errors import StrategyError, closest
from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.indicators import Forecast
from bt_lstm_rotation.wording import in_text

__all__ = ["EquityAgainstBenchmark", "ForecastsObserver", "WeightsObserver"]


# Backtrader's own colours come back after four lines.
COLORS = (
    *("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple"),
    *("tab:brown", "tab:pink", "tab:olive", "tab:cyan"),
)
STYLES = ("-", "--", ":", "-.")


class _Copying(bt.Observer):
    """An observer of the whole strategy that copies from one analyzer."""

    _stclock = True
    plotinfo: tuple[tuple[str, Any], ...] = (("plot", True), ("subplot", True))

    def __init__(self) -> None:
        super().__init__()

    def _attach(self, analyzer: Any, **params: Any) -> Any:
        made = self._owner._addanalyzer_slave(analyzer, **params)
        # Backtrader hands an observer its analyzer's children too, and they would be
        # called twice a session: by it, and by their parent.
        self._analyzers[:] = [made]
        return made


class EquityAgainstBenchmark(_Copying):
    """What the account is worth, and its capital in a benchmark, in one panel.

    Params:
      - benchmark: name of a feed to compare with (None)

    Lines, in currency, with all that was paid in: ``equity``, and ``benchmark``, which
    starts where equity is at its first close; see `EquityCurve`. After its last bar it
    stays, as nobody knows yet that no other comes.
    """

    lines = ("equity", "benchmark")
    params = (("benchmark", None),)
    plotinfo = (("plotname", "Equity"),)
    plotlines = (
        ("equity", {"_name": "Account", "color": "tab:blue"}),
        ("benchmark", {"_name": "Benchmark", "color": "0.55"}),
    )

    def __init__(self) -> None:
        super().__init__()
        self._curve = self._attach(EquityCurve, benchmark=self.p.benchmark)
        if self.p.benchmark is None:
            drawn: Any = self.plotlines
            drawn.benchmark._plotskip = True

    def next(self) -> None:
        """Copy this session's."""
        self.l.equity[0], self.l.benchmark[0] = self._curve.latest

    def _plotlabel(self) -> list[Any]:
        return [] if self.p.benchmark is None else [f"against {self.p.benchmark}"]


class _LineAFeed(_Copying):
    """An observer with a line for each feed, ``feed0`` and so on, in their order.

    Backtrader's lines belong to a class, so that one is made for each number of feeds.
    They have numbers for names, as a feed may be called anything, such as ``datetime``.
    """

    def __init__(self) -> None:
        super().__init__()
        self._names = [feed_name(feed) for feed in self._owner.datas]
        for number, name in enumerate(self._names):
            getattr(self.plotlines, f"feed{number}")._name = name

    @classmethod
    def doprenew(cls, *args: Any, **kwargs: Any) -> tuple[Any, Any, Any]:
        """Take the place of the class, before Backtrader makes an instance of it."""
        feeds = sum(isinstance(arg, bt.AbstractDataBase) for arg in args)
        base: Any = cls
        return _with_lines(base, feeds), args, kwargs

    def line_of(self, name: str) -> Any:
        """Return the line of a feed; StrategyError if none has that name."""
        if name not in self._names:
            known = closest(in_text(name), self._names)
            raise StrategyError(f"no feed is called {name!r}; {known}")
        return self.lines[self.getlinealiases().index(self._alias(name))]

    def _alias(self, name: str) -> str:
        return f"feed{self._names.index(name)}"

    def _copy(self, by_name: Any, missing: float) -> None:
        for number, name in enumerate(self._names):
            line = getattr(self.lines, f"feed{number}")
            line[0] = by_name.get(name, missing)


@cache
def _with_lines(base: Any, feeds: int) -> Any:
    lines = tuple(f"feed{number}" for number in range(feeds))
    drawn = {}
    for number, line in enumerate(lines):
        again, color = divmod(number, len(COLORS))
        style = STYLES[again % len(STYLES)]
        # A tag for each would hide the others'.
        drawn[line] = {"_name": "", "_plotvaluetag": False}
        drawn[line] |= {"color": COLORS[color], "ls": style}
    namespace = {"lines": lines, "plotlines": drawn, "__module__": __name__}
    return type(base)(f"{base.__name__}Of{feeds}", (base,), namespace)


class WeightsObserver(_LineAFeed):
    """Share of equity in each feed and in cash, at each session's close.

    Lines, decimals: ``cash``, and one a feed, below 0 for a short. `line_of` finds it.
    NaN where equity is 0.
    """

    lines = ("cash",)
    plotinfo = (("plotname", "Weights"), ("plothlines", (0.0,)))
    plotlines = (("cash", {"_name": "cash", "_plotvaluetag": False, "color": "0.7"}),)

    def __init__(self) -> None:
        super().__init__()
        self._account = self._attach(AccountHistory)

    def next(self) -> None:
        """Copy this session's."""
        equity, cash, held = next(reversed(self._account.get_analysis().values()))
        # As `Weights` does, which would divide the whole history every session.
        whole = equity or math.nan
        self.l.cash[0] = cash / whole
        shares = {name: value / whole for name, (_, value) in held.items()}
        self._copy(shares, missing=0.0 * whole)

    def _plotlabel(self) -> list[Any]:
        return []


class ForecastsObserver(_LineAFeed):
    """What the strategy's forecast indicators show, all in one panel.

    Lines, decimal returns over the horizon: one a feed, NaN where there is none.
    `line_of` finds it.
    """

    plotinfo = (
        ("plotname", "Forecasts"),
        ("plothlines", (0.0,)),
        # Two decimals, which is what Backtrader shows, are none of a forecast's.
        ("plotlinevalues", False),
    )

    def __init__(self) -> None:
        super().__init__()
        self._forecasts = self._attach(ForecastHistory)

    def start(self) -> None:
        """Leave feeds out of the legend that have no indicator."""
        indicators = self._owner.getindicators()
        shown = {feed_name(one.data) for one in indicators if isinstance(one, Forecast)}
        for name in set(self._names) - shown:
            getattr(self.plotlines, self._alias(name))._plotskip = True

    def next(self) -> None:
        """Copy this session's."""
        history = self._forecasts.get_analysis()["forecasts"]
        self._copy(next(reversed(history.values())), missing=math.nan)

    def _plotlabel(self) -> list[Any]:
        return []
