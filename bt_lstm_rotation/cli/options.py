"""Options that several commands share."""

from __future__ import annotations

import argparse

from bt_lstm_rotation.backtest.broker import Broker
from bt_lstm_rotation.cli.values import date, given, names

__all__ = [
    "BAD_USAGE",
    "HELD",
    "LEAK",
    "NOT_ASSESSED",
    "WAITING",
    "add_bars",
    "add_features",
    "add_forecaster",
    "add_orders",
    "add_seed",
    "add_set",
    "add_strategy",
    "add_trading",
    "add_training",
    "settings_of",
]

BAD_USAGE = 2
# Of an audit: it has found something, or it cannot tell.
LEAK, NOT_ASSESSED = 3, 6
# Of paper trading: ask again later, for bars or for the account.
WAITING, HELD = 4, 5


def add_bars(parser: argparse.ArgumentParser, *, span: bool = True) -> None:
    """Add the options that say which bars to load; `span`, from when to when."""
    bars = parser.add_argument_group("bars")
    bars.add_argument(
        "--data",
        default="simulated",
        metavar="SOURCE",
        help="simulated or simulated:WORLD (linear, regimes, volatility, delayed, "
        "product, context, none), yahoo, or folder:PATH with one CSV or Parquet file "
        "per symbol (default: %(default)s)",
    )
    bars.add_argument(
        "--symbols", type=names, metavar="A,B", help="symbols to trade (default: all)"
    )
    bars.add_argument(
        "--benchmark",
        type=given,
        metavar="SYMBOL",
        help="symbol to compare with; it is not traded (default: MARKET of the "
        "simulated market, SPY of yahoo, none of a folder)",
    )
    if span:
        bars.add_argument(
            "--start",
            type=date,
            metavar="DATE",
            help="first session to trade; earlier bars are history for training "
            "(default: the one after the first forecast)",
        )
        bars.add_argument(
            "--end",
            type=date,
            metavar="DATE",
            help="last session to trade (default: the last there is)",
        )
    bars.add_argument(
        "--unadjusted",
        action="store_true",
        help="take a folder's prices as they are (default: Adj Close, where there is "
        "one, is applied to all four)",
    )


def add_context(parser: argparse._ActionsContainer, *, daily: bool = False) -> None:
    """Add the option that names series which forecasts read besides.

    With `daily` it takes none that are published later than they are dated.
    """
    later = (
        "; daily series, whose bars a step has at its close"
        if daily
        else "; with +DAYS until it is published, a figure that is dated by its "
        "period, as in CPI+45"
    )
    parser.add_argument(
        "--context",
        type=names,
        default=[],
        metavar="A,B" if daily else "A,B+DAYS",
        help="symbols that are not traded and that forecasts read, such as "
        f"^VIX,TLT{later} (default: none)",
    )


def add_strategy(
    parser: argparse._ActionsContainer, default: str | None = "lstm_top3_monthly"
) -> None:
    """Add the option that names the strategy; without a default it stays as it was."""
    shown = "%(default)s" if default else "the same"
    parser.add_argument(
        "--strategy",
        default=default,
        metavar="NAME",
        help="lstm_top3_monthly, momentum_12_1, equal_weight, buy_and_hold, one_rank, "
        f"above_average, study_2019, or FILE.py:Class (default: {shown})",
    )


def add_forecaster(parser: argparse._ActionsContainer) -> None:
    """Add the option that names the strategy's forecaster."""
    parser.add_argument(
        "--forecaster",
        type=given,
        metavar="NAME",
        help="lstm, gru, rnn, filters, kalman, ewma, ridge, tree, arima, "
        "momentum_12_1, momentum_6_1, momentum_63, reversal, mean, zero, or on the "
        "simulated market oracle; its settings are then those of --set (default: the "
        "strategy's own)",
    )


def add_features(parser: argparse._ActionsContainer) -> None:
    """Add the option for a file with features of a user's own."""
    parser.add_argument(
        "--features",
        type=given,
        metavar="FILE.py",
        help="a file that makes features of your own with @feature; their names are "
        "then known to the setting features, as in "
        """--set 'features=["relative_return","mine"]' (default: none)""",
    )


def add_set(parser: argparse._ActionsContainer) -> None:
    """Add the option for the strategy's parameters and its forecaster's settings."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="settings",
        help="a parameter of the strategy or a setting of its forecaster, such as "
        "top=2 or horizon=10; may be repeated (default: as the strategy has them; the "
        "command settings lists them all)",
    )


def add_orders(
    parser: argparse.ArgumentParser, *, strategy: bool = True
) -> argparse._ArgumentGroup:
    """Add the options for the strategy, unless it is no option, and for its orders."""
    trading = parser.add_argument_group("trading")
    if strategy:
        add_strategy(trading)
    trading.add_argument(
        "--cash",
        type=float,
        default=Broker.cash,
        help="cash to start with (default: %(default)g)",
    )
    trading.add_argument(
        "--commission",
        type=float,
        default=Broker.commission,
        metavar="SHARE",
        help="commission on an order, as a share of its value (default: %(default)s)",
    )
    trading.add_argument(
        "--slippage",
        type=float,
        default=Broker.slippage,
        metavar="SHARE",
        help="how much worse than the open a fill is, as a share of the price "
        "(default: %(default)s)",
    )
    orders = trading.add_mutually_exclusive_group()
    orders.add_argument(
        "--stake",
        type=float,
        metavar="SHARES",
        help="shares of each plain buy() or sell(), in a strategy that does not size "
        "its own orders (default: 1)",
    )
    orders.add_argument(
        "--sizer",
        type=float,
        metavar="SHARE",
        help="in place of --stake: share of the cash at hand that each plain buy() is "
        "for, above 0 and at most 1 (default: none)",
    )
    return trading


def add_trading(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the options for a backtest's strategy and costs; return their group."""
    trading = add_orders(parser)
    trading.add_argument(
        "--periods-a-year",
        type=float,
        metavar="N",
        help="sessions a year, by which volatility and Sharpe are annualised "
        "(default: measured from the sessions: 252, 365, 52, 12, ...)",
    )
    add_seed(trading)
    return trading


def add_seed(parser: argparse._ActionsContainer) -> None:
    """Add the option for the seed."""
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="random seed of the network and the simulated market "
        "(default: %(default)s)",
    )


def add_training(parser: argparse.ArgumentParser, tasks: str) -> None:
    """Add the options for workers and the store; `tasks` is what workers run."""
    work = parser.add_argument_group("training")
    work.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help=f"how many {tasks} to run at a time (default: one per core)",
    )
    work.add_argument(
        "--backend",
        choices=["threads", "processes", "dask"],
        default="threads",
        help=f"where {tasks} run (default: %(default)s)",
    )
    work.add_argument(
        "--scheduler",
        type=given,
        metavar="ADDRESS",
        help="address of a running Dask cluster, for --backend dask (default: none)",
    )
    work.add_argument(
        "--give-up",
        type=float,
        metavar="SECONDS",
        help="with --backend dask: end after so long without a result (default: 600 "
        "s in which no worker that gives a sign of life is at work)",
    )
    work.add_argument(
        "--no-store",
        action="store_true",
        help="train everything again (default: what earlier runs have trained is "
        "read from a store, and added to it)",
    )


def settings_of(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Return what --forecaster and --set say, as ``key=value`` each."""
    name = arguments.forecaster
    named = () if name is None else (f"forecaster={name}",)
    return (*named, *arguments.settings)
