"""The command line; no logic of its own.

Imports stand inside the functions: ``--help`` has no use for pandas or Backtrader, and
a person who waits for it notices.
"""

from __future__ import annotations

import argparse
import datetime as dt
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bt_lstm_rotation.cli_arguments import (
    BAD_USAGE,
    backtest_parser,
    store_parser,
    sweep_parser,
)
from bt_lstm_rotation.errors import RotationError, StrategyError

if TYPE_CHECKING:
    from bt_lstm_rotation.backtest import Broker
    from bt_lstm_rotation.forecasting import ForecastStore, Workers
    from bt_lstm_rotation.prices import PricePanel

__all__ = ["main"]

DONE, STOPPED = 0, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a backtest, or another command if the first argument names one.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; default: those of the process.

    Returns
    -------
    int
        0 done, 2 bad usage or bad data, 130 stopped by Ctrl-C. A fault of ours raises,
        which Python turns into a traceback and exit code 1.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["store"]:
        run, arguments = _store, store_parser().parse_args(given[1:])
    elif given[:1] == ["sweep"]:
        run, arguments = _sweep, sweep_parser().parse_args(given[1:])
    else:
        run, arguments = _run, backtest_parser().parse_args(given)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    try:
        run(arguments)
    except RotationError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)  # noqa: T201
        return BAD_USAGE
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)  # noqa: T201
        return STOPPED
    return DONE


def _run(arguments: argparse.Namespace) -> None:
    import inspect
    from functools import partial

    from rich.console import Console

    from bt_lstm_rotation.backtest import run_backtest
    from bt_lstm_rotation.forecasting import Training
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
    now = dt.datetime.now()
    panel, benchmark = _bars(arguments, now.date())
    workers, store = _work(arguments)
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
                broker=_broker(arguments),
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


def _sweep(arguments: argparse.Namespace) -> None:
    from rich.console import Console

    from bt_lstm_rotation.reporting import progress_bar
    from bt_lstm_rotation.sweep import parse_grid, run_sweep

    grid = parse_grid(arguments.grid)
    panel, benchmark = _bars(arguments, dt.date.today())
    workers, store = _work(arguments)
    with progress_bar(Console(stderr=True)) as progress:
        trials = run_sweep(
            panel,
            arguments.strategy,
            grid,
            file=arguments.out,
            benchmark=benchmark,
            start=arguments.start,
            end=arguments.end,
            broker=_broker(arguments),
            seed=arguments.seed,
            workers=workers,
            store=store,
            progress=progress,
        )
    failed = int((trials["status"] != "ok").sum())
    _say(f"{len(trials):,} trials, {failed:,} of them failed, in {arguments.out}")
    if trials["first_decision"].nunique() > 1:
        _say("Note: trials begin on different days; --start gives them all one.")
    _say(
        f"Note: the best of {len(trials):,} trials is the best of {len(trials):,} "
        "draws; some of what sets it apart is luck."
    )


def _store(arguments: argparse.Namespace) -> None:
    from bt_lstm_rotation.forecasting.store.forecast_store import (
        ForecastStore,
        default_folder,
    )

    store = ForecastStore(default_folder())
    entries, size = store.clear() if arguments.clear else store.size()
    done = "deleted" if arguments.clear else "stored"
    _say(f"{entries:,} entries, {size / 1e6:,.1f} MB {done} in {store.folder}")


def _bars(
    arguments: argparse.Namespace, today: dt.date
) -> tuple[PricePanel, str | None]:
    from bt_lstm_rotation.prices.source import Request, load_prices

    request = Request(
        data=arguments.data,
        symbols=arguments.symbols,
        benchmark=arguments.benchmark,
        end=arguments.end,
        seed=arguments.seed,
        adjust=not arguments.unadjusted,
    )
    return load_prices(request, today=today)


def _broker(arguments: argparse.Namespace) -> Broker:
    from bt_lstm_rotation.backtest import Broker

    return Broker(
        cash=arguments.cash,
        commission=arguments.commission,
        slippage=arguments.slippage,
    )


def _work(arguments: argparse.Namespace) -> tuple[Workers, ForecastStore | None]:
    from bt_lstm_rotation.forecasting import ForecastStore, Workers
    from bt_lstm_rotation.forecasting.store.forecast_store import default_folder

    workers = Workers(
        jobs=arguments.jobs, backend=arguments.backend, scheduler=arguments.scheduler
    )
    return workers, None if arguments.no_store else ForecastStore(default_folder())


def _say(text: str) -> None:
    from rich.console import Console

    # Unbroken, so that a long path can be copied.
    Console().print(text, soft_wrap=True, markup=False, highlight=False)
