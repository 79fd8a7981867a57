"""The report of an account so far, and the backtest of the same sessions beside it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from bt_lstm_rotation.backtest import run_backtest
from bt_lstm_rotation.disk import checked_file
from bt_lstm_rotation.errors import JournalError
from bt_lstm_rotation.forecasting.walkforward.training import default_training
from bt_lstm_rotation.paper.rerun import load_version
from bt_lstm_rotation.paper.session import PaperSession
from bt_lstm_rotation.reporting import check_folder, compare, write_run
from bt_lstm_rotation.reporting.page import MARKS

__all__ = ["report"]


def report(account: PaperSession) -> tuple[Path, ...]:
    """Render an account's report, and compare it with the backtest of its sessions.

    The backtest has today's bars, in which vendors may have changed the past, and the
    strategy in force from the first session on.

    Returns
    -------
    tuple of Path
        ``paper/report.html``, ``backtest/report.html`` and ``comparison.html`` in the
        account's folder.

    Raises
    ------
    JournalError
        If nothing is recorded yet, and as `PaperSession.replayed` does.
    OutputError
        If they cannot be written, or something else is there.
    """
    record = account.record()
    if record.begins is None:
        raise JournalError(f"{account.name!r} has no session yet: paper step makes one")
    wanted = record.configuration
    live, beside = account.folder / "paper", account.folder / "backtest"
    page = account.folder / "comparison.html"
    for folder in (live, beside):
        check_folder(folder)
    checked_file(page, "the page", marks=MARKS)
    write_run(account.replayed(record).result, live)
    strategy, params = load_version(record.versions[-1], account.folder)
    backtest = run_backtest(
        record.restated,
        strategy,
        params,
        benchmark=wanted.benchmark,
        start=record.begins + dt.timedelta(days=1),
        broker=wanted.broker(),
        sizer=wanted.made_sizer(),
        training=account.training or default_training(),
    )
    write_run(backtest, beside)
    compare([live, beside], page)
    return live / "report.html", beside / "report.html", page
