"""Arguments -> the bars, the broker and the workers that commands begin with."""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bt_lstm_rotation.backtest.broker import Broker
from bt_lstm_rotation.cli.options import settings_of

if TYPE_CHECKING:
    from bt_lstm_rotation.forecasting import ForecastStore, Workers
    from bt_lstm_rotation.prices import PricePanel

__all__ = [
    "bars_folder",
    "load_bars",
    "make_broker",
    "make_sizer",
    "make_strategy",
    "run_features",
    "workers_and_store",
]


def load_bars(
    arguments: argparse.Namespace, now: dt.datetime
) -> tuple[PricePanel, str | None]:
    """Load the bars asked for; return them and the benchmark's name.

    No bar may be dated later than the latest date on Earth `now`.
    """
    from bt_lstm_rotation.forecasting.beside import context_rule
    from bt_lstm_rotation.prices.dates import latest_date
    from bt_lstm_rotation.prices.source import Request, load_prices

    request = Request(
        data=arguments.data,
        symbols=arguments.symbols,
        benchmark=arguments.benchmark,
        context=[rule.name for rule in map(context_rule, _context(arguments))],
        end=arguments.end,
        seed=arguments.seed,
        adjust=not arguments.unadjusted,
    )
    return load_prices(request, today=latest_date(now))


def bars_folder(data: str) -> Path | None:
    """Return the folder that bars come from, where nothing may be written."""
    from bt_lstm_rotation.prices.loading import folder_of

    return folder_of(data)


def make_strategy(
    arguments: argparse.Namespace,
) -> tuple[Any, dict[str, Any], tuple[Any, dict[str, Any]] | None]:
    """Find the strategy asked for; return it, its params and its sizer."""
    from bt_lstm_rotation.backtest.settings import parse_settings
    from bt_lstm_rotation.backtest.sizing import check_sizer
    from bt_lstm_rotation.backtest.strategy_file import find_strategy
    from bt_lstm_rotation.strategy import with_context

    run_features(arguments)
    strategy = find_strategy(arguments.strategy)
    params = parse_settings(strategy, settings_of(arguments), seed=arguments.seed)
    params = with_context(strategy, params, _context(arguments))
    sizer = make_sizer(arguments)
    check_sizer(strategy, sizer)
    return strategy, params, sizer


def run_features(arguments: argparse.Namespace) -> None:
    """Run the file of features, if one is given; its names are known from then on."""
    if arguments.features is not None:
        from bt_lstm_rotation.forecasting.features import load_features

        load_features(arguments.features)


def _context(arguments: argparse.Namespace) -> list[str]:
    return list(getattr(arguments, "context", ()))


def make_broker(arguments: argparse.Namespace) -> Broker:
    """Make the broker asked for."""
    return Broker(
        cash=arguments.cash,
        commission=arguments.commission,
        slippage=arguments.slippage,
    )


def make_sizer(arguments: argparse.Namespace) -> tuple[Any, dict[str, Any]] | None:
    """Make the sizer asked for, if one is."""
    from bt_lstm_rotation.backtest.sizing import fixed_stake, share_of_cash

    if arguments.stake is not None:
        return fixed_stake(arguments.stake)
    return None if arguments.sizer is None else share_of_cash(arguments.sizer)


def workers_and_store(
    arguments: argparse.Namespace,
) -> tuple[Workers, ForecastStore | None]:
    """Make the workers asked for, and the store unless none is wanted, or can be."""
    from bt_lstm_rotation.forecasting import Workers
    from bt_lstm_rotation.forecasting.store import usual_store

    workers = Workers(
        jobs=arguments.jobs,
        backend=arguments.backend,
        scheduler=arguments.scheduler,
        give_up=arguments.give_up,
    )
    return workers, None if arguments.no_store else usual_store()
