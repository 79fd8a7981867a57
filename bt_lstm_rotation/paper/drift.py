"""Whether an account does what its backtest led one to expect: it says so, no more.

Before the account begins, the same configuration is backtested on the years before. As
long a stretch as the account has lived, cut from that backtest anywhere, would have had
a forecast skill, a turnover and costs of its own; the middle 95% of those are the band
in which the account's own figures are expected (Politis and Romano's circular blocks,
of one length: "A circular block-resampling procedure", 1992). Skill moves slowly, so
stretches overlap, and a band from few years is narrower than the truth.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.backtest import run_backtest
from bt_lstm_rotation.backtest.strategy_file import strategy_errors
from bt_lstm_rotation.errors import RotationError, StrategyError
from bt_lstm_rotation.forecasting import Training
from bt_lstm_rotation.measures.information import wide_forecasts
from bt_lstm_rotation.measures.skill import returns_ahead, session_ic
from bt_lstm_rotation.paper.configuration import Configuration
from bt_lstm_rotation.paper.record import Record
from bt_lstm_rotation.periods import MONTH, YEAR
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.result import BacktestResult
from bt_lstm_rotation.trials import TrialLedger, code_of_classes, trial_of

__all__ = ["Trace", "band", "drift", "drift_of", "expectation", "trace_of"]

MEASURES = {
    "ic": "forecast skill (information coefficient)",
    "turnover": "turnover a year",
    "costs": "costs a year",
}

# Share of the stretches whose figure lies in the band.
COVERED = 0.95

# Years before the account that are backtested, beside the history they need.
YEARS = 5


@dataclass(frozen=True)
class Trace:
    """What each session of an account contributed.

    Parameters
    ----------
    sessions : tuple of str
        ISO dates, from the first close on.
    ic : tuple of float
        Correlation of that close's forecasts with what followed; NaN until it has.
    turnover, costs : tuple of float
        Half the value traded, and commission and slippage, as shares of equity.
    a_year : float
        Sessions a year.
    horizon : int
        Sessions ahead that were forecast; 0 where nothing was.
    """

    sessions: tuple[str, ...]
    ic: tuple[float, ...]
    turnover: tuple[float, ...]
    costs: tuple[float, ...]
    a_year: float
    horizon: int = 0

    def to_text(self) -> str:
        """Write it as JSON, NaN as null."""
        known = {
            name: [None if v != v else v for v in getattr(self, name)]
            for name in MEASURES
        }
        rest = {name: getattr(self, name) for name in ("sessions", "a_year", "horizon")}
        return json.dumps({**rest, **known})

    @classmethod
    def from_text(cls, text: str) -> Trace:
        """Read what `to_text` wrote."""
        found = json.loads(text)
        known = {
            name: tuple(np.nan if v is None else float(v) for v in found[name])
            for name in MEASURES
        }
        return cls(
            tuple(found["sessions"]),
            a_year=float(found["a_year"]),
            horizon=int(found["horizon"]),
            **known,
        )

    def figure(self, measure: str) -> float:
        """Return the mean of a measure; of turnover and costs a year's."""
        values = np.array(getattr(self, measure))
        known = values[np.isfinite(values)]
        scale = 1.0 if measure == "ic" else self.a_year
        return float(known.mean()) * scale if len(known) else float("nan")


def expectation(
    panel: PricePanel,
    wanted: Configuration,
    strategy: Any,
    params: Mapping[str, Any],
    sessions: int,
    training: Training,
    ledger: TrialLedger | None = None,
) -> Trace | None:
    """Backtest a configuration on the years before; None where there is not one year.

    Parameters
    ----------
    panel : PricePanel
        All bars up to the account's first close.
    sessions : int
        The history that a first decision needs.
    ledger : TrialLedger, optional
        Where that backtest is counted.

    Raises
    ------
    StrategyError
        If the strategy fails: where, and why.
    """
    recent = panel.rows(max(0, len(panel) - sessions - YEARS * YEAR), len(panel))
    try:
        with strategy_errors(strategy):
            result = run_backtest(
                recent,
                strategy,
                params,
                benchmark=wanted.benchmark,
                broker=wanted.broker(),
                sizer=wanted.made_sizer(),
                training=training,
                ledger=False,
            )
    except StrategyError:
        raise
    except RotationError:
        return None  # what is wrong with it, the account's own first step says
    if ledger is not None:
        kinds = [strategy]
        ledger.keep(
            lambda: [trial_of(result, recent, "paper", code=code_of_classes(kinds))]
        )
    return trace_of(result) if len(result.account) > YEAR else None


