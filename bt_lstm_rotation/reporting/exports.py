"""A run -> the pandas objects that other tools read, exactly as they expect them.

Each function takes a `BacktestResult` or the folder of a run, and any number of feeds.
Returns are decimals, one a session, from the close before to its own; money paid in or
out is none of them. The first session of a run is the close they begin from, so it has
no return. An index is of midnights, ``datetime64[ns]``, with no time zone but `tz`.

::

    from bt_lstm_rotation.reporting import exports

    empyrical.sharpe_ratio(exports.returns("runs/first"))
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.measures.flows import growth
from bt_lstm_rotation.measures.units import restated_closes
from bt_lstm_rotation.reporting.reading import read_run
from bt_lstm_rotation.result import BacktestResult

__all__ = [
    "benchmark_returns",
    "factor",
    "factor_prices",
    "for_alphalens",
    "for_pyfolio",
    "for_quantstats",
    "positions",
    "returns",
    "transactions",
]

CASH: Final = "cash"

# Without it, pyfolio-reloaded silently finds none of the days that it knows.
PYFOLIO_ZONE: Final = "UTC"


def returns(
    run: BacktestResult | Path | str, *, tz: str | None = None
) -> pd.Series[float]:
    """Return what each session brought, for quantstats and empyrical-reloaded.

    Parameters
    ----------
    tz : str, optional
        Time zone to put the sessions in, without moving them: ``"UTC"`` for pyfolio.

    Returns
    -------
    Series
        Decimals named ``returns``, indexed by session. They compound to
        ``total_return``; after all is lost they are 0.

    Examples
    --------
    >>> empyrical.annual_volatility(exports.returns(result))  # doctest: +SKIP
    """
    account = _result(run).account
    return _earned(account["equity"], _flows(account), "returns", tz)


def benchmark_returns(
    run: BacktestResult | Path | str, *, tz: str | None = None
) -> pd.Series[float] | None:
    """Return what each session brought in the benchmark; None of a run without one.

    Returns
    -------
    Series or None
        As `returns`, named after the benchmark. It has the sessions for which the
        benchmark is known, which may begin later or end earlier.

    Examples
    --------
    >>> empyrical.max_drawdown(exports.benchmark_returns(result))  # doctest: +SKIP
    """
    result = _result(run)
    known = result.account["benchmark"].dropna()
    if known.empty:
        return None
    name = (result.summary.get("data") or {}).get("benchmark") or "benchmark"
    return _earned(known, _flows(result.account)[known.index], str(name), tz)


def positions(
    run: BacktestResult | Path | str, *, tz: str | None = None
) -> pd.DataFrame:
    """Return what was held at each close, for pyfolio-reloaded.

    Returns
    -------
    DataFrame
        The sessions of `returns`; one column a symbol, in currency, below 0 where it
        was sold short, and ``cash`` last. A row adds up to equity, but for futures and
        leverage. A symbol that is itself called cash is ``cash.1``.

    Raises
    ------
    DataError
        If the result has no positions.

    Examples
    --------
    >>> pyfolio.pos.get_percent_alloc(exports.positions(result))  # doctest: +SKIP
    """
    held = _held(_result(run))
    *symbols, _ = held.columns
    named = _names(symbols)
    return pd.DataFrame(
        held.iloc[1:].to_numpy("float64"),
        index=_midnights(held.index[1:], tz),
        columns=[*(named[symbol] for symbol in symbols), CASH],
    )


def transactions(
    run: BacktestResult | Path | str, *, tz: str | None = None
) -> pd.DataFrame:
    """Return every fill, for pyfolio-reloaded.

    Returns
    -------
    DataFrame
        One row an order that was filled, indexed by the session of its fill, the last
        if there were several: ``amount``, in shares, below 0 for a sale; ``price``, the
        average, in currency for one of them (of a future, times its multiplier), before
        commission; and ``symbol``, as `positions` names it.

    Examples
    --------
    >>> pyfolio.txn.get_txn_vol(exports.transactions(result))  # doctest: +SKIP
    """
    result = _result(run)
    *symbols, _ = _held(result).columns
    orders = result.orders[result.orders["filled"] > 0]
    named = _names([*symbols, *orders["symbol"]])
    signs = np.where(orders["side"] == "buy", 1.0, -1.0)
    prices = orders["price"].to_numpy("float64") * orders["multiplier"].to_numpy()
    frame = pd.DataFrame(
        {
            "amount": signs * orders["filled"].to_numpy("float64"),
            "price": prices.astype("float64"),
            "symbol": np.array([named[s] for s in orders["symbol"]], dtype=object),
        },
        index=_midnights(pd.to_datetime(list(orders["executed"])), tz),
    )
    # Of one session, in the order of submission: a stack of lots depends on it.
    return frame.sort_index(kind="stable")


def factor(run: BacktestResult | Path | str) -> pd.Series[float]:
    """Return every forecast, for alphalens-reloaded.

    Returns
    -------
    Series
        Decimal returns over the horizon, named ``factor``, indexed by ``date`` and
        ``asset``, ascending.

    Examples
    --------
    >>> exports.factor(result).groupby("date").rank()  # doctest: +SKIP
    """
    made = _result(run).forecasts
    index = pd.MultiIndex.from_arrays(
        [_midnights(made["session"], None), made["symbol"].astype(object)],
        names=["date", "asset"],
    )
    values = made["forecast"].to_numpy("float64")
    return pd.Series(values, index=index, name="factor").sort_index()


def factor_prices(run: BacktestResult | Path | str) -> pd.DataFrame:
    """Return the closes of all that was forecast, for alphalens-reloaded.

    Returns
    -------
    DataFrame
        Currency; one row a session, ``date``, on which any of them traded, and one
        column for each ``asset``. NaN where it had no bar.

    Raises
    ------
    DataError
        If the result has no bars.

    Examples
    --------
    >>> exports.factor_prices(result).pct_change(21)  # doctest: +SKIP
    """
    result = _result(run)
    if result.bars.empty:
        raise DataError("the result has no bars", valid="that of a whole run")
    assets = sorted(set(result.forecasts["symbol"]))
    known = restated_closes(result.bars, result.actions)
    closes = known.reindex(columns=assets).dropna(how="all")
    return pd.DataFrame(
        closes.to_numpy("float64"),
        index=_midnights(closes.index, None).rename("date"),
        columns=pd.Index(assets, dtype=object, name="asset"),
    )


def for_quantstats(run: BacktestResult | Path | str) -> dict[str, Any]:
    """Return ``returns`` and ``benchmark``, as quantstats' reports take them.

    The benchmark is NaN where it is not known; None of a run without one.

    Examples
    --------
    >>> quantstats.reports.full(**exports.for_quantstats(result))  # doctest: +SKIP
    """
    result = _result(run)
    earned, benchmark = returns(result), benchmark_returns(result)
    if benchmark is not None:
        # Of other sessions than these, quantstats would make returns of its own.
        benchmark = benchmark.reindex(earned.index)
    return {"returns": earned, "benchmark": benchmark}


def for_pyfolio(run: BacktestResult | Path | str) -> dict[str, Any]:
    """Return pyfolio-reloaded's arguments by name, in UTC.

    Examples
    --------
    >>> pyfolio.create_full_tear_sheet(**exports.for_pyfolio(result))  # doctest: +SKIP
    """
    result = _result(run)
    return {
        "returns": returns(result, tz=PYFOLIO_ZONE),
        "positions": positions(result, tz=PYFOLIO_ZONE),
        "transactions": transactions(result, tz=PYFOLIO_ZONE),
        "benchmark_rets": benchmark_returns(result, tz=PYFOLIO_ZONE),
    }


def for_alphalens(run: BacktestResult | Path | str) -> dict[str, Any]:
    """Return ``factor`` and ``prices``, as alphalens-reloaded takes them.

    Examples
    --------
    >>> alphalens.utils.get_clean_factor_and_forward_returns(
    ...     **exports.for_alphalens(result)
    ... )  # doctest: +SKIP
    """
    result = _result(run)
    return {"factor": factor(result), "prices": factor_prices(result)}


def _result(run: BacktestResult | Path | str) -> BacktestResult:
    return run if isinstance(run, BacktestResult) else read_run(Path(run))


def _flows(account: pd.DataFrame) -> pd.Series[Any]:
    flows: pd.Series[Any] = account.get("flows", 0.0 * account["equity"])
    return flows


def _earned(
    curve: pd.Series[Any], flows: pd.Series[Any], name: str, tz: str | None
) -> pd.Series[float]:
    """Return decimal returns, without those of flows."""
    worth = growth(curve, flows).to_numpy(dtype="float64")
    with np.errstate(divide="ignore", invalid="ignore"):
        earned = worth[1:] / worth[:-1] - 1
    if (lost := np.flatnonzero(worth <= 0)).size:
        earned[lost[0] :] = 0.0
    return pd.Series(earned, index=_midnights(curve.index[1:], tz), name=name)


def _held(result: BacktestResult) -> pd.DataFrame:
    if not len(result.positions.columns):
        raise DataError("the result has no positions", valid="that of a whole run")
    return result.positions


def _names(symbols: Iterable[str]) -> dict[str, str]:
    """Return a name for each symbol, of which none is that of the cash."""
    named = {symbol: symbol for symbol in symbols}
    if CASH in named:
        others = (f"{CASH}.{number}" for number in count(1))
        named[CASH] = next(name for name in others if name not in named)
    return named


def _midnights(sessions: Any, tz: str | None) -> pd.DatetimeIndex:
    # A frequency, which an index in memory may have, is not in a run's files.
    index = pd.DatetimeIndex(pd.DatetimeIndex(sessions).to_numpy("datetime64[ns]"))
    return index if tz is None else index.tz_localize(tz)
