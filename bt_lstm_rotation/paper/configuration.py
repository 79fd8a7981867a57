"""What a paper account is: its bars, strategy and broker, frozen when it is started."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path, PurePath
from typing import Any

from bt_lstm_rotation.backtest.broker import Broker
from bt_lstm_rotation.backtest.settings import parse_settings
from bt_lstm_rotation.backtest.sizing import check_sizer, fixed_stake, share_of_cash
from bt_lstm_rotation.backtest.strategy_file import find_strategy, known_strategies
from bt_lstm_rotation.checks import (
    check_flag,
    check_positive,
    check_range,
    check_whole,
    listed,
    plain_fields,
)
from bt_lstm_rotation.errors import JournalError, SpecError, StrategyError
from bt_lstm_rotation.forecasting.beside import context_rule
from bt_lstm_rotation.prices.loading import BENCHMARKS
from bt_lstm_rotation.strategy import with_context
from bt_lstm_rotation.user_code import source_files

__all__ = ["Configuration"]

# A year, in hours.
LONGEST_DEADLINE = 8_784.0


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """The settings of a paper account; the same words as on the command line.

    Parameters
    ----------
    data : str
        ``"yahoo"``, ``"simulated"``, ``"simulated:WORLD"`` or ``"folder:PATH"``.
    symbols : tuple of str, optional
        What is traded; None for all that the source has when the account is started.
    benchmark : str, optional
        What it is compared with; never traded.
    context : tuple of str
        Daily series that forecasts read besides; never traded.
    strategy : str
        The name of one that comes along, or ``FILE.py:Class``.
    settings : tuple of str
        ``key=value`` each, as ``--set`` takes them.
    cash, commission, slippage : float
        As in `Broker`: currency, and shares of an order's value and of the price.
    stake, sizer : float, optional
        Shares, or the share of the cash, of a plain ``buy()``.
    seed : int
        Of the network and the simulated market.
    adjust : bool
        Whether a folder's Adj Close is applied.
    calendar : str, optional
        When sessions close: an exchange's code, ``"24/7"``, ``"weekdays"`` or
        ``"bars"``; None to take what the source's bars fit.
    deadline : float
        Hours after a close for which a missing bar is waited for, a year at most.

    Raises
    ------
    SpecError
        If a value is impossible.
    """

    data: str = "simulated"
    symbols: tuple[str, ...] | None = None
    benchmark: str | None = None
    context: tuple[str, ...] = ()
    strategy: str = "lstm_top3_monthly"
    settings: tuple[str, ...] = ()
    cash: float = Broker.cash
    commission: float = Broker.commission
    slippage: float = Broker.slippage
    stake: float | None = None
    sizer: float | None = None
    seed: int = 0
    adjust: bool = True
    calendar: str | None = None
    deadline: float = 48.0

    def __post_init__(self) -> None:
        plain_fields(self)
        for name in ("data", "strategy"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name):
                raise SpecError("Configuration", name, getattr(self, name), "a text")
        for name in ("symbols", "context", "settings"):
            value = getattr(self, name)
            if value is None and name == "symbols":
                continue
            texts = listed("Configuration", name, value, "a list of texts")
            if not all(isinstance(text, str) for text in texts):
                raise SpecError("Configuration", name, value, "a list of texts")
            object.__setattr__(self, name, tuple(map(str, texts)))
        for name in self.context:
            if context_rule(name).name != name:
                valid = (
                    "a daily series, known at its close: a step takes a session's bars "
                    "and none that are published later"
                )
                raise SpecError("Configuration", "context", name, valid)
            if name == self.benchmark or name in (self.symbols or ()):
                valid = "neither traded nor the benchmark"
                raise SpecError("Configuration", "context", name, valid)
        check_whole("Configuration", "seed", self.seed, least=0, most=2**64 - 1)
        check_flag("Configuration", "adjust", self.adjust)
        check_positive("Configuration", "deadline", self.deadline)
        check_range("Configuration", "deadline", self.deadline, 0.0, LONGEST_DEADLINE)
        if self.stake is not None and self.sizer is not None:
            raise SpecError("Configuration", "sizer", self.sizer, "None with a stake")
        self.broker()

    @property
    def names(self) -> list[str]:
        """All whose bars are recorded: what is traded, the benchmark, and context."""
        benchmark = [] if self.benchmark is None else [self.benchmark]
        return [*(self.symbols or ()), *benchmark, *self.context]

    def anchored(self) -> Configuration:
        """Return it with absolute paths: a later step is run from anywhere."""
        data, strategy, file = self.data, self.strategy, self.file
        kind, _, folder = data.partition(":")
        if kind == "folder" and folder:
            data = f"folder:{os.path.abspath(folder)}"
        elif data not in BENCHMARKS and os.path.isdir(data):
            data = os.path.abspath(data)
        if file is not None:
            strategy = f"{os.path.abspath(file)}{strategy.removeprefix(str(file))}"
        return replace(self, data=data, strategy=strategy)

    def broker(self) -> Broker:
        """Make what trading costs, and how much cash there is."""
        return Broker(
            cash=self.cash, commission=self.commission, slippage=self.slippage
        )

    def made_sizer(self) -> tuple[Any, dict[str, Any]] | None:
        """Make the sizer of plain orders, if there is one."""
        if self.stake is not None:
            return fixed_stake(self.stake)
        return None if self.sizer is None else share_of_cash(self.sizer)

    def load_strategy(self, file: Path | None = None) -> tuple[Any, dict[str, Any]]:
        """Load the strategy, from a copy of its file if given; return its params too.

        Raises as `find_strategy`, `parse_settings` and `with_context` do.
        """
        text = self.strategy
        if file is not None:
            _, colon, name = text.rpartition(":")
            text = f"{file}:{name}" if colon and not name.endswith(".py") else str(file)
        strategy = find_strategy(text)
        check_sizer(strategy, self.made_sizer())
        params = parse_settings(strategy, self.settings, seed=self.seed)
        return strategy, with_context(strategy, params, self.context)

    @property
    def file(self) -> Path | None:
        """The user's own file; None for a strategy that comes along."""
        if self.strategy in known_strategies():
            return None
        path, colon, name = self.strategy.rpartition(":")
        return Path(path if colon and not name.endswith(".py") else self.strategy)

    def sources(self) -> dict[str, str]:
        """Return the texts of the user's file and of what it imports beside it.

        By their paths from the file's folder; the file itself comes first. Raises
        StrategyError if one cannot be read.
        """
        if self.file is None:
            return {}
        try:
            found = source_files(self.file)
            return {
                PurePath(name).as_posix(): content.decode()
                for name, content in found.items()
            }
        except OSError as error:
            reason = f"{type(error).__name__}: {error}"
            raise StrategyError(
                f"{str(self.file)!r} cannot be read: {reason}"
            ) from error
        except UnicodeDecodeError as error:
            raise StrategyError(f"{str(self.file)!r} is not UTF-8: {error}") from error

    def to_text(self) -> str:
        """Write it as JSON."""
        return json.dumps(asdict(self), ensure_ascii=True, sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Configuration:
        """Read what `to_text` wrote of an account's.

        Raises JournalError if it is something else.
        """
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        known = {field.name for field in fields(cls)}
        if (
            not isinstance(found, Mapping)
            or not known.issuperset(found)
            or not found.get("symbols")  # all names are filled in
        ):
            raise JournalError(
                "the journal's configuration cannot be read; it may be of a newer "
                "version of this package"
            )
        return cls(**found)
