"""``explain``: what a network saw, remembered, and made of it, for one forecast."""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

from bt_lstm_rotation.cli.inputs import bars_folder, load_bars, workers_and_store
from bt_lstm_rotation.cli.options import (
    add_bars,
    add_context,
    add_seed,
    add_training,
)
from bt_lstm_rotation.cli.streams import kept_in
from bt_lstm_rotation.cli.values import date, given, new_file

SUMMARY = "open one forecast of the LSTM: gates, gradients, memory"
DESCRIPTION = (
    "Say what the network in force on a session saw, what its gates did with it, how "
    "far back it looks, and what followed past bars like these; as one page."
)
EPILOG = """\
examples:
  %(prog)s --symbol S1                          the simulated market's last session
  %(prog)s --data folder:prices --symbol XLK --session 2019-03-29
  %(prog)s --data yahoo --symbol XLE --set cell=gru --set steps=15 --out xle.html
  %(prog)s --data yahoo --symbol XLE --context ^VIX,TLT

docs/inside-the-lstm.md says what each figure means.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the bars, the forecast that is meant, and the network's settings."""
    add_bars(parser, span=False)
    add_context(parser)
    parser.add_argument(
        "--symbol",
        type=given,
        required=True,
        metavar="NAME",
        help="whose forecast is explained (required)",
    )
    parser.add_argument(
        "--session",
        type=date,
        metavar="DATE",
        help="at whose close it was made (default: the last there is)",
    )
    add_seed(parser)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="settings",
        help="a setting of the network, such as horizon=10; may be repeated (default: "
        "as it has them; the command settings lists them all)",
    )
    add_training(parser, "fits")
    parser.add_argument(
        "--out",
        type=new_file,
        metavar="FILE",
        help="where the page goes, in place of an earlier one (default: "
        "explain-NAME-DATE.html)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Explain a forecast, write the page, and print what it says first."""
    from bt_lstm_rotation.backtest.settings import parse_settings
    from bt_lstm_rotation.errors import SpecError
    from bt_lstm_rotation.explaining import explain
    from bt_lstm_rotation.explaining.explanation import check_place
    from bt_lstm_rotation.forecasting import ForecastSpec, Training
    from bt_lstm_rotation.progress import fits_bar
    from bt_lstm_rotation.reporting import print_line
    from bt_lstm_rotation.strategy import SectorRotation, context_rules

    settings = parse_settings(SectorRotation, arguments.settings, seed=arguments.seed)
    if others := sorted(set(settings) - {"spec"}):
        valid = "a setting of the network; the others are a strategy's"
        raise SpecError("explain", "set", ", ".join(others), valid)
    if arguments.out is not None:
        check_place(arguments.out, bars_folder(arguments.data))
    spec = settings.get("spec", ForecastSpec(seed=arguments.seed))
    rules = context_rules("explain", arguments.context)
    if rules and isinstance(spec, ForecastSpec):
        spec = spec.reading(context=rules)
    arguments.end = arguments.session
    panel, benchmark = load_bars(arguments, dt.datetime.now())
    workers, store = workers_and_store(arguments)
    explained = explain(
        panel,
        arguments.symbol,
        arguments.session,
        spec=spec,
        benchmark=benchmark,
        training=Training(workers=workers, store=store, watch=fits_bar),
    )
    out = arguments.out or Path(f"explain-{explained.symbol}-{explained.session}.html")
    check_place(out, bars_folder(arguments.data))
    explained.write(out)
    for line in str(explained).splitlines():
        print_line(line)
    kept_in(out)
    print_line(f"Page {out}")
