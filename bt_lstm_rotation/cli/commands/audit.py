"""``audit``: whether a strategy knows anything before its time."""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

from bt_lstm_rotation.cli.inputs import (
    bars_folder,
    load_bars,
    make_broker,
    make_strategy,
    workers_and_store,
)
from bt_lstm_rotation.cli.options import (
    LEAK,
    NOT_ASSESSED,
    add_bars,
    add_context,
    add_features,
    add_forecaster,
    add_orders,
    add_seed,
    add_set,
    add_training,
)
from bt_lstm_rotation.cli.streams import kept_in
from bt_lstm_rotation.cli.values import new_file

SUMMARY = "look for what a strategy knows before its time"
DESCRIPTION = (
    "Run a strategy again and again, with the future hidden, cut off or altered, and "
    "say what changes that should not."
)
EPILOG = """\
examples:
  %(prog)s                                    the default backtest
  %(prog)s my_file.py:MyStrategy --data folder:prices
  %(prog)s momentum_12_1 --set top=2 --probes 40 --json audit.json

exit codes: 0 clean, 3 a leak, 6 not assessed (the reason is printed), and otherwise as
a backtest. docs/audit.md says what each outcome means, and what cannot be seen.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the strategy, and the options of a backtest and of the audit."""
    parser.add_argument(
        "strategy",
        nargs="?",
        default="lstm_top3_monthly",
        metavar="STRATEGY",
        help="lstm_top3_monthly, momentum_12_1, equal_weight, buy_and_hold, one_rank, "
        "above_average, study_2019, or FILE.py:Class (default: %(default)s)",
    )
    add_bars(parser)
    add_context(parser)
    trading = add_orders(parser, strategy=False)
    add_seed(trading)
    add_forecaster(trading)
    add_features(trading)
    add_set(trading)
    add_training(parser, "fits")
    parser.add_argument(
        "--probes",
        type=int,
        metavar="N",
        help="sessions in which the future is cut off and altered (default: 24, and as "
        "few as 8 where there are many bars)",
    )
    parser.add_argument(
        "--no-warmup",
        action="store_true",
        help="do not measure what depends on where the history begins (default: "
        "measure it)",
    )
    parser.add_argument(
        "--script",
        type=new_file,
        default=Path("leak.py"),
        metavar="FILE",
        help="where a script goes that shows a leak, if there is one; an earlier one "
        "is replaced (default: %(default)s)",
    )
    parser.add_argument(
        "--json",
        type=new_file,
        metavar="FILE",
        help="also write the outcome to this file (default: none)",
    )
    parser.add_argument(
        "--quiet",
        action="store_true",
        help="print the outcome alone (default: also what is being done)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Audit a strategy, print what was found, and return the exit code."""
    from bt_lstm_rotation.backtest.strategy_file import strategy_errors
    from bt_lstm_rotation.evidence.audit import audit_backtest
    from bt_lstm_rotation.evidence.audit.files import check_files, write_files
    from bt_lstm_rotation.evidence.audit.inputs import watched
    from bt_lstm_rotation.forecasting import Training
    from bt_lstm_rotation.reporting import print_line, standard_error

    # What a file reads when it is loaded is read once, for all worlds.
    with watched() as inputs:
        strategy, params, sizer = make_strategy(arguments)
    bars = bars_folder(arguments.data)
    check_files(arguments.script, arguments.json, bars=bars)
    panel, benchmark = load_bars(arguments, dt.datetime.now())
    workers, store = workers_and_store(arguments)
    aside = standard_error(quiet=arguments.quiet)

    def progress(text: str) -> None:
        if not arguments.quiet:
            aside.print(text, soft_wrap=True, markup=False, highlight=False)

    with strategy_errors(strategy):
        report = audit_backtest(
            panel,
            strategy,
            params,
            benchmark=benchmark,
            start=arguments.start,
            end=arguments.end,
            broker=make_broker(arguments),
            sizer=sizer,
            training=Training(workers=workers, store=store),
            probes=arguments.probes,
            warmup=not arguments.no_warmup,
            progress=progress,
            read_before=inputs,
        )
    for line in str(report).splitlines():
        print_line(line)
    for what, path in write_files(report, arguments.script, arguments.json).items():
        kept_in(path)
        print_line(f"{what.capitalize()} is in {path}")
    return {"leak": LEAK, "not assessed": NOT_ASSESSED}.get(report.outcome, 0)
