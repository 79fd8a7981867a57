"""The command line: arguments and commands; no logic of their own.

What a command needs is imported when it runs: ``--help`` has no use for pandas or
Backtrader, and a person who waits for it notices.
"""

import sys
from collections.abc import Sequence
from typing import Final

from bt_lstm_rotation.machine import room_of_the_shell

__all__ = ["main"]

# Bytes of address space that a backtest takes without a network. With less, libraries
# may end the process while they are imported, and Python's own parser finds faults that
# are none.
LEAST_ROOM: Final = 700_000_000


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, as `bt_lstm_rotation.cli.entry` does, where there is room."""
    room = room_of_the_shell()
    if room is not None and room < LEAST_ROOM:
        sys.stderr.write(
            f"error: there is not enough memory for this process: it needs "
            f"{LEAST_ROOM / 1e6:,.0f} MB, and the shell leaves it {room / 1e6:,.0f} MB "
            "(ulimit -v)\n"
        )
        return 2
    try:
        from bt_lstm_rotation.cli.entry import main as run

        return run(argv)
    except KeyboardInterrupt:  # while that was imported, or once more at the end
        sys.stderr.write("stopped\n")
        return 130
