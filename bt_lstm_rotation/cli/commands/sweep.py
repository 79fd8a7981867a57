"""``sweep``: a backtest for every combination of some settings."""

from __future__ import annotations

import argparse
import datetime as dt
import json

from bt_lstm_rotation.cli.inputs import (
    bars_folder,
    load_bars,
    make_broker,
    make_sizer,
    workers_and_store,
)
from bt_lstm_rotation.cli.ledger_options import add_no_ledger
from bt_lstm_rotation.cli.options import (
    add_bars,
    add_context,
    add_features,
    add_forecaster,
    add_trading,
    add_training,
)
from bt_lstm_rotation.cli.streams import kept_in
from bt_lstm_rotation.cli.values import new_file, new_folder
from bt_lstm_rotation.errors import SpecError

SUMMARY = "backtest every combination of some settings"
DESCRIPTION = "Backtest every combination of some settings: one row per trial."
EPILOG = """\
examples:
  %(prog)s --grid top=2,3,4 --grid horizon=10,21 --out trials.csv
  %(prog)s --strategy momentum_12_1 --grid lookback=126,252 --out momentum.csv
  %(prog)s --grid top=2,3 --out trials.csv --keep runs/top
  %(prog)s --grid forecaster=lstm,kalman,momentum_63 --out rivals.csv
  %(prog)s --grid 'features=["log_return"],["log_return","rank"]' --out features.csv

Keys and values are those of --set, which the command settings lists with their
defaults; a single value fixes a setting. Commas separate values, except inside
brackets. Repeat the command to continue a sweep: trials that are in the file already
are not run again.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of a sweep."""
    add_bars(parser)
    add_context(parser)
    trading = add_trading(parser)
    add_forecaster(trading)
    add_features(trading)
    trading.add_argument(
        "--grid",
        action="append",
        required=True,
        metavar="KEY=VALUE,...",
        help="a setting and the values it takes, such as top=2,3,4; may be repeated "
        "(required; the command settings lists them all)",
    )
    add_training(parser, "trials")
    add_no_ledger(parser)
    parser.add_argument(
        "--out",
        type=new_file,
        required=True,
        metavar="FILE.csv",
        help="where the rows go; rows from an earlier run are kept (required)",
    )
    parser.add_argument(
        "--keep",
        type=new_folder,
        metavar="DIR",
        help="keep the whole run of each trial too, in a folder of its own, for the "
        "command compare (default: the rows alone)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Run the trials that are not in the file yet, and print them all."""
    from bt_lstm_rotation.reporting import (
        print_line,
        print_trials,
        progress_bar,
        standard_error,
        standard_output,
    )
    from bt_lstm_rotation.sweep import check_keep, check_table, parse_grid, run_sweep

    named = [] if arguments.forecaster is None else [arguments.forecaster]
    fixed = [f"forecaster={name}" for name in named]
    grid = parse_grid([*fixed, *arguments.grid])
    if arguments.context:
        if "context" in grid:
            valid = "given once: by --context, which also loads its bars, or by --grid"
            raise SpecError("sweep", "context", ", ".join(grid["context"]), valid)
        grid["context"] = [json.dumps(arguments.context)]
    sizer = make_sizer(arguments)
    bars = bars_folder(arguments.data)
    check_table(arguments.out, bars=bars)
    if arguments.keep is not None:
        check_keep(arguments.keep, bars=bars)
    panel, benchmark = load_bars(arguments, dt.datetime.now().astimezone())
    workers, store = workers_and_store(arguments)
    aside = standard_error()
    with progress_bar(aside) as progress:
        trials = run_sweep(
            panel,
            arguments.strategy,
            grid,
            file=arguments.out,
            benchmark=benchmark,
            start=arguments.start,
            end=arguments.end,
            broker=make_broker(arguments),
            sizer=sizer,
            seed=arguments.seed,
            workers=workers,
            store=store,
            progress=progress,
            periods_a_year=arguments.periods_a_year,
            folder=arguments.keep,
            ledger=not arguments.no_ledger,
            features=arguments.features,
        )
    kept_in(arguments.out)
    print_trials(standard_output(), trials, grid, arguments.out)
    failed = int((trials["status"] != "ok").sum())
    print_line(f"{len(trials):,} trials, {failed:,} of them failed, in {arguments.out}")
    notes = [
        f"the best of {len(trials):,} trials is the best of {len(trials):,} draws; "
        "some of what sets it apart is luck."
    ]
    if trials["first_decision"].nunique() > 1:
        notes.insert(0, "trials begin on different days; --start gives them all one.")
    for note in notes:
        aside.print(f"Note: {note}", soft_wrap=True, markup=False, highlight=False)
