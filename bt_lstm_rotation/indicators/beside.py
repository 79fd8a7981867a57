"""What a forecast may be given beside the bars of its feeds: lines, and other feeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_whole, listed
from bt_lstm_rotation.errors import SpecError, StrategyError, closest
from bt_lstm_rotation.feeds.lines import feed_of
from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.forecasting.beside import (
    ContextRule,
    InputRule,
    Missing,
)
from bt_lstm_rotation.indicators.twins import line_of
from bt_lstm_rotation.wording import in_text, shown

__all__ = ["Context", "Input", "checked_context", "checked_inputs"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Input:
    """Lines that a forecast reads beside bars, one for each feed.

    Parameters
    ----------
    lines : mapping of feed to line, or a line
        An indicator (its first line), one of its lines, an operation on lines, or a
        feed's own line. It goes by the bars of its feed. A line alone is for a forecast
        of one feed.
    missing : {"leave_out", "carry", "zero"}
        What becomes of a bar on which it is NaN: the feed has no forecast at it, and
        the bar no part in training; the last value is carried; or it counts as the
        window's mean, and the network also reads that it was missing.
    at_most : int
        Bars that a value is carried.
    odd : bool
        Whether it changes its sign, about its mean, when rises and falls change places:
        momentum does, volume does not (see ``mirrored`` of `ForecastSpec`).
    warmup : int, optional
        First bars of each feed on which it counts as missing. By default it is
        measured: how many bars it takes until its value no longer depends on where the
        history began.
    """

    lines: Any
    missing: Missing = "leave_out"
    at_most: int = 0
    odd: bool = True
    warmup: int | None = None

    def rule(self, name: str) -> InputRule:
        """Return how it is read; SpecError if a value is impossible."""
        return InputRule(
            name=name,
            missing=self.missing,
            at_most=self.at_most,
            odd=self.odd,
            warmup=0 if self.warmup is None else self.warmup,
        )


@dataclass(frozen=True, eq=False)
class Context:
    """A feed that is not traded, and is the same for every sector.

    Parameters
    ----------
    feed : bt.DataBase
        Its last close that was known at a sector's close counts.
    max_age : int
        Calendar days after which that counts as missing.
    published_after : int, optional
        Calendar days from the date of a bar to the day on which it is known. Of a feed
        whose bars are more than four days apart it has to be said, because such bars
        are dated by their period, and published later.
    missing : {"leave_out", "zero"}
        What becomes of a bar without it, as in `Input`.
    """

    feed: Any
    max_age: int = 7
    published_after: int | None = None
    missing: Literal["leave_out", "zero"] = "leave_out"

    def rule(self) -> ContextRule:
        """Return how it is read; SpecError if a value is impossible."""
        return ContextRule(
            name=feed_name(self.feed),
            max_age=self.max_age,
            published_after=self.published_after,
            missing=self.missing,
        )


def checked_inputs(
    feeds: Mapping[str, Any], inputs: Mapping[str, Any]
) -> dict[str, Input]:
    """Return inputs by name, with a line for each feed."""
    valid = "a dict of name to {feed: line}, or to Input(...)"
    if not isinstance(inputs, Mapping):
        raise SpecError("LSTMForecast", "inputs", inputs, valid)
    checked = {}
    for name, given in inputs.items():
        each = given if isinstance(given, Input) else Input(given)
        each.rule(name)
        if each.warmup is not None:
            check_whole("Input", "warmup", each.warmup, least=0)
        lines = each.lines
        if not isinstance(lines, Mapping):
            if len(feeds) > 1:
                raise SpecError("Input", name, type(lines).__name__, "{feed: line}")
            lines = {next(iter(feeds.values())): lines}
        checked[name] = replace(each, lines=_one_each(name, feeds, lines))
    return checked


def _one_each(
    name: str, feeds: Mapping[str, Any], lines: Mapping[Any, Any]
) -> dict[Any, Any]:
    found = {}
    for label, feed in feeds.items():
        if feed not in lines:
            valid = f"a line for each feed that is forecast; {label} has none"
            raise SpecError("Input", name, f"{len(lines)} lines", valid)
        line = lines[feed]
        if not isinstance(line, bt.LineRoot):
            valid = f"a line of Backtrader for {label}, such as bt.ind.RSI(data)"
            raise SpecError("Input", name, shown(line), valid)
        other = feed_of(line_of(line))
        if other is not feed:
            raise StrategyError(
                f"the input {name!r} of {label} goes by the bars of "
                f"{feed_name(other) if other is not None else 'no feed'}; a line of "
                "another feed is context=[feed]"
            )
        found[feed] = line
    return found


def checked_context(
    feeds: Mapping[str, Any], context: Sequence[Any]
) -> tuple[Context, ...]:
    """Return context as such, each a feed that is not forecast."""
    valid = "a list of feeds, or of Context(feed, ...)"
    checked: list[Context] = []
    for given in listed("LSTMForecast", "context", context, valid):
        each = given if isinstance(given, Context) else Context(given)
        if not isinstance(each.feed, bt.AbstractDataBase):
            raise SpecError("LSTMForecast", "context", shown(each.feed), valid)
        name = each.rule().name
        if name in feeds or any(each.feed is other.feed for other in checked):
            known = closest(in_text(name), feeds)
            problem = f"a feed of its own, once, that is not forecast; {known}"
            raise SpecError("LSTMForecast", "context", name, problem)
        checked.append(each)
    return tuple(checked)