def trace_of(result: BacktestResult) -> Trace:
    """Take the trace of a backtest."""
    account, orders = result.account, result.orders
    filled = orders[orders["filled"] > 0]
    executed = pd.to_datetime(filled["executed"])
    value = (filled["filled"] * filled["price"]).groupby(executed).sum()
    costs = (filled["commission"] + filled["slippage"]).groupby(executed).sum()
    ic = pd.Series(np.nan, index=account.index)
    if not result.forecasts.empty:
        made, realised = wide_forecasts(result.forecasts)
        found = session_ic(made.to_numpy(), realised.to_numpy())
        ic.update(pd.Series(found, index=made.index))
    return Trace(
        tuple(str(day) for day in account.index.to_numpy().astype("datetime64[D]")),
        tuple(ic),
        tuple(value.reindex(account.index, fill_value=0.0) / 2 / account["equity"]),
        tuple(costs.reindex(account.index, fill_value=0.0) / account["equity"]),
        result.summary["metrics"]["periods_a_year"],
        (result.summary["spec"] or {}).get("horizon", 0),
    )


def trace_of_record(record: Record, panel: PricePanel, expected: Trace) -> Trace:
    """Take the trace of a paper account, by the year and horizon of its backtest."""
    days = list(record.rows)
    traded, costs = [], []
    for day in days:
        rows = record.rows[day]
        ((_, equity),) = rows["account"]
        done = [row for row in rows["outcomes"] if row[2] > 0]
        traded.append(sum(row[2] * row[3] for row in done) / 2 / equity)
        costs.append(sum(row[4] + row[5] for row in done) / equity)
    sessions = np.array(days, dtype="datetime64[D]")
    return Trace(
        tuple(map(str, sessions)),
        tuple(_ics(record, panel, sessions, expected.horizon)),
        tuple(traded),
        tuple(costs),
        expected.a_year,
        expected.horizon,
    )


def band(values: Sequence[float], length: int) -> tuple[float, float]:
    """Return between what the mean of a stretch of so many sessions is expected.

    Stretches begin at every session, and go on at the beginning past the end. Values
    that are NaN are left out of the means.
    """
    series = np.array(values, dtype="float64")
    length = min(length, len(series))
    known = np.isfinite(series)
    counts = _stretches(known.astype("float64"), length)
    sums = _stretches(np.where(known, series, 0.0), length)
    means = sums[counts > 0] / counts[counts > 0]
    if not len(means):
        return float("nan"), float("nan")
    low, high = np.quantile(means, [(1 - COVERED) / 2, (1 + COVERED) / 2])
    return float(low), float(high)


def _stretches(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Add up as many values from each one on, going on at the beginning."""
    so_far = np.cumsum(np.concatenate([[0], values, values[:length]]))
    sums: NDArray[np.float64] = so_far[length:][: len(values)] - so_far[: len(values)]
    return sums


def drift_of(record: Record, panel: PricePanel) -> tuple[str, ...]:
    """Say where an account stands beside what was expected of it.

    `panel` holds all bars in the units of the last session.
    """
    texts = [row[1] for row in record.tables["expectations"]]
    if not texts:
        return ("nothing to go by: too few bars before the account for a backtest",)
    if not record.rows:
        return ()
    expected = Trace.from_text(texts[-1])
    return drift(trace_of_record(record, panel, expected), expected)


def drift(live: Trace, expected: Trace) -> tuple[str, ...]:
    """Say in a sentence for each measure whether it is where it was expected."""
    first, last = expected.sessions[0], expected.sessions[-1]
    said = []
    for measure, words in MEASURES.items():
        values = np.array(getattr(live, measure))
        length = int(np.isfinite(values).sum())
        if not np.isfinite(getattr(expected, measure)).any():
            continue
        if length < MONTH:
            said.append(f"{words}: too early to tell, {length} of {MONTH} sessions")
            continue
        scale = 1.0 if measure == "ic" else expected.a_year
        low, high = (scale * edge for edge in band(getattr(expected, measure), length))
        now = live.figure(measure)
        where = "within" if low <= now <= high else "OUTSIDE"
        said.append(
            f"{words} is {now:.3g}, {where} {low:.3g} to {high:.3g}, which 95% of "
            f"stretches of {length} sessions had in the backtest of {first} to {last}"
        )
    return tuple(said)


def _ics(
    record: Record,
    panel: PricePanel,
    sessions: NDArray[np.datetime64],
    horizon: int,
) -> NDArray[np.float64]:
    if not horizon:
        return np.full(len(sessions), np.nan)
    row = {day: place for place, day in enumerate(panel.sessions.tolist())}
    column = {symbol: place for place, symbol in enumerate(panel.symbols)}
    made = np.full(panel.close.shape, np.nan)
    for day, rows in record.daily("forecasts").items():
        for _, symbol, forecast, _ in rows:
            made[row[day], column[symbol]] = forecast
    realised = returns_ahead(panel.close, horizon)
    found = session_ic(made, realised)
    at = np.searchsorted(panel.sessions, sessions)
    return found[at]
