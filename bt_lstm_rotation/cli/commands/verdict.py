"""``verdict``: whether a forecast is worth anything."""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

from bt_lstm_rotation.cli.inputs import (
    load_bars,
    make_broker,
    make_strategy,
    workers_and_store,
)
from bt_lstm_rotation.cli.ledger_options import add_no_ledger
from bt_lstm_rotation.cli.options import (
    add_bars,
    add_features,
    add_forecaster,
    add_set,
    add_trading,
    add_training,
)
from bt_lstm_rotation.cli.streams import kept_in
from bt_lstm_rotation.cli.values import date, names, new_folder

SUMMARY = "say whether a forecast is worth anything"
DESCRIPTION = (
    "Train a forecaster and its rivals over the same walk forward, and say what the "
    "evidence supports."
)
EPILOG = """\
examples:
  %(prog)s                                    the default network, simulated market
  %(prog)s --data folder:prices --benchmark SPY --start 2004-01-02
  %(prog)s --forecaster kalman --rivals zero,momentum,reversal
  %(prog)s --holdout 2018-01-02 --around 2009-03-09
  %(prog)s --sweep runs/top                   runs that sweep --keep has left
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of a verdict."""
    add_bars(parser)
    trading = add_trading(parser)
    add_forecaster(trading)
    add_features(trading)
    add_set(trading)
    evidence = parser.add_argument_group("evidence")
    evidence.add_argument(
        "--rivals",
        type=names,
        metavar="A,B",
        help="of zero, mean, ewma, momentum, reversal, filters, kalman, ridge, tree, "
        "arima (default: all but arima, which takes longer than all the others)",
    )
    evidence.add_argument(
        "--seeds",
        type=int,
        default=5,
        metavar="N",
        help="over how many seeds of a network the band goes: 0, or 5 to 100 "
        "(default: %(default)s)",
    )
    evidence.add_argument(
        "--around",
        type=date,
        metavar="DATE",
        help="also measure what was before this date and from it on (default: none)",
    )
    evidence.add_argument(
        "--holdout",
        type=date,
        metavar="DATE",
        help="keep the sessions from this date on out of all else, and test the "
        "candidate on them, once (default: none)",
    )
    evidence.add_argument(
        "--sweep",
        type=new_folder,
        metavar="DIR",
        help="the runs that the candidate was chosen from, as sweep --keep leaves "
        "them, for the probability of overfitting (default: candidate and rivals)",
    )
    evidence.add_argument(
        "--draws",
        type=int,
        default=1_000,
        metavar="N",
        help="random portfolios, and draws of the bootstrap (default: %(default)s)",
    )
    add_training(parser, "fits")
    add_no_ledger(parser)
    parser.add_argument(
        "--out",
        type=new_folder,
        default=Path("verdict"),
        metavar="DIR",
        help="folder for verdict.html and verdict.json; earlier ones are replaced "
        "(default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Run candidate and rivals, and print, write and show what they support."""
    from bt_lstm_rotation.backtest.strategy_file import strategy_errors
    from bt_lstm_rotation.evidence.verdict import verdict
    from bt_lstm_rotation.evidence.verdict.kept_sweep import sweep_returns
    from bt_lstm_rotation.forecasting import Training
    from bt_lstm_rotation.reporting import (
        print_line,
        print_table,
        progress_bar,
        standard_error,
        standard_output,
    )
    from bt_lstm_rotation.reporting.verdict_page import (
        check_verdict_place,
        verdict_tables,
        write_verdict,
    )

    strategy, params, sizer = make_strategy(arguments)
    check_verdict_place(arguments.out)
    sweep = None if arguments.sweep is None else sweep_returns(arguments.sweep)
    panel, benchmark = load_bars(arguments, dt.datetime.now().astimezone())
    workers, store = workers_and_store(arguments)
    aside = standard_error()
    with progress_bar(aside) as progress, strategy_errors(strategy):
        found = verdict(
            panel,
            strategy,
            params,
            benchmark=benchmark,
            start=arguments.start,
            end=arguments.end,
            broker=make_broker(arguments),
            sizer=sizer,
            periods_a_year=arguments.periods_a_year,
            rivals=arguments.rivals,
            seeds=arguments.seeds,
            around=arguments.around,
            holdout=arguments.holdout,
            sweep=sweep,
            ledger=not arguments.no_ledger,
            draws=arguments.draws,
            seed=arguments.seed,
            training=Training(workers=workers, store=store, progress=progress),
            announce=lambda name: aside.print(name, markup=False, highlight=False),
        )
    page = write_verdict(found.figures, arguments.out)
    kept_in(arguments.out)
    for sentence in found.sentences:
        print_line(sentence)
    for table in verdict_tables(found.figures):
        headings = table.headings or [""] * len(table.align)
        pairs = zip(headings, table.align, strict=True)
        numbers = [heading for heading, side in pairs if side == "r"]
        print_table(
            standard_output(), table.title, headings, table.rows, numbers=numbers
        )
    for note in found.figures["notes"]:
        aside.print(f"Note: {note}", soft_wrap=True, markup=False, highlight=False)
    print_line(str(page))
