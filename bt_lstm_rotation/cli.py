"""The command line; no logic of its own.

Imports stand inside the functions: ``--help`` has no use for pandas or Backtrader, and
a person who waits for it notices.
"""

from __future__ import annotations

import argparse
import datetime as dt
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from bt_lstm_rotation._version import __version__
from bt_lstm_rotation.errors import RotationError, StrategyError

__all__ = ["main"]

DONE, OUR_FAULT, BAD_USAGE = 0, 1, 2

EPILOG = """\
examples:
  %(prog)s                                    the simulated market
  %(prog)s --data yahoo --start 2010-01-04    the nine SPDR sectors and SPY
  %(prog)s --data folder:prices --symbols XLE,XLK,XLV --benchmark SPY
  %(prog)s --strategy momentum_12_1 --set top=2 --set rebalance=weekly
  %(prog)s --strategy my_file.py:MyStrategy --set period=20
  %(prog)s store --clear                      delete networks kept of earlier runs

exit codes: 0 done, 1 a fault of ours, 2 bad usage or bad data
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line."""
        line = " ".join(message.split())
        self.exit(BAD_USAGE, f"error: {line} (--help lists what there is)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a backtest.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; default: those of the process.

    Returns
    -------
    int
        0 done, 2 bad usage or bad data. A fault of ours raises, which Python turns into
        a traceback and exit code 1.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["store"]:
        run, arguments = _store, _store_parser().parse_args(given[1:])
    else:
        run, arguments = _run, _parser().parse_args(given)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    try:
        run(arguments)
    except RotationError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)  # noqa: T201
        return BAD_USAGE
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)  # noqa: T201
        return 130
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=Path(sys.argv[0]).name,
        description="Backtest a sector rotation through Backtrader and leave a report.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
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
    trading = parser.add_argument_group("trading")
    trading.add_argument(
        "--strategy",
        default="lstm_top3_monthly",
        metavar="NAME",
        help="lstm_top3_monthly, momentum_12_1, equal_weight, buy_and_hold, or "
        "FILE.py:Class (default: %(default)s)",
    )
    trading.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="settings",
        help="a parameter of the strategy or a setting of its forecaster, such as "
        "top=2 or horizon=10; may be repeated",
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
    work = parser.add_argument_group("training")
    work.add_argument(
        "--jobs", type=int, metavar="N", help="fits at a time (default: one a core)"
    )
    work.add_argument(
        "--backend",
        choices=["threads", "processes", "dask"],
        default="threads",
        help="where fits are made (default: %(default)s)",
    )
    work.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a running Dask cluster"
    )
    work.add_argument(
        "--no-store",
        action="store_true",
        help="train anew what an earlier run has trained, and keep nothing",
    )
    parser.add_argument(
        "--out",
        type=_folder,
        metavar="DIR",
        help="where the report goes (default: runs/)",
    )
    return parser


def _run(arguments: argparse.Namespace) -> None:
    import inspect
    from functools import partial

    from rich.console import Console

    from bt_lstm_rotation.backtest import Broker, run_backtest
    from bt_lstm_rotation.forecasting import ForecastStore, Training, Workers
    from bt_lstm_rotation.forecasting.store import default_folder
    from bt_lstm_rotation.prices.source import Request, load_prices
    from bt_lstm_rotation.reporting import (
        announce,
        print_summary,
        progress_bar,
        write_run,
    )
    from bt_lstm_rotation.settings import parse_settings
    from bt_lstm_rotation.strategy_file import (
        find_strategy,
        known_strategies,
        where_it_failed,
    )

    strategy = find_strategy(arguments.strategy)
    params = parse_settings(strategy, arguments.settings, seed=arguments.seed)
    broker = Broker(
        cash=arguments.cash,
        commission=arguments.commission,
        slippage=arguments.slippage,
    )
    request = Request(
        data=arguments.data,
        symbols=arguments.symbols,
        benchmark=arguments.benchmark,
        end=arguments.end,
        seed=arguments.seed,
        adjust=not arguments.unadjusted,
    )
    now = dt.datetime.now()
    panel, benchmark = load_prices(request, today=now.date())
    workers = Workers(
        jobs=arguments.jobs, backend=arguments.backend, scheduler=arguments.scheduler
    )
    store = None if arguments.no_store else ForecastStore(default_folder())
    told = Console(stderr=True)
    with progress_bar(told) as progress:
        training = Training(
            workers=workers,
            store=store,
            progress=progress,
            announce=partial(announce, told, workers.cores),
        )
        try:
            result = run_backtest(
                panel,
                strategy,
                params,
                benchmark=benchmark,
                start=arguments.start,
                end=arguments.end,
                broker=broker,
                training=training,
            )
        except RotationError:
            raise
        except (Exception, SystemExit) as error:
            file = inspect.getfile(strategy)
            if Path(file) in known_strategies().values():
                raise
            raise StrategyError(where_it_failed(error, file)) from error
    name = f"{strategy.__name__}-{now:%Y%m%d-%H%M%S}"
    folder = write_run(result, arguments.out or Path("runs") / name)
    print_summary(result, folder, Console())


def _store_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=f"{Path(sys.argv[0]).name} store",
        description="Show what is stored of earlier runs: networks and forecasts.",
    )
    parser.add_argument("--clear", action="store_true", help="delete it")
    return parser


def _store(arguments: argparse.Namespace) -> None:
    from rich.console import Console

    from bt_lstm_rotation.forecasting.store import ForecastStore, default_folder

    store = ForecastStore(default_folder())
    entries, size = store.clear() if arguments.clear else store.size()
    done = "deleted" if arguments.clear else "stored"
    text = f"{entries:,} entries, {size / 1e6:,.1f} MB {done} in {store.folder}"
    Console().print(text, soft_wrap=True, markup=False, highlight=False)


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
