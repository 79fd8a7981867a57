"""``backtest``: run a strategy and write a report; the default command."""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

from bt_lstm_rotation.cli.inputs import (
    load_bars,
    make_broker,
    make_sizer,
    workers_and_store,
)
from bt_lstm_rotation.cli.options import (
    add_bars,
    add_set,
    add_trading,
    add_training,
    new_file,
    new_folder,
)

SUMMARY = "run a strategy and write a report (the default command)"
DESCRIPTION = "Backtest a strategy with Backtrader and write a report."
EPILOG = """\
examples:
  %(prog)s                                    the simulated market
  %(prog)s --data yahoo --start 2010-01-04    the nine SPDR sectors and SPY
  %(prog)s --data folder:prices --symbols XLE,XLK,XLV --benchmark SPY
  %(prog)s --strategy momentum_12_1 --set top=2 --set rebalance=weekly
  %(prog)s --strategy my_file.py:MyStrategy --set period=20 --sizer 0.2

exit codes: 0 done, 1 a fault of ours, 2 bad usage or bad data
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of a backtest."""
    add_bars(parser)
    trading = add_trading(parser)
    add_set(trading)
    add_training(parser, "fits")
    parser.add_argument(
        "--out",
        type=new_folder,
        metavar="DIR",
        help="where the report goes; of another run that is there, the files are kept "
        "in DIR/earlier-1 (default: a new folder in runs/)",
    )
    parser.add_argument(
        "--quantstats",
        type=new_file,
        metavar="FILE",
        help="also write quantstats' tear sheet to this HTML file, in place of an "
        "earlier one; needs the extra quantstats (default: none)",
    )
    parser.add_argument(
        "--quiet",
        action="store_true",
        help="print the report's folder, errors, and nothing else (default: figures, "
        "notes and progress)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Run a backtest, write its files, and print a summary."""
    from functools import partial

    from rich.console import Console

    from bt_lstm_rotation.backtest import run_backtest
    from bt_lstm_rotation.backtest.settings import parse_settings
    from bt_lstm_rotation.backtest.sizing import check_sizer
    from bt_lstm_rotation.backtest.strategy_file import find_strategy, strategy_errors
    from bt_lstm_rotation.forecasting import Training
    from bt_lstm_rotation.reporting import (
        announce,
        print_line,
        print_summary,
        progress_bar,
    )
    from bt_lstm_rotation.reporting.tear_sheet import (
        check_tear_sheet,
        write_tear_sheet,
    )

    strategy = find_strategy(arguments.strategy)
    params = parse_settings(strategy, arguments.settings, seed=arguments.seed)
    sizer = make_sizer(arguments)
    check_sizer(strategy, sizer)
    now = dt.datetime.now()
    name = f"{strategy.__name__}-{now:%Y%m%d-%H%M%S}"
    folder = arguments.out or Path("runs") / name
    if arguments.quantstats is not None:
        check_tear_sheet(arguments.quantstats, folder)
    panel, benchmark = load_bars(arguments, now)
    workers, store = workers_and_store(arguments)
    console = Console(stderr=True, quiet=arguments.quiet)
    with progress_bar(console) as progress:
        training = Training(
            workers=workers,
            store=store,
            progress=progress,
            announce=partial(announce, console, workers.cores),
        )
        with strategy_errors(strategy):
            result = run_backtest(
                panel,
                strategy,
                params,
                benchmark=benchmark,
                start=arguments.start,
                end=arguments.end,
                broker=make_broker(arguments),
                sizer=sizer,
                training=training,
                periods_a_year=arguments.periods_a_year,
                folder=folder,
            )
    if arguments.quiet:
        print_line(str(folder))
    else:
        print_summary(result, folder)
    if arguments.quantstats is not None:
        file = write_tear_sheet(result, arguments.quantstats)
        if not arguments.quiet:
            print_line(f"Tear sheet {file}")
