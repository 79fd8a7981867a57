"""What stands beside the bars of some feeds, read as a run goes or ahead of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import SpecError, StrategyError
from bt_lstm_rotation.feeds.bar_order import loaded_numbers
from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.feeds.sessions import dates_of
from bt_lstm_rotation.forecasting.beside import (
    ContextRule,
    InputRule,
    RowJoiner,
    Usage,
    known_at,
)
from bt_lstm_rotation.forecasting.forecaster import Spec
from bt_lstm_rotation.indicators.beside import (
    Context,
    Input,
    checked_context,
    checked_inputs,
)
from bt_lstm_rotation.indicators.proving import prove_lines
from bt_lstm_rotation.indicators.twins import line_of
from bt_lstm_rotation.prices import PricePanel

__all__ = ["BesideFeeds"]

Array = NDArray[np.float64]

# Median days between bars above which their dates are taken for those of periods, and
# how many bars say so.
FREQUENT, ENOUGH = 4.0, 10

BENCHMARK = "benchmark"


class BesideFeeds:
    """Reads what stands beside the bars of some feeds, in every mode.

    Parameters
    ----------
    feeds : mapping of str to bt.DataBase
        Those that are forecast.
    inputs : mapping of str to Input, or to what `Input` takes
    context : sequence of Context or bt.DataBase
    benchmark : bt.DataBase, optional
        Its closes stand beside the bars as the row ``"benchmark"``, for features that
        need it.

    Raises
    ------
    SpecError, StrategyError
        If a feed lacks its line, a line goes by the bars of another feed, a series that
        is context is forecast too, or a setting is impossible.
    """

    def __init__(
        self,
        feeds: Mapping[str, Any],
        inputs: Mapping[str, Any] | None = None,
        context: Sequence[Any] = (),
        benchmark: Any = None,
    ) -> None:
        self._feeds = dict(feeds)
        self.inputs = checked_inputs(self._feeds, {} if inputs is None else inputs)
        self.context = checked_context(self._feeds, context)
        self.input_rules = [
            _proved_rule(name, each) for name, each in self.inputs.items()
        ]
        self.context_rules = [each.rule() for each in self.context]
        self._benchmark = () if benchmark is None else (_as_benchmark(benchmark),)
        rows = [*self.context, *self._benchmark]
        self._series = [_Series(each) for each in rows]
        self.usage = {rule.name: Usage() for rule in self.rules}
        self._joiners: dict[str, RowJoiner] = {}

    def __bool__(self) -> bool:
        return bool(self.inputs or self._series)

    def restated_by(self, panel: PricePanel) -> None:
        """Take the closes of series from a panel, in whose units all bars are."""
        for series in self._series:
            series.panel = panel

    @property
    def feeds(self) -> list[Any]:
        """Those that are read besides the ones that are forecast."""
        return [each.feed for each in (*self.context, *self._benchmark)]

    @property
    def _series_rules(self) -> list[ContextRule]:
        named = [replace(each.rule(), name=BENCHMARK) for each in self._benchmark]
        return [*self.context_rules, *named]

    @property
    def rules(self) -> list[InputRule | ContextRule]:
        """How rows are read, in their order."""
        return [*self.input_rules, *self._series_rules]

    def read_by(self, spec: Spec) -> Spec:
        """Return the spec of a forecaster that reads what is given here.

        SpecError if it reads bars alone, or names what is not given.
        """
        if not self.inputs and not self.context:
            named = getattr(spec, "extra", ())
            if named:
                valid = "given as inputs= or context= of the forecast that reads them"
                raise SpecError(type(spec).__name__, "inputs and context", named, valid)
            return spec
        reading = getattr(spec, "reading", None)
        if reading is None:
            names = ", ".join(self.usage)
            valid = f"one that reads more than bars, such as ForecastSpec, for {names}"
            raise SpecError("LSTMForecast", "spec", type(spec).__name__, valid)
        told: Spec = reading(inputs=self.input_rules, context=self.context_rules)
        return told

    def join(self, name: str, rows: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Apply the rules to the next rows of a feed (`RowJoiner.join`)."""
        if name not in self._joiners:
            self._joiners[name] = RowJoiner(self.rules, self.usage)
        return self._joiners[name].join(rows)

    def now(self, name: str) -> Array:
        """Read what stands beside the bar that a feed shows, (n_rows, 1)."""
        if not self:
            return np.empty((0, 1))
        feed = self._feeds[name]
        values = []
        for label, each in self.inputs.items():
            line = line_of(each.lines[feed])
            if len(line) != len(feed):
                raise StrategyError(
                    f"the input {label!r} of {name} is not calculated yet at its bar: "
                    "make the lines before the forecast that reads them"
                )
            values.append(line[0])
        asked = _moments(feed, np.array([feed.lines.datetime[0]]))
        for series, rule in zip(self._series, self._series_rules, strict=True):
            series.grow()
            values.append(known_at(rule, asked, series.known())[0])
        return np.array([values], dtype=np.float64).T

    def loaded(self, name: str) -> Array:
        """Read what stands beside all bars of a feed, loaded ahead, (n_rows, n)."""
        feed = self._feeds[name]
        count = feed.buflen()
        if not self:
            return np.empty((0, count))
        rows = [
            np.array(line_of(each.lines[feed]).array)[:count]
            for each in self.inputs.values()
        ]
        asked = _moments(feed, loaded_numbers(feed))
        for series, rule in zip(self._series, self._series_rules, strict=True):
            series.load()
            rows.append(known_at(rule, asked, series.known()))
        return np.array(rows, dtype=np.float64)


