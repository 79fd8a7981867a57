"""``importance``: what each input of a network brings to its forecasts."""

from __future__ import annotations

import argparse
import datetime as dt

from bt_lstm_rotation.cli.inputs import load_bars, run_features, workers_and_store
from bt_lstm_rotation.cli.options import (
    add_bars,
    add_context,
    add_features,
    add_forecaster,
    add_seed,
    add_set,
    add_training,
    settings_of,
)
from bt_lstm_rotation.cli.streams import kept_in
from bt_lstm_rotation.cli.values import new_folder

SUMMARY = "say what each input of a network brings"
DESCRIPTION = (
    "Walk forward, and measure what the forecasts lose without each feature, input and "
    "series: permuted at forecast time, and left out of training."
)
EPILOG = """\
examples:
  %(prog)s                                    the default network, simulated market
  %(prog)s --data folder:prices --benchmark SPY --start 2004-01-02
  %(prog)s --forecaster gru --set 'features=["log_return", "volatility", "volume"]'
  %(prog)s --data yahoo --context ^VIX,TLT
  %(prog)s --group 'bars=relative_return,volume' --no-refits --out what
"""


def group(text: str) -> tuple[str, list[str]]:
    """Parse a group, ``NAME=A,B``."""
    name, equals, members = text.partition("=")
    found = [member.strip() for member in members.split(",")]
    if not name.strip() or not equals or not all(found):
        raise argparse.ArgumentTypeError(f"NAME=A,B is needed (got {text!r})")
    return name.strip(), found


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_bars(parser)
    add_context(parser)
    network = parser.add_argument_group("network")
    add_forecaster(network)
    add_features(network)
    add_set(network)
    add_seed(network)
    measured = parser.add_argument_group("importance")
    measured.add_argument(
        "--group",
        action="append",
        default=[],
        type=group,
        dest="groups",
        metavar="NAME=A,B",
        help="names of what is also taken away together; may be repeated "
        "(default: none)",
    )
    measured.add_argument(
        "--permutations",
        type=int,
        default=5,
        metavar="N",
        help="how many, 1 to 1,000 (default: %(default)s)",
    )
    measured.add_argument(
        "--no-refits",
        action="store_true",
        help="do not train networks without each as well (default: one walk forward "
        "for each)",
    )
    add_training(parser, "fits")
    parser.add_argument(
        "--out",
        type=new_folder,
        metavar="DIR",
        help="folder for importance.html and importance.csv; earlier ones are replaced "
        "(default: none, only printed)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Measure, print, and write where asked."""
    from bt_lstm_rotation.backtest.settings import parse_settings
    from bt_lstm_rotation.errors import SpecError
    from bt_lstm_rotation.evidence.importance import importance
    from bt_lstm_rotation.forecasting import ForecastSpec, Training
    from bt_lstm_rotation.forecasting.walkforward.beside_panel import Beside
    from bt_lstm_rotation.reporting import (
        print_line,
        print_table,
        progress_bar,
        standard_error,
        standard_output,
    )
    from bt_lstm_rotation.reporting.importance_page import (
        check_importance_place,
        importance_tables,
        write_importance,
    )
    from bt_lstm_rotation.strategy import SectorRotation, context_rules

    run_features(arguments)
    params = parse_settings(SectorRotation, settings_of(arguments), seed=arguments.seed)
    spec = params.pop("spec", ForecastSpec(seed=arguments.seed))
    if params:
        valid = "a setting of the forecaster (see the command settings)"
        raise SpecError("importance", "--set", next(iter(params)), valid)
    rules = context_rules("importance", arguments.context)
    if rules and isinstance(spec, ForecastSpec):
        spec = spec.reading(context=rules)
    if arguments.out is not None:
        check_importance_place(arguments.out)
    panel, benchmark = load_bars(arguments, dt.datetime.now().astimezone())
    series = [rule.name for rule in rules]
    besides = {*series, benchmark}
    workers, store = workers_and_store(arguments)
    console = standard_error()
    with progress_bar(console) as progress:
        found = importance(
            panel.select([name for name in panel.symbols if name not in besides]),
            spec,
            beside=Beside(context=panel.select(series)) if series else None,
            groups=dict(arguments.groups),
            start=arguments.start,
            end=arguments.end,
            permutations=arguments.permutations,
            refits=not arguments.no_refits,
            seed=arguments.seed,
            training=Training(workers=workers, store=store, progress=progress),
            announce=lambda what: console.print(what, markup=False, highlight=False),
        )
    for sentence in found.sentences:
        print_line(sentence)
    for table in importance_tables(found.figures):
        numbers = [
            heading
            for heading, side in zip(table.headings, table.align, strict=True)
            if side == "r"
        ]
        print_table(
            standard_output(), table.title, table.headings, table.rows, numbers=numbers
        )
    if arguments.out is not None:
        page = write_importance(found.figures, arguments.out)
        kept_in(arguments.out)
        print_line(str(page))
