"""A result -> files, one self-contained page, a table in the terminal."""

from bt_lstm_rotation.progress import progress_bar
from bt_lstm_rotation.reporting.comparison import compare
from bt_lstm_rotation.reporting.consoles import (
    print_line,
    standard_error,
    standard_output,
)
from bt_lstm_rotation.reporting.page import render
from bt_lstm_rotation.reporting.reading import read_run
from bt_lstm_rotation.reporting.run_folder import (
    RunFolder,
    check_folder,
    render_again,
    write_run,
)
from bt_lstm_rotation.reporting.tables import print_table
from bt_lstm_rotation.reporting.terminal import announce, print_summary
from bt_lstm_rotation.reporting.trials import print_trials

__all__ = [
    "RunFolder",
    "announce",
    "check_folder",
    "compare",
    "print_line",
    "print_summary",
    "print_table",
    "print_trials",
    "progress_bar",
    "read_run",
    "render",
    "render_again",
    "standard_error",
    "standard_output",
    "write_run",
]
