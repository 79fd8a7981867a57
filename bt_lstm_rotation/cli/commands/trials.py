"""``trials``: what was tried on which bars, by whomever."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bt_lstm_rotation.cli.ledger_options import add_ledger, ledger_file
from bt_lstm_rotation.cli.values import folder, given, new_file

if TYPE_CHECKING:
    from bt_lstm_rotation.trials import Kept

SUMMARY = "show how many trials were made on which bars"
DESCRIPTION = (
    "Show the ledger of trials: every backtest, sweep, script with a RunReport, paper "
    "account and verdict on this machine."
)
EPILOG = """\
examples:
  %(prog)s                                    how many trials on which bars
  %(prog)s list --data 3f2a --last 100        those on bars whose hash begins so
  %(prog)s show 12                            all that is known of one
  %(prog)s verify                             whether a row was changed or deleted
  %(prog)s export trials.csv
  %(prog)s import elsewhere.csv --run runs/mine

Nothing is ever deleted. To begin anew, move the ledger's file away.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be done with the ledger, each with options of its own."""
    actions = parser.add_subparsers(
        title="actions",
        description="each has its own options; see ACTION --help",
        dest="action",
        metavar="ACTION",
    )
    parser.set_defaults(act=_list, ledger=None, data=None, last=LAST)
    shown = _action(actions, "list", _list, "Sum the trials up, and list the latest")
    shown.add_argument(
        "--data",
        type=given,
        metavar="HASH",
        help="how the content hash of the bars begins (default: all bars)",
    )
    shown.add_argument(
        "--last",
        type=int,
        default=LAST,
        metavar="N",
        help="how many of the latest to list (default: %(default)s)",
    )
    one = _action(actions, "show", _show, "Show all that is known of one trial")
    one.add_argument(
        "number", type=int, metavar="NUMBER", help="the row's number (required)"
    )
    _action(actions, "verify", _verify, "See whether a row was changed or deleted")
    out = _action(actions, "export", _export, "Write all rows as CSV")
    out.add_argument(
        "file",
        type=new_file,
        metavar="FILE.csv",
        help="where they go, in place of an earlier export (required)",
    )
    add = _action(
        actions, "import", _import, "Add trials that were made somewhere else"
    )
    add.add_argument(
        "file",
        type=Path,
        metavar="FILE.csv",
        help="a CSV file with a column sharpe, of a year, and perhaps name and length "
        "(required)",
    )
    add.add_argument(
        "--run",
        type=folder,
        required=True,
        metavar="DIR",
        dest="like",
        help="the folder of a run on the bars that they were made on (required)",
    )


LAST = 20


def run(arguments: argparse.Namespace) -> None:
    """Do it."""
    arguments.act(arguments)


def _action(actions: Any, name: str, act: Any, help_: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=help_, description=f"{help_}."
    )
    add_ledger(parser)
    parser.set_defaults(act=act)
    return parser


def _list(arguments: argparse.Namespace) -> None:
    from bt_lstm_rotation.checks import check_whole
    from bt_lstm_rotation.reporting import print_line, print_table, standard_output
    from bt_lstm_rotation.trials.summary import by_bars

    check_whole("trials", "--last", arguments.last, least=0)
    ledger = ledger_file(arguments)
    begins = (arguments.data or "").lower()
    rows = [row for row in ledger.rows() if row.trial.data.startswith(begins)]
    if not rows:
        print_line(f"no trials in {ledger.file}")
        return
    summed = [
        (
            one.data[:12],
            one.source[:60],
            str(len(one.symbols)),
            f"{one.first} to {one.last}",
            f"{one.trials:,}",
            f"{one.effective:,.1f}",
            _ratio(one.best),
            f"{one.openings:,}",
        )
        for one in by_bars(ledger, rows)
    ]
    headings = (
        *("bars", "source", "symbols", "sessions"),
        *("trials", "worth", "best Sharpe", "openings"),
    )
    console = standard_output()
    numbers = ("symbols", *headings[4:])
    print_table(console, str(ledger.file), headings, summed, numbers=numbers)
    if arguments.last:
        latest = [_row(row) for row in rows[-arguments.last :]]
        print_table(console, "The latest", _ROW, latest, numbers=("row", "Sharpe"))


_ROW = ("row", "written", "kind", "strategy", "Sharpe", "sessions", "bars")


def _row(row: Kept) -> Sequence[str]:
    trial = row.trial
    return (
        str(row.number),
        row.written[:16],
        trial.kind,
        trial.strategy[:60],
        _ratio(trial.annual_sharpe),
        f"{trial.first} to {trial.last}",
        trial.data[:12],
    )


def _show(arguments: argparse.Namespace) -> None:
    from dataclasses import asdict

    from bt_lstm_rotation.errors import SpecError
    from bt_lstm_rotation.reporting import print_table, standard_output

    ledger = ledger_file(arguments)
    number = arguments.number
    rows = [row for row in ledger.rows() if row.number == number]
    if not rows:
        valid = "the number of a row, as trials list shows them"
        raise SpecError("trials show", "NUMBER", number, valid)
    (row,) = rows
    told = {**asdict(row.trial), "written": row.written, "hash": row.hash}
    lines = [
        (name.replace("_", " "), str(value))
        for name, value in told.items()
        if value is not None and not isinstance(value, bytes)
    ]
    print_table(standard_output(), f"Row {number}", ("", ""), lines)


def _verify(arguments: argparse.Namespace) -> None:
    from bt_lstm_rotation.errors import OutputError
    from bt_lstm_rotation.reporting import print_line

    ledger = ledger_file(arguments)
    found = ledger.verify()
    if found.problem is not None:
        raise OutputError(
            f"the trial ledger {ledger.file} is not as it was written: "
            f"{found.problem}; the {found.rows:,} rows before are"
        )
    rows = "1 row" if found.rows == 1 else f"{found.rows:,} rows"
    print_line(f"{rows}, none changed or deleted, in {ledger.file}")
    print_line(f"Hash of the last: {found.head}")


def _export(arguments: argparse.Namespace) -> None:
    from bt_lstm_rotation.reporting import print_line
    from bt_lstm_rotation.trials.exchange import export_trials

    rows = ledger_file(arguments).rows()
    count = "1 row" if len(rows) == 1 else f"{len(rows):,} rows"
    print_line(f"{count} in {export_trials(rows, arguments.file)}")


def _import(arguments: argparse.Namespace) -> None:
    from bt_lstm_rotation.reporting import print_line, read_run
    from bt_lstm_rotation.trials.exchange import read_trials

    ledger = ledger_file(arguments)
    found = read_trials(arguments.file, read_run(arguments.like))
    added = ledger.add(found)
    known = len(found) - added
    print_line(f"{added:,} trials added, {known:,} were there, in {ledger.file}")


def _ratio(value: float) -> str:
    return "" if value != value else f"{value:.2f}"
