"""``store``: what earlier runs have trained."""

from __future__ import annotations

import argparse

SUMMARY = "show or delete what earlier runs have trained"
DESCRIPTION = "Show what earlier runs have stored: networks and forecasts."
EPILOG = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the store."""
    parser.add_argument(
        "--clear", action="store_true", help="delete all of it (default: count it)"
    )


def run(arguments: argparse.Namespace) -> None:
    """Count or delete what is stored."""
    from bt_lstm_rotation.forecasting.store import ForecastStore, default_folder
    from bt_lstm_rotation.reporting import print_line

    store = ForecastStore(default_folder())
    entries, size = store.clear() if arguments.clear else store.size()
    done = "deleted" if arguments.clear else "stored"
    print_line(f"{entries:,} entries, {size / 1e6:,.1f} MB {done} in {store.folder}")
