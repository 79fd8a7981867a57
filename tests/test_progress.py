"""The bar that shows how far the training is: to whom, and that it goes away again."""

from __future__ import annotations

import io
import multiprocessing
import sys
import threading
import time

import pytest
from rich.console import Console

from bt_lstm_rotation import progress
from bt_lstm_rotation.progress import SOON, fits_bar, is_watched, progress_bar

ERASED = "\x1b[1A\x1b[2K"  # one line up, and what is on it gone


class Terminal(io.StringIO):
    def isatty(self):
        return True


def in_a_terminal(**options):
    return Console(file=io.StringIO(), force_terminal=True, width=100, **options)


def watched(monkeypatch):
    """Put a terminal where pytest, between a fixture and its test, has its capture."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    return screen


def until_shown(screen, text):
    end = time.monotonic() + 10
    while text not in screen.getvalue():
        assert time.monotonic() < end, screen.getvalue()
        time.sleep(0.01)


@pytest.fixture
def started():
    """Return the threads begun in this test, whatever other tests have left running."""
    earlier = set(threading.enumerate())
    return lambda: set(threading.enumerate()) - earlier


def none_is_left(started):
    end = time.monotonic() + 10  # rich does not wait for its own to end
    while started():
        assert time.monotonic() < end, started()
        time.sleep(0.01)


def test_progress_is_shown_in_a_terminal():
    console = in_a_terminal()
    with progress_bar(console) as update:
        for done in range(1, 8):
            update(done, 7)
    text = console.file.getvalue()
    assert "training" in text
    assert "7/7" in text
    assert "remaining" in text


def test_a_run_without_fits_shows_no_progress():
    console = in_a_terminal()
    with progress_bar(console):
        pass
    assert "training" not in console.file.getvalue()


def test_progress_is_silent_where_there_is_no_terminal():
    console = Console(file=io.StringIO())
    with progress_bar(console) as update:
        update(1, 2)
        update(2, 2)
    assert console.file.getvalue() == ""


def test_an_error_passes_through_the_progress_bar():
    with pytest.raises(ZeroDivisionError), progress_bar(in_a_terminal()) as update:
        update(1, 1 // 0)


def test_the_main_process_in_a_terminal_is_watched(monkeypatch):
    watched(monkeypatch)
    assert is_watched()


@pytest.mark.parametrize("stream", [None, io.StringIO(), "closed"])
def test_what_goes_to_no_terminal_is_not_watched(stream, monkeypatch):
    if stream == "closed":
        stream = io.StringIO()
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    assert not is_watched()


def test_a_worker_process_is_not_watched(monkeypatch):
    watched(monkeypatch)
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: object())
    assert not is_watched()


def test_a_bar_is_shown_while_fits_are_made_and_is_gone_after(monkeypatch, started):
    terminal = watched(monkeypatch)
    with fits_bar(0, 7):
        until_shown(terminal, "0/7")
    text = terminal.getvalue()
    assert text.endswith(ERASED)
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1  # the cursor
    none_is_left(started)


def test_a_bar_shows_how_far_the_fits_are(monkeypatch):
    terminal = watched(monkeypatch)
    with fits_bar(3, 7) as tell:
        tell(4, 7)
        until_shown(terminal, "4/7")
        tell(6, 7)
        until_shown(terminal, "6/7")


def test_a_terminal_that_is_silenced_for_a_while_is_still_one(monkeypatch):
    # As stderr is while TensorFlow is imported, which a first fit begins with.
    terminal = watched(monkeypatch)
    with fits_bar(0, 7):
        monkeypatch.setattr(terminal, "isatty", lambda: False)
        until_shown(terminal, "0/7")
    assert terminal.getvalue().endswith(ERASED)


def test_fits_that_are_made_at_once_show_no_bar(monkeypatch, started):
    terminal = watched(monkeypatch)
    monkeypatch.setattr(progress, "SOON", 3_600.0)
    for fit in range(50):
        with fits_bar(fit, fit + 1) as tell:
            tell(fit + 1, fit + 1)
    assert terminal.getvalue() == ""
    none_is_left(started)


def test_fits_one_by_one_leave_no_line_each(monkeypatch):
    terminal = watched(monkeypatch)
    for fit in range(3):
        with fits_bar(fit, fit + 1):
            until_shown(terminal, f"{fit}/{fit + 1}")
    text = terminal.getvalue()
    assert text.count(ERASED) == text.count("\n") == 3


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_a_bar_is_closed_after_an_error(error, monkeypatch, started):
    terminal = watched(monkeypatch)

    def stopped():
        with fits_bar(0, 7):
            until_shown(terminal, "0/7")
            raise error

    with pytest.raises(error):
        stopped()
    assert terminal.getvalue().endswith(ERASED)
    none_is_left(started)


def test_without_a_terminal_nothing_is_started(monkeypatch, started):
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    with fits_bar(0, 7) as tell:
        tell(1, 7)
        time.sleep(2 * SOON)
        assert not started()
    assert screen.getvalue() == ""
