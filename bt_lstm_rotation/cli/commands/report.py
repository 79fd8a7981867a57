"""``report``: render the page of a run again, from its files alone."""

from __future__ import annotations

import argparse

from bt_lstm_rotation.cli.values import folder

SUMMARY = "render the page of a run again from its files"
DESCRIPTION = "Render report.html again from the files of a run."
EPILOG = """\
examples:
  %(prog)s runs/SectorRotation-20260102-120000
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the folder of the run."""
    parser.add_argument(
        "folder", type=folder, metavar="DIR", help="the folder of a run (required)"
    )


def run(arguments: argparse.Namespace) -> None:
    """Render the page, and print where it is."""
    from bt_lstm_rotation.reporting import print_line, render_again

    print_line(str(render_again(arguments.folder)))
