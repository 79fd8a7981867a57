"""Backtest a sector rotation: ``python run_backtest.py --help``."""

import sys

from bt_lstm_rotation.cli import main

if __name__ == "__main__":
    sys.exit(main())
