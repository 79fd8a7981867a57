"""One trial: what was run, on which bars, and what came of it."""

from __future__ import annotations

import datetime as dt
import hashlib
import inspect
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from bt_lstm_rotation._version import __version__
from bt_lstm_rotation.forecasting.store.content_key import package_hash, settings_key
from bt_lstm_rotation.measures.distribution import session_returns
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.result import BacktestResult
from bt_lstm_rotation.trials.packing import bar_marks, pack_returns, plain_returns
from bt_lstm_rotation.user_code import code_hash
from bt_lstm_rotation.wording import shown

__all__ = [
    "KINDS",
    "TrialRecord",
    "code_of_classes",
    "marks_of_bars",
    "trial_of",
    "uncounted",
]

# Where a trial was made. A "rival" and a "seed" stood beside the candidate of a
# verdict; "holdout" is an opening of sessions that were held out.
KINDS: Final = (
    *("backtest", "sweep", "script", "paper"),
    *("verdict", "rival", "seed", "holdout", "imported"),
)

# Letters: a parameter may be a book.
LONGEST = 20_000


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """One trial.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    key : str
        A hash of bars, configuration, sessions and returns: the identical trial has the
        same.
    configuration : str
        A hash of strategy, parameters and spec.
    data, source, symbols, benchmark
        The bars: content hash, where they are from, what was traded (JSON), and what it
        was compared with.
    marks : bytes or None
        By which bars are known again (`bt_lstm_rotation.trials.packing`).
    code : str or None
        A hash of this package and of the strategies' files; None if one has no file.
    strategy, params, spec, seed, costs
        As in ``summary.json``; JSON but for the strategy's name and the seed.
    sharpe, annual_sharpe : float
        Of the net returns: of a session, and a year; NaN if they have none.
    periods_a_year : float
        By which it is annualised; NaN if unknown.
    length : int or None
        Returns; None if not known.
    first, last : str
        First and last session, ISO dates.
    returns : bytes or None
        Net returns by session (`bt_lstm_rotation.trials.packing.pack_returns`).
    beside : str or None
        Of a rival or a seed: the configuration of the candidate that it stood beside.
    version : str
        Of this package.
    """

    kind: str
    key: str
    configuration: str
    data: str
    source: str
    symbols: str
    first: str
    last: str
    strategy: str
    benchmark: str | None = None
    marks: bytes | None = None
    code: str | None = None
    params: str = "{}"
    spec: str | None = None
    seed: str | None = None
    costs: str = "{}"
    sharpe: float = math.nan
    annual_sharpe: float = math.nan
    periods_a_year: float = math.nan
    length: int | None = None
    returns: bytes | None = None
    beside: str | None = None
    version: str = __version__


def trial_of(
    result: BacktestResult,
    panel: PricePanel,
    kind: str,
    *,
    code: str | None = None,
    beside: str | None = None,
    since: dt.date | None = None,
) -> TrialRecord:
    """Make a record of a run.

    Parameters
    ----------
    result : BacktestResult
    panel : PricePanel
        All bars that it ran over.
    kind : str
        One of `KINDS`.
    code : str, optional
        As `code_of_classes` gives it.
    beside : str, optional
        The configuration of the candidate that it stood beside.
    since : date, optional
        In place of its first session, of an opening of what was held out.
    """
    summary, account = result.summary, result.account
    data, metrics = summary["data"], summary["metrics"]
    strategy = summary["strategy"]
    spec = None if summary["spec"] is None else _json(summary["spec"])
    params = _json(strategy["params"])
    returns = session_returns(account["equity"], account["flows"])
    # Not as they are packed, which is for each version of zlib to say.
    identity = plain_returns(returns)
    name = _text(strategy["name"])
    configuration = settings_key("configuration", name, params, spec)
    annual, periods = (_number(metrics[n]) for n in ("sharpe", "periods_a_year"))
    traded = [column for column in panel.symbols if column != data["benchmark"]]
    close = panel.select(traded or panel.symbols)
    days = [str(account.index[at].date()) for at in (0, -1)]
    return TrialRecord(
        kind=kind,
        key=settings_key("trial", data["content_hash"], configuration, identity),
        configuration=configuration,
        data=data["content_hash"],
        source=_text(data["source"]),
        symbols=_json(data["symbols"]),
        benchmark=None if data["benchmark"] is None else _text(data["benchmark"]),
        marks=bar_marks(close.sessions, close.close),
        code=code,
        strategy=name,
        params=params,
        spec=spec,
        seed=_seed(summary["spec"], strategy["params"]),
        costs=_json({**summary["broker"], "sizer": strategy.get("sizer")}),
        sharpe=annual / math.sqrt(periods) if periods > 0 else math.nan,
        annual_sharpe=annual,
        periods_a_year=periods,
        length=len(returns),
        first=days[0] if since is None else str(since),
        last=days[1],
        returns=pack_returns(returns),
        beside=beside,
    )


def uncounted(result: BacktestResult, problem: str) -> BacktestResult:
    """Say in a result that it is not in the ledger."""
    note = f"This run is not in the trial ledger, and no verdict counts it: {problem}."
    notes = [*result.summary["notes"], note]
    return replace(result, summary={**result.summary, "notes": notes})


def code_of_classes(strategies: Sequence[Any]) -> str | None:
    """Hash this package and some strategies' files, with what these import beside them.

    None if one has no file that can be read, as in a notebook.
    """
    try:
        # One that was held back until a session is a class of its own.
        kinds = [getattr(kind, "held_back", kind) for kind in strategies]
        own = tuple(
            code_hash(Path(inspect.getfile(kind)), kind.__qualname__) for kind in kinds
        )
    except (OSError, TypeError, ValueError, SyntaxError):
        return None
    return settings_key("code", package_hash(), own)


def marks_of_bars(bars: pd.DataFrame, symbols: Sequence[str]) -> bytes:
    """Return the marks of the bars that a run's folder keeps."""
    close = bars["Close"][[name for name in symbols if name in bars["Close"]]]
    days = pd.DatetimeIndex(bars.index).to_numpy().astype("datetime64[D]")
    return bar_marks(days, close.to_numpy(dtype="float64"))


def _seed(spec: Any, params: Any) -> str | None:
    for settings in (spec, params):
        if isinstance(settings, Mapping) and settings.get("seed") is not None:
            return _text(shown(settings["seed"]))
    return None


def _number(value: Any) -> float:
    number = math.nan if value is None else float(value)
    return number if math.isfinite(number) else math.nan


def _json(value: Any) -> str:
    """Write settings as JSON; what is too long, or none, by its hash or its look."""
    try:
        text = json.dumps(value, sort_keys=True, default=_plain)
    except (TypeError, ValueError, RecursionError):  # keys of two kinds, 5,000 digits
        text = json.dumps(shown(value))
    if len(text) > LONGEST:
        text = json.dumps({"sha256": hashlib.sha256(text.encode()).hexdigest()})
    return text


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else shown(value)


def _text(value: Any) -> str:
    text = str(value)[:LONGEST]
    # Half of a surrogate pair, as a name may have it, fits into no file.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
