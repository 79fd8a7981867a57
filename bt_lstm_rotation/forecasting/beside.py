"""What a forecaster may read beside bars, and what is done where it is missing.

An *input* is a value for each bar of a symbol, such as an indicator's. *Context* is a
series that is not traded, and the same for every symbol: its last close known at the
symbol's close, unless that is too old. Both stand as extra rows below a symbol's bars
(`bt_lstm_rotation.forecasting.window`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import (
    check_choice,
    check_flag,
    check_whole,
    plain_fields,
)
from bt_lstm_rotation.errors import SpecError

__all__ = [
    "ContextRule",
    "InputRule",
    "RowJoiner",
    "Usage",
    "context_rule",
    "known_at",
    "rules_of",
]

Array = NDArray[np.float64]
Missing = Literal["leave_out", "carry", "zero"]

# A year of days: a series that is older says nothing of today.
OLDEST = 366
# Days for which a figure of a month holds, until the next one is published.
MONTHLY = 45
LONGEST = 100_000


@dataclass(frozen=True, kw_only=True)
class InputRule:
    """How an input is read.

    Parameters
    ----------
    name : str
        By which reports know it.
    missing : {"leave_out", "carry", "zero"}
        What becomes of a bar on which it is NaN: the symbol is left out on it, as if
        it had not traded; the last value is carried forward; or it counts as the
        window's mean, and the network also reads whether it was missing.
    at_most : int
        Bars that a value is carried, where `missing` is "carry"; the symbol is left out
        on those after.
    odd : bool
        Whether it changes its sign, about its mean, when rises and falls change places,
        as momentum does and volume does not (see ``mirrored`` of `ForecastSpec`).
    warmup : int
        First bars of each symbol on which it counts as missing, because its value
        still depends on where the history begins.

    Raises
    ------
    SpecError
        If a value is impossible.
    """

    name: str
    missing: Missing = "leave_out"
    at_most: int = 0
    odd: bool = True
    warmup: int = 0

    def __post_init__(self) -> None:
        owner = "Input"
        plain_fields(self)
        check_name(owner, self.name)
        check_choice(owner, "missing", self.missing, get_args(Missing))
        carries = self.missing == "carry"
        check_whole(owner, "at_most", self.at_most, least=int(carries), most=LONGEST)
        if self.at_most and not carries:
            valid = "left out unless missing='carry'"
            raise SpecError(owner, "at_most", self.at_most, valid)
        check_flag(owner, "odd", self.odd)
        check_whole(owner, "warmup", self.warmup, least=0, most=LONGEST)


@dataclass(frozen=True, kw_only=True)
class ContextRule:
    """How a series that is context is read.

    Parameters
    ----------
    name : str
        That of its feed.
    max_age : int
        Calendar days after which its last close counts as missing.
    published_after : int, optional
        Calendar days from the date of a bar to the day on which it is known: of a
        figure that is dated by its period, those until it is published. By default none
        are, and bars that are more than four days apart are refused (`Context`).
    missing : {"leave_out", "zero"}
        What becomes of a bar without it, as in `InputRule`.

    Raises
    ------
    SpecError
        If a value is impossible.
    """

    name: str
    max_age: int = 7
    published_after: int | None = None
    missing: Literal["leave_out", "zero"] = "leave_out"

    def __post_init__(self) -> None:
        owner = "Context"
        plain_fields(self)
        check_name(owner, self.name)
        check_whole(owner, "max_age", self.max_age, least=0, most=OLDEST)
        late = 0 if self.published_after is None else self.published_after
        check_whole(owner, "published_after", late, least=0, most=OLDEST)
        check_choice(owner, "missing", self.missing, ("leave_out", "zero"))
        if self.max_age < late:
            valid = f"at least published_after, which is {late}"
            raise SpecError(owner, "max_age", self.max_age, valid)

    @property
    def at_most(self) -> int:
        """0: its last close is carried by age, not by bars."""
        return 0

    @property
    def warmup(self) -> int:
        """0: a close does not depend on where the history begins."""
        return 0


Rule = InputRule | ContextRule


def context_rule(text: str) -> ContextRule:
    """Read a name, perhaps with ``+DAYS`` behind it, after which a figure is published.

    Such a figure holds until the next one of a month is published.
    """
    name, plus, days = text.rpartition("+")
    if plus and name and days.isdecimal():
        late = int(days)
        return ContextRule(name=name, published_after=late, max_age=late + MONTHLY)
    return ContextRule(name=text)


def rules_of(spec: Any) -> tuple[Rule, ...]:
    """Return how a spec reads what stands beside bars: none if it reads bars alone.

    Another kind of spec may mean something else by `inputs`, as `RidgeSpec` does.
    """
    if not hasattr(spec, "reading"):
        return ()
    return *spec.inputs, *spec.context


def check_name(owner: str, name: object) -> None:
    """Raise SpecError unless it is a name."""
    if not isinstance(name, str) or not name.strip():
        raise SpecError(owner, "name", name, "a text that is not empty")


def known_at(
    rule: ContextRule, asked: tuple[Array, Array], series: tuple[Array, Array, Array]
) -> Array:
    """Return a series' last value that was known at each of some closes.

    Parameters
    ----------
    asked : pair of (n,) arrays
        When: the numbers of closes, days and shares of one in any one zone, and the
        days of their sessions.
    series : three (m,) arrays
        The numbers and the days of its own closes, ascending, and its values.

    Returns
    -------
    (n,) float64
        NaN where none was known, or the last one was older than `max_age`.
    """
    numbers, days = asked
    own_numbers, own_days, values = series
    known = np.full(len(numbers), np.nan)
    if not len(values):
        return known
    stop = np.searchsorted(
        own_numbers + (rule.published_after or 0), numbers, side="right"
    )
    last = np.maximum(stop - 1, 0)
    fresh = (stop > 0) & (days - own_days[last] <= rule.max_age)
    known[fresh] = values[last[fresh]]
    return known


@dataclass
class Usage:
    """How often a policy for missing values was used, in bars of all symbols."""

    left_out: int = 0
    carried: int = 0
    zeroed: int = 0


@dataclass
class _State:
    """What is remembered of a symbol's row: bars so far, last value, and its bar."""

    bars: int = 0
    value: float = np.nan
    at: int = -1


