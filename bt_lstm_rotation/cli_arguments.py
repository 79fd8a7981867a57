"""What the command line understands: the options of each command."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
from pathlib import Path
from typing import NoReturn

from bt_lstm_rotation._version import __version__

__all__ = ["BAD_USAGE", "backtest_parser", "store_parser", "sweep_parser"]

BAD_USAGE = 2

EPILOG = """\
examples:
  %(prog)s                                    the simulated market
  %(prog)s --data yahoo --start 2010-01-04    the nine SPDR sectors and SPY
  %(prog)s --data folder:prices --symbols XLE,XLK,XLV --benchmark SPY
  %(prog)s --strategy momentum_12_1 --set top=2 --set rebalance=weekly
  %(prog)s --strategy my_file.py:MyStrategy --set period=20

other commands, with options of their own (see their --help):
  %(prog)s sweep --grid top=2,3,4 --out trials.csv    a backtest for each
  %(prog)s store --clear                      delete networks kept of earlier runs

exit codes: 0 done, 1 a fault of ours, 2 bad usage or bad data
"""

SWEEP_EPILOG = """\
examples:
  %(prog)s --grid top=2,3,4 --grid horizon=10,21 --out trials.csv
  %(prog)s --strategy momentum_12_1 --grid lookback=126,252 --out momentum.csv
  %(prog)s --grid 'features=["log_return"],["log_return","rank"]' --out features.csv

Keys and values are those of --set; a single value fixes a setting. Commas separate
values, but for those inside brackets. The file can be gone on with: what it has is not
run again.
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line."""
        line = " ".join(message.split())
        self.exit(BAD_USAGE, f"error: {line} (--help lists what there is)\n")


def backtest_parser() -> argparse.ArgumentParser:
    """Make the parser of the main command."""
    parser = _Parser(
        prog=Path(sys.argv[0]).name,
        description="Backtest a sector rotation through Backtrader and leave a report.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    _add_bars(parser)
    trading = _add_trading(parser)
    trading.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="settings",
        help="a parameter of the strategy or a setting of its forecaster, such as "
        "top=2 or horizon=10; may be repeated",
    )
    _add_training(parser, "fits")
    parser.add_argument(
        "--out",
        type=_folder,
        metavar="DIR",
        help="where the report goes (default: runs/)",
    )
    return parser


def sweep_parser() -> argparse.ArgumentParser:
    """Make the parser of ``sweep``."""
    parser = _Parser(
        prog=f"{Path(sys.argv[0]).name} sweep",
        description="Backtest every combination of some settings: one row a trial.",
        epilog=SWEEP_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_bars(parser)
    trading = _add_trading(parser)
    trading.add_argument(
        "--grid",
        action="append",
        required=True,
        metavar="KEY=VALUE,...",
        help="a setting and the values it takes, such as top=2,3,4; may be repeated",
    )
    _add_training(parser, "trials")
    parser.add_argument(
        "--out",
        type=_file,
        required=True,
        metavar="FILE.csv",
        help="where the rows go; those it has of an earlier run are kept",
    )
    return parser


def store_parser() -> argparse.ArgumentParser:
    """Make the parser of ``store``."""
    parser = _Parser(
        prog=f"{Path(sys.argv[0]).name} store",
        description="Show what is stored of earlier runs: networks and forecasts.",
    )
    parser.add_argument("--clear", action="store_true", help="delete it")
    return parser


def _add_bars(parser: argparse.ArgumentParser) -> None:
    bars = parser.add_argument_group("bars")
    bars.add_argument(
        "--data",
        default="simulated",
        metavar="SOURCE",
        help="simulated, yahoo, or folder:PATH with one CSV or Parquet file a symbol "
        "(default: %(default)s)",
    )
    bars.add_argument(
        "--symbols", type=_names, metavar="A,B", help="what is traded (default: all)"
    )
    bars.add_argument("--benchmark", metavar="SYMBOL", help="what it is compared with")
    bars.add_argument(
        "--start",
        type=_date,
        metavar="DATE",
        help="first session to trade; earlier bars are history for training",
    )
    bars.add_argument("--end", type=_date, metavar="DATE", help="last session to trade")
    bars.add_argument(
        "--unadjusted",
        action="store_true",
        help="take a folder's prices as they are, without applying Adj Close",
    )


def _add_trading(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    trading = parser.add_argument_group("trading")
    trading.add_argument(
        "--strategy",
        default="lstm_top3_monthly",
        metavar="NAME",
        help="lstm_top3_monthly, momentum_12_1, equal_weight, buy_and_hold, or "
        "FILE.py:Class (default: %(default)s)",
    )
    trading.add_argument(
        "--cash", type=float, default=100_000.0, help="(default: %(default)s)"
    )
    trading.add_argument(
        "--commission",
        type=float,
        default=0.0005,
        metavar="SHARE",
        help="share of an order's value (default: %(default)s)",
    )
    trading.add_argument(
        "--slippage",
        type=float,
        default=0.0002,
        metavar="SHARE",
        help="share of the price (default: %(default)s)",
    )
    trading.add_argument(
        "--seed",
        type=int,
        default=0,
        help="of the network and of the simulated market (default: %(default)s)",
    )
    return trading


def _add_training(parser: argparse.ArgumentParser, tasks: str) -> None:
    work = parser.add_argument_group("training")
    work.add_argument(
        "--jobs", type=int, metavar="N", help=f"{tasks} at a time (default: one a core)"
    )
    work.add_argument(
        "--backend",
        choices=["threads", "processes", "dask"],
        default="threads",
        help=f"where {tasks} are made (default: %(default)s)",
    )
    work.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a running Dask cluster"
    )
    work.add_argument(
        "--no-store",
        action="store_true",
        help="train anew what an earlier run has trained, and keep nothing",
    )


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(
            f"names with commas between them (got {text!r})"
        )
    return names


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"a date such as 2010-01-04 is needed (got {text!r})"
        ) from None


def _folder(text: str) -> Path:
    # Said now, and not after an hour of training.
    if os.path.isfile(text):
        raise argparse.ArgumentTypeError(f"a folder is needed (got a file, {text!r})")
    return Path(text)


def _file(text: str) -> Path:
    if not text or os.path.isdir(text):
        raise argparse.ArgumentTypeError(f"a file is needed (got {text!r})")
    return Path(text)
