"""``settings``: what ``--set`` and ``--grid`` take."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from bt_lstm_rotation.cli.options import add_forecaster, add_strategy

if TYPE_CHECKING:
    from bt_lstm_rotation.backtest.settings import Setting

SUMMARY = "list the keys of --set, with their defaults and meanings"
DESCRIPTION = "List all that --set and --grid take for a strategy."
EPILOG = """\
examples:
  %(prog)s
  %(prog)s --strategy momentum_12_1
  %(prog)s --forecaster ridge
  %(prog)s --strategy my_file.py:MyStrategy

Defaults are spelled as --set takes them: null is nothing, and a list has brackets. What
a strategy of your own says of its parameters in its docstring, in a list that begins
with "Params:", is shown too.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the list."""
    add_strategy(parser)
    add_forecaster(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print a table of the strategy's parameters, and one of its forecaster's."""
    from bt_lstm_rotation.backtest.settings import known_settings
    from bt_lstm_rotation.backtest.strategy_file import find_strategy, strategy_errors
    from bt_lstm_rotation.reporting import print_line, print_table, standard_output

    strategy = find_strategy(arguments.strategy)
    with strategy_errors(strategy):  # a default of its own may fail to be shown
        of_strategy, of_forecaster = known_settings(strategy, arguments.forecaster)
    console, headings = standard_output(), ("setting", "default", "meaning")
    if not of_strategy and not of_forecaster:
        print_line(f"{strategy.__name__} has no settings.")
    if of_strategy:
        title = f"Strategy: {strategy.__name__}"
        print_table(console, title, headings, _rows(of_strategy))
    if of_forecaster:
        name = arguments.forecaster or type(strategy.params.spec).__name__
        title = f"Forecaster: {name}"
        print_table(console, title, headings, _rows(of_forecaster))


def _rows(settings: Iterable[Setting]) -> list[tuple[str, str, str]]:
    return [(key, default, meaning or "-") for key, default, meaning in settings]
