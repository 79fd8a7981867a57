"""The files of a run -> the result that they were written from."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from bt_lstm_rotation.archive import unpack
from bt_lstm_rotation.disk import disk_errors, read_regular
from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.escaping import from_cell
from bt_lstm_rotation.reporting.files import ACTIONS, IMPORTANCE
from bt_lstm_rotation.reporting.summary_kinds import check_summary
from bt_lstm_rotation.result import BacktestResult

__all__ = ["read_run"]

PRICES: Final = ("Open", "High", "Low", "Close", "Volume")

# Of each fit, a list of numbers.
CURVES: Final = ("losses", "held_out_losses", "gradient_norms")

Kinds = dict[str, Callable[[str], Any]]

ADVICE: Final = "run it again, or name the folder of another run"


def read_run(folder: Path) -> BacktestResult:
    """Read a result back from the files that `write_run` has written.

    Numbers come back to the last bit. A symbol that holds a space comes apart in the
    ``symbols`` of a fit.

    Raises
    ------
    OutputError
        If a file is missing, damaged, or was written by an earlier version.
    """
    if not folder.is_dir():
        raise OutputError(f"{folder} is no folder; name the folder of a run")
    # Anything may stand in a file that somebody has edited.
    with disk_errors(OutputError, f"{folder} holds no whole run", ADVICE):
        try:
            return _read(folder)
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            problem = " ".join(str(error).split())
            raise OutputError(
                f"{folder} holds no whole run ({problem}); {ADVICE}"
            ) from error


def _read(folder: Path) -> BacktestResult:
    summary = json.loads(read_regular(folder / "summary.json").decode("utf-8"))
    check_summary(summary)
    equity = _sessions(folder, "equity.csv")
    weights, positions = (
        _sessions(folder, name, of=equity) for name in ("weights.csv", "positions.csv")
    )
    account = pd.DataFrame(
        {
            "equity": equity["equity"],
            "cash": positions.iloc[:, -1].to_numpy(),
            "benchmark": equity["benchmark"],
            "flows": equity.get("flows", 0.0),
        },
        index=equity.index,
    )
    return BacktestResult(
        account=account,
        weights=weights,
        orders=_rows(
            folder,
            "orders.csv",
            {
                "symbol": from_cell,
                "submitted": _date,
                "side": from_cell,
                "status": from_cell,
                "executed": _date,
                "ref": int,
            },
        ),
        forecasts=_rows(
            folder, "forecasts.csv", {"symbol": from_cell, "session": _stamp}
        ),
        retrains=_rows(
            folder,
            "retrains.csv",
            {
                "session": _stamp,
                "first_bar": _stamp,
                "last_target": _stamp,
                "symbols": _names,
                "n_bars": int,
                "origin": from_cell,
                "status": from_cell,
                "served_by": _stamp,
            },
            # Not there in runs of earlier versions.
            dict.fromkeys(CURVES, _numbers),
        ),
        events=_rows(
            folder,
            "events.csv",
            {
                "session": _date,
                "kind": from_cell,
                "symbol": from_cell,
                "detail": from_cell,
            },
        ),
        summary=summary,
        positions=positions,
        bars=_bars(unpack(read_regular(folder / "bars.npz"))),
        actions=_rows(folder, ACTIONS, {"session": _stamp, "symbol": from_cell})
        if (folder / ACTIONS).exists()
        else pd.DataFrame(),
        importance=_rows(
            folder,
            IMPORTANCE,
            {
                "table": from_cell,
                "name": from_cell,
                "kind": from_cell,
                "members": _name,
                "sessions": int,
                "note": from_cell,
            },
        )
        if summary.get("importance")
        else pd.DataFrame(),
    )


def _cells(folder: Path, name: str) -> pd.DataFrame:
    """Read a table as text, its headings included: no two of them need differ."""
    content = io.BytesIO(read_regular(folder / name))
    table = pd.read_csv(
        content, header=None, dtype=str, keep_default_na=False, encoding="utf-8"
    )
    table.columns = [from_cell(heading) for heading in table.iloc[0]]
    return table.iloc[1:].reset_index(drop=True)


def _sessions(folder: Path, name: str, of: pd.DataFrame | None = None) -> pd.DataFrame:
    """Read a table of numbers with one row a session, those of another table."""
    cells = _cells(folder, name)
    index = pd.DatetimeIndex(cells.iloc[:, 0].map(_stamp), name="session").as_unit("ns")
    if of is not None and not index.equals(of.index):
        raise ValueError(f"{name} has other sessions than equity.csv")
    columns = [cells.iloc[:, place].map(_number) for place in range(1, cells.shape[1])]
    return pd.DataFrame(
        np.array(columns, dtype="float64").T.reshape(len(cells), len(columns)),
        index=index,
        columns=cells.columns[1:],
    )


def _rows(
    folder: Path,
    name: str,
    kinds: Kinds,
    others: Kinds | None = None,
) -> pd.DataFrame:
    """Read a table with one row a thing; columns of no other kind are numbers.

    `others` are the kinds of columns that need not be there.
    """
    cells = _cells(folder, name)
    if missing := kinds.keys() - set(cells.columns):
        raise ValueError(f"{name} has no column {', '.join(sorted(missing))}")
    columns, known = {}, kinds | (others or {})
    for column in cells.columns:
        parse = known.get(column, _number)
        values = [parse(text) for text in cells[column]]
        kind = {_number: "float64", _stamp: "datetime64[ns]", int: "int64"}.get(parse)
        columns[column] = pd.Series(values, dtype=kind or object)
    return pd.DataFrame(columns)


def _bars(arrays: dict[str, Any]) -> pd.DataFrame:
    symbols = [str(symbol) for symbol in arrays["symbols"]]
    sessions = pd.DatetimeIndex(arrays["sessions"], name="session").as_unit("ns")
    return pd.DataFrame(
        np.concatenate([arrays[price.lower()] for price in PRICES], axis=1),
        index=sessions,
        columns=pd.MultiIndex.from_product(
            [PRICES, symbols], names=["Price", "Ticker"]
        ),
    )


def _number(text: str) -> float:
    return float(text) if text else np.nan


def _stamp(text: str) -> Any:
    return pd.Timestamp(text) if text else pd.NaT


def _date(text: str) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(map(float, from_cell(text).split()))


def _names(text: str) -> tuple[str, ...]:
    return tuple(from_cell(text).split())


def _name(text: str) -> tuple[str]:
    """Read a list that is one name of a user's own, which may have spaces in it."""
    return (from_cell(text),)