@dataclass(eq=False)
class RowJoiner:
    """Applies the rules to one symbol's extra rows, in order of time.

    Bars may come one by one or all at once, to the same effect.
    """

    rules: Sequence[Rule]
    usage: dict[str, Usage]
    _states: list[_State] = field(init=False)

    def __post_init__(self) -> None:
        self._states = [_State() for _ in self.rules]

    def join(self, rows: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Return the rows with values carried, and which bars are not left out.

        Parameters
        ----------
        rows : (n_rules, n) float64
            A symbol's next bars.

        Returns
        -------
        rows : (n_rules, n) float64
        kept : (n,) bool
        """
        rows = np.where(np.isfinite(rows), rows, np.nan)
        kept = np.ones(rows.shape[1], dtype=bool)
        for row, rule, state in zip(rows, self.rules, self._states, strict=True):
            self._apply(row, rule, state, kept)
        return rows, kept

    def _apply(
        self, row: Array, rule: Rule, state: _State, kept: NDArray[np.bool_]
    ) -> None:
        usage = self.usage[rule.name]
        numbers = np.arange(state.bars, state.bars + len(row))
        row[numbers < rule.warmup] = np.nan
        state.bars += len(row)
        if rule.missing == "carry":
            there = np.isfinite(row)
            last = np.maximum.accumulate(np.where(there, numbers, state.at))
            values = np.concatenate([[state.value], row])
            inside = last - numbers[:1] if len(numbers) else last
            found = values[np.where(inside >= 0, inside + 1, 0)]
            carried = ~there & (last >= 0) & (numbers - last <= rule.at_most)
            usage.carried += int(carried.sum())
            if len(row):
                state.value, state.at = float(found[-1]), int(last[-1])
            row[carried] = found[carried]
        missing = np.isnan(row)
        if rule.missing == "zero":
            usage.zeroed += int(missing.sum())
        else:
            usage.left_out += int(missing.sum())
            kept &= ~missing
