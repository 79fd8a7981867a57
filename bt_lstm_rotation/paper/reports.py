"""The report of an account so far, and the backtest of the same sessions beside it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from bt_lstm_rotation.backtest import run_backtest
from bt_lstm_rotation.backtest.strategy_file import strategy_errors
from bt_lstm_rotation.disk import checked_file
from bt_lstm_rotation.forecasting.walkforward.training import default_training
from bt_lstm_rotation.paper.names import BACKTEST, PAPER
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
        account's folder; the first alone where there is one session, as a backtest has
        no orders to fill yet.

    Raises
    ------
    JournalError
        If nothing is recorded yet, and as `PaperSession.replayed` does.
    OutputError
        If they cannot be written, or something else is there.
    """
    record = account.record()
    record = account.record()
    live, beside = account.folder / PAPER, account.folder / BACKTEST
    comparison = account.folder / "comparison.html"
    for folder in (live, beside):
        check_folder(folder)
    checked_file(comparison, "the page", marks=MARKS)
    page = write_run(account.replayed(record).result, live) / "report.html"
    wanted, begins = record.configuration, record.begins
    if begins is None or begins == record.last:
        return (page,)
    strategy, params = load_version(record.versions[-1], account.folder)
    with strategy_errors(strategy):
        backtest = run_backtest(
            record.restated,
            strategy,
            params,
            benchmark=wanted.benchmark,
            start=begins + dt.timedelta(days=1),
            broker=wanted.broker(),
            sizer=wanted.made_sizer(),
            training=account.training or default_training(),
            ledger=False,  # what the account did again, and not another try
        )
    write_run(backtest, beside)
    compare([live, beside], comparison)
    return page, beside / "report.html", comparison
