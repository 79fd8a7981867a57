"""``compare``: runs side by side."""

from __future__ import annotations

import argparse
from pathlib import Path

from bt_lstm_rotation.cli.streams import kept_in
from bt_lstm_rotation.cli.values import folder, new_file

SUMMARY = "put runs side by side, with what they differ by"
DESCRIPTION = (
    "Put runs side by side in tables and a page, and compare them with the first."
)
EPILOG = """\
examples:
  %(prog)s runs/equal runs/lstm
  %(prog)s runs/* --out all.html
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the folders and the page."""
    parser.add_argument(
        "folders",
        type=folder,
        nargs="+",
        metavar="DIR",
        help="the folders of runs (required)",
    )
    parser.add_argument(
        "--out",
        type=new_file,
        default=Path("comparison.html"),
        metavar="FILE",
        help="where the page goes; an earlier one is replaced (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Print both tables, and write the page."""
    from bt_lstm_rotation.reporting import (
        compare,
        print_line,
        print_table,
        standard_output,
    )

    console = standard_output()
    tables = compare(arguments.folders, arguments.out)
    kept_in(arguments.out)
    for table in tables:
        pairs = zip(table.headings, table.align, strict=True)
        numbers = [heading for heading, side in pairs if side == "r"]
        print_table(console, table.title, table.headings, table.rows, numbers=numbers)
    print_line(str(arguments.out))
