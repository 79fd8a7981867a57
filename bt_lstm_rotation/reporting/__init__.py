"""A result -> files, one self-contained page, a table in the terminal."""

from bt_lstm_rotation.progress import progress_bar
from bt_lstm_rotation.reporting.files import write_run
from bt_lstm_rotation.reporting.page import render
from bt_lstm_rotation.reporting.terminal import announce, print_line, print_summary

__all__ = [
    "announce",
    "print_line",
    "print_summary",
    "progress_bar",
    "render",
    "write_run",
]
