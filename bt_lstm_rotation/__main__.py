"""``python -m bt_lstm_rotation`` is the command line."""

import sys

from bt_lstm_rotation.cli import main

if __name__ == "__main__":
    sys.exit(main())