def _as_benchmark(feed: Any) -> Context:
    # Features leave out what it has no bar of; its own name may be a sector's.
    return Context(feed, published_after=0, missing="zero")


def _proved_rule(name: str, given: Input) -> InputRule:
    """Return how an input is read, with the warm-up that it was measured to need."""
    rule, needed = given.rule(name), prove_lines(name, given.lines)
    if given.warmup is None:
        return replace(rule, warmup=needed)
    if given.warmup < needed:
        valid = f"{needed} or more: so long a value depends on where the bars begin"
        raise SpecError("Input", f"warmup of {name!r}", given.warmup, valid)
    return rule


class _Series:
    """The closes of a feed that is context, as they become known.

    Those of `panel`, by the feed's name, in place of the feed's own, if it is given:
    the feed may split on the way.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._feed = context.feed
        self._seen = self._size = 0
        # Numbers, days and closes, in an array that doubles when it is full.
        self._rows = np.empty((3, 64))
        self._judged = context.published_after is not None
        self.panel: PricePanel | None = None

    def grow(self) -> None:
        """Add the bars that have come since the last time."""
        new = len(self._feed) - self._seen
        if new:
            lines = self._feed.lines
            numbers, closes = lines.datetime.get(size=new), lines.close.get(size=new)
            if self.panel is not None:
                closes = self._restated(self.panel, np.array(numbers))
            self._add(numbers, closes)
            self._seen += new

    def _restated(self, panel: PricePanel, numbers: Array) -> Array:
        sessions = dates_of(self._feed).sessions(numbers)
        rows = np.searchsorted(panel.sessions, sessions)
        closes: Array = panel.close[rows, panel.symbols.index(feed_name(self._feed))]
        return closes

    def load(self) -> None:
        """Add all bars of a feed that is loaded ahead of the run."""
        if not self._seen:
            self._seen = self._feed.buflen()
            closes = list(self._feed.lines.close.array)[: self._seen]
            self._add(loaded_numbers(self._feed), closes)

    def known(self) -> tuple[Array, Array, Array]:
        """Return numbers, days and closes so far, as `known_at` takes them."""
        numbers, days, closes = self._rows[:, : self._size]
        return numbers, days, closes

    def _add(self, numbers: Any, closes: Any) -> None:
        values = np.array([numbers, closes], dtype=np.float64)
        numbers, closes = values[:, (values[1] > 0.0) & np.isfinite(values[1])]
        size = self._size + len(numbers)
        while size > self._rows.shape[1]:
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)], axis=1)
        days = _moments(self._feed, numbers)[1]
        self._rows[:, self._size : size] = numbers, days, closes
        self._size = size
        if not self._judged and size >= ENOUGH:
            self._judged = True
            self._check_published()

    def _check_published(self) -> None:
        apart = float(np.median(np.diff(self.known()[0])))
        if apart > FREQUENT:
            raise SpecError(
                f"Context({feed_name(self._feed)})",
                "published_after",
                None,
                f"said, as its bars are {apart:.0f} days apart: how long after its "
                "date a figure is published, 0 if that is its date",
            )


def _moments(feed: Any, numbers: Array) -> tuple[Array, Array]:
    days = dates_of(feed).sessions(numbers).astype(np.float64)
    return numbers, days
