"""Run what a table of trials does not have yet."""

from __future__ import annotations

import datetime as dt
import functools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bt_lstm_rotation.backtest.broker import Broker
from bt_lstm_rotation.backtest.sizing import check_sizer
from bt_lstm_rotation.backtest.strategy_file import (
    code_of,
    find_strategy,
    known_strategies,
)
from bt_lstm_rotation.checks import check_call, check_date, check_kind
from bt_lstm_rotation.errors import DataError, OutputError, StrategyError
from bt_lstm_rotation.forecasting import ForecastStore, Workers
from bt_lstm_rotation.forecasting.features import load_features
from bt_lstm_rotation.measures.annualisation import check_periods_a_year
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.sweep.grid import check_grid, combinations
from bt_lstm_rotation.sweep.places import check_table
from bt_lstm_rotation.sweep.table import SEAL, TrialTable
from bt_lstm_rotation.sweep.trials import MEASURES, Trials
from bt_lstm_rotation.trials import TrialLedger, counted, ledger_of
from bt_lstm_rotation.user_code import code_hash
from bt_lstm_rotation.wording import shown

__all__ = ["run_sweep"]


def run_sweep(
    panel: PricePanel,
    strategy: str,
    grid: Mapping[str, Sequence[Any]],
    *,
    file: Path,
    benchmark: str | None = None,
    start: dt.date | None = None,
    end: dt.date | None = None,
    broker: Broker | None = None,
    sizer: Any = None,
    seed: int | None = None,
    workers: Workers | None = None,
    store: ForecastStore | None = None,
    progress: Callable[[int, int], None] | None = None,
    periods_a_year: float | None = None,
    folder: Path | None = None,
    ledger: TrialLedger | bool = True,
    features: str | Path | None = None,
) -> pd.DataFrame:
    """Run a backtest for each combination of a grid that is not in the file yet.

    Parameters
    ----------
    panel, benchmark, start, end, broker, sizer, periods_a_year
        As `bt_lstm_rotation.run_backtest` takes them.
    strategy : str
        A name or ``FILE.py:Class``, as `find_strategy` takes it; it is loaded where
        trials are run.
    grid : mapping of str to sequence
        Setting -> its values, as ``--set`` takes both; a value is a plain one, such as
        a number or a tuple of names, or its text. The first setting changes slowest.
    file : Path
        A CSV file: ``trial``, the settings, `bt_lstm_rotation.sweep.trials.MEASURES`
        (empty where there is nothing to measure), ``status``, ``"ok"`` or what went
        wrong, and a ``checksum`` of the row, without which it is not believed. Rows are
        added as trials finish; at the end they are sorted as in the grid, followed by
        those of other grids over the same settings.
    seed : int, optional
        The spec's seed, if it has one.
    workers : Workers, optional
        How trials are spread. Within one of many, fits are made one by one.
    store : ForecastStore, optional
        Where trials find the fits of others, so that those that differ only in the
        portfolio train once. A worker on another machine uses its own folder of that
        path.
    progress : callable, optional
        Called with (trials done, trials planned) after each trial; those that the file
        has already count as done.
    folder : Path, optional
        Where each trial that is run leaves all of its files, in a folder of its own
        that is named after its settings: a new one, or that of an earlier run.
    ledger : TrialLedger or bool
        Where each trial that is run, and has a result, is counted (docs/trials.md);
        True is the usual ledger, False none.
    features : path, optional
        A file that makes features of a user's own (docs/inputs.md); it is run where
        trials are.

    Returns
    -------
    DataFrame
        One row a trial, as in the grid, with the file's columns but the last: settings
        as they stand in `grid`, ``first_decision`` datetime64, orders Int64, other
        measures float64.

    Raises
    ------
    SpecError
        If the grid is not one, has an unknown setting or a value twice, or a date is no
        date, or another argument is of the wrong kind. An impossible value, too little
        history or a user's strategy that fails does not raise: the trial's row says so.
    OutputError
        If the file or a trial's folder cannot be written, another sweep is at work on
        it, or it holds other columns, or trials of other bars, dates, broker, seed,
        strategy or version.
    DataError, SourceError, StrategyError
        If no trial can be run: as `run_backtest`, `Workers` and `find_strategy` do.
    """
    if not isinstance(panel, PricePanel):
        valid = "a PricePanel, as load_prices gives it"
        raise DataError("not a panel", value=type(panel).__name__, valid=valid)
    if not isinstance(strategy, str):
        valid = "the name of a strategy, or FILE.py:Class"
        raise StrategyError(f"a sweep needs {valid} (got {shown(strategy)})")
    for name, day in (("start", start), ("end", end)):
        check_date("run_sweep", name, day)
    for name, value, kind, valid in (
        ("file", file, str | os.PathLike, "the path of a CSV file"),
        ("broker", broker, Broker | None, "a Broker(...), or None"),
        ("workers", workers, Workers | None, "Workers(...), or None"),
        ("store", store, ForecastStore | None, "a ForecastStore, or None"),
        ("features", features, str | os.PathLike | None, "the path of a file, or None"),
        ("folder", folder, str | os.PathLike | None, "the path of a folder, or None"),
    ):
        check_kind("run_sweep", name, value, kind, valid)
    if progress is not None:
        check_call("run_sweep", "progress", progress)
    check_periods_a_year("run_sweep", periods_a_year)
    book = ledger_of("run_sweep", ledger)
    check_grid(grid, {"trial", *MEASURES, "status", SEAL})
    if features is not None:
        features = os.path.abspath(features)
        load_features(features)
    found = find_strategy(strategy)
    check_sizer(found, sizer)
    shared = Trials(
        # Later bars change no trial, nor its key.
        panel=panel.between(None, end),
        benchmark=benchmark,
        start=start,
        broker=Broker() if broker is None else broker,
        sizer=sizer,
        # A worker may stand in another folder.
        strategy=strategy
        if strategy in known_strategies()
        else os.path.abspath(strategy),
        code=code_of(found),
        seed=seed,
        store=store,
        workers=Workers(jobs=1),
        periods_a_year=periods_a_year,
        folder=None if folder is None else Path(folder).resolve(),
        counted=book is not None,
        features=features,
        features_code=code_hash(Path(features)) if features is not None else "",
    )
    trials = [shared.trial(values) for values in combinations(grid)]
    shared.check_settings(trials[0])
    columns = ["trial", *grid, *MEASURES, "status"]
    is_row = functools.partial(_is_row, len(grid))
    table = TrialTable(check_table(file), columns, is_row)
    with table.locked(), counted(book) as count:
        rows, doubted = table.read()
        for key, row in rows.items():
            if key != shared.trial(dict(zip(grid, row[1:], strict=False))).key:
                raise OutputError(
                    f"{file} holds trials of another sweep, such as {key}: of other "
                    "bars, dates, broker, sessions a year, sizer, seed, strategy or "
                    "version; choose another file"
                )
        keys = {trial.key for trial in trials}
        # What is in doubt and can be run is not kept; the rest is the user's.
        kept = [cells for cells in doubted if cells[0] not in keys | rows.keys()]
        if rows or kept:
            table.write(rows.values(), kept)  # what was cut off is gone
        left = [trial for trial in trials if trial.key not in rows]
        workers = workers or Workers()
        if workers.scheduler is None:  # a cluster has disks of its own
            shared.check_folders(left)
        done = len(trials) - len(left)
        for key, row, record in shared.run_all(left, workers):
            count(record)
            if rows or kept:
                table.append(row)
            else:
                table.write([row])
            rows[key] = row
            done += 1
            if progress is not None:
                progress(done, len(trials))
        wanted = {trial.key: rows[trial.key] for trial in trials}
        table.write((wanted | rows).values(), kept)
    return _frame(grid, table.columns, list(wanted.values()))


def _is_row(n_settings: int, cells: Sequence[str]) -> bool:
    """Whether the measures of a row can be read."""
    try:
        for name, cell in zip(MEASURES, cells[1 + n_settings : -1], strict=True):
            _measured(name, [cell])
    except (ValueError, OverflowError):
        return False
    return True


def _frame(
    grid: Mapping[str, Sequence[Any]],
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(columns))
    given = pd.DataFrame(list(combinations(grid)), columns=list(grid))
    measured = {name: _measured(name, frame[name].to_list()) for name in MEASURES}
    return frame.assign(**{name: given[name] for name in grid}, **measured)


def _measured(name: str, cells: Sequence[str]) -> Any:
    if name == "first_decision":
        return pd.to_datetime(pd.Series([cell or None for cell in cells]))
    if name.startswith("orders_"):
        return pd.array([int(cell) if cell else None for cell in cells], dtype="Int64")
    # float() rounds correctly, which pandas' own reading of numbers does not.
    return [float(cell) if cell else float("nan") for cell in cells]
