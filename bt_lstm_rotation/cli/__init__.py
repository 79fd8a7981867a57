"""The command line: arguments and commands; no logic of their own.

What a command needs is imported when it runs: ``--help`` has no use for pandas or
Backtrader, and a person who waits for it notices.
"""

from bt_lstm_rotation.cli.entry import main

__all__ = ["main"]
