"""``backtest``: run a strategy and write a report; the default command."""

from __future__ import annotations

import argparse
import datetime as dt
import re
from pathlib import Path

from bt_lstm_rotation.cli.inputs import (
    bars_folder,
    load_bars,
    make_broker,
    make_strategy,
    workers_and_store,
)
from bt_lstm_rotation.cli.ledger_options import add_no_ledger
from bt_lstm_rotation.cli.options import (
    add_bars,
    add_context,
    add_features,
    add_forecaster,
    add_set,
    add_trading,
    add_training,
)
from bt_lstm_rotation.cli.streams import kept_in
from bt_lstm_rotation.cli.values import new_file, new_folder

SUMMARY = "run a strategy and write a report (the default command)"
DESCRIPTION = "Backtest a strategy with Backtrader and write a report."
EPILOG = """\
examples:
  %(prog)s                                    the simulated market
  %(prog)s --data yahoo --start 2010-01-04    the nine SPDR sectors and SPY
  %(prog)s --data folder:prices --symbols XLE,XLK,XLV --benchmark SPY
  %(prog)s --strategy momentum_12_1 --set top=2 --set rebalance=weekly
  %(prog)s --forecaster kalman --set train_size=504
  %(prog)s --data yahoo --context ^VIX,TLT --importance
  %(prog)s --strategy my_file.py:MyStrategy --set period=20 --sizer 0.2

exit codes: 0 done, 1 a fault of ours, 2 bad usage or bad data, 130 stopped by Ctrl-C,
143 by SIGTERM
"""

# That of `Training`, which is not imported for a ``--help``.
DRIFT_LIMIT = 1.5

# What `importance` of `run_backtest` may be besides True and False; as above.
RETRAINED = "retrained"

# Letters of a class's name in that of a folder: each may take four bytes, of 255.
LONGEST = 50


def importance(text: str) -> str:
    """Parse what else is measured of each input: networks trained without it."""
    if text != RETRAINED:
        raise argparse.ArgumentTypeError(
            f"nothing or {RETRAINED} is needed (got {text!r})"
        )
    return text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of a backtest."""
    add_bars(parser)
    add_context(parser)
    trading = add_trading(parser)
    add_forecaster(trading)
    add_features(trading)
    add_set(trading)
    add_training(parser, "fits")
    add_no_ledger(parser)
    parser.add_argument(
        "--importance",
        nargs="?",
        const=True,
        default=False,
        type=importance,
        metavar="retrained",
        help="also measure what each input of the network brings, by forecasts from "
        "permuted inputs when the run is over; with retrained, also by networks that "
        "are trained without each, one walk forward for each (default: neither; the "
        "command importance measures both)",
    )
    parser.add_argument(
        "--out",
        type=new_folder,
        metavar="DIR",
        help="where the report goes: a new folder, an empty one, or that of a run, "
        "whose files are kept in DIR/earlier-1 (default: a new folder in runs/)",
    )
    parser.add_argument(
        "--quantstats",
        type=new_file,
        metavar="FILE",
        help="also write quantstats' tear sheet to this HTML file, in place of an "
        "earlier tear sheet; needs the extra quantstats (default: none)",
    )
    parser.add_argument(
        "--drift-limit",
        type=float,
        default=DRIFT_LIMIT,
        metavar="SHARE",
        help="warn of a fit that moves the forecasts for the same bars by more than "
        "this share of their spread (default: %(default)s)",
    )
    parser.add_argument(
        "--tensorboard",
        type=new_folder,
        metavar="DIR",
        help="also write losses and gradients by training step to this folder, new or "
        "empty; the extra tensorboard shows them: tensorboard --logdir DIR (default: "
        "none)",
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

    from bt_lstm_rotation.backtest import run_backtest
    from bt_lstm_rotation.backtest.strategy_file import strategy_errors
    from bt_lstm_rotation.forecasting import Training
    from bt_lstm_rotation.reporting import (
        RunFolder,
        announce,
        print_line,
        print_summary,
        progress_bar,
        standard_error,
    )
    from bt_lstm_rotation.reporting.tear_sheet import (
        check_tear_sheet,
        write_tear_sheet,
    )
    from bt_lstm_rotation.reporting.tensorboard import (
        check_tensorboard,
        write_tensorboard,
    )

    strategy, params, sizer = make_strategy(arguments)
    if arguments.tensorboard is not None:
        check_tensorboard(arguments.tensorboard)
    now = dt.datetime.now()
    named, bars = arguments.out, bars_folder(arguments.data)
    title = "-".join(filter(None, [strategy.__name__, arguments.forecaster]))
    out = named or Path("runs") / default_name(title, now)
    if arguments.quantstats is not None:
        check_tear_sheet(arguments.quantstats, out, bars=bars)
    with RunFolder(out, bars=bars, new=named is None) as place:
        panel, benchmark = load_bars(arguments, now)
        workers, store = workers_and_store(arguments)
        console = standard_error(quiet=arguments.quiet)
        with progress_bar(console) as progress:
            training = Training(
                workers=workers,
                store=store,
                progress=progress,
                announce=partial(announce, console, workers.at_once),
                drift_limit=arguments.drift_limit,
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
                    folder=place,
                    ledger=not arguments.no_ledger,
                    importance=arguments.importance,
                )
    kept_in(place.folder)
    if arguments.quiet:
        print_line(str(place.folder))
    else:
        print_summary(result, place.folder)
    if arguments.quantstats is not None:
        file = write_tear_sheet(result, arguments.quantstats)
        if not arguments.quiet:
            print_line(f"Tear sheet {file}")
    if arguments.tensorboard is not None:
        count = write_tensorboard(result.retrains, arguments.tensorboard)
        if not arguments.quiet:
            print_line(f"Trainings of {count:,} windows {arguments.tensorboard}")


def default_name(strategy: str, now: dt.datetime) -> str:
    """Name a folder after a strategy and the time; a class may be called anything."""
    readable = re.sub(r"[^\w.,=+-]", "_", strategy)[:LONGEST]
    return f"{readable}-{now:%Y%m%d-%H%M%S}"
