"""A changed strategy: what it may change, and whether what was done stays done."""

from __future__ import annotations

import datetime as dt

from bt_lstm_rotation._version import __version__
from bt_lstm_rotation.forecasting import Training
from bt_lstm_rotation.paper.configuration import Configuration
from bt_lstm_rotation.paper.record import Record
from bt_lstm_rotation.paper.refusals import refuse_other_account
from bt_lstm_rotation.paper.replay import replay
from bt_lstm_rotation.paper.rerun import account_of, check_replay
from bt_lstm_rotation.paper.transaction import Rows, Transaction

__all__ = ["new_version"]


def new_version(
    record: Record, wanted: Configuration | None, now: dt.datetime
) -> Transaction:
    """Return the transaction that declares a version; None for the same settings.

    Raises
    ------
    SpecError
        If it changes more than the strategy and its settings.
    StrategyError
        If it cannot be loaded.
    JournalError
        If an order of the versions before cannot be sent again as it was.
    """
    new = record.configuration if wanted is None else wanted
    strategy, params = new.load_strategy()
    new = new.anchored()
    refuse_other_account(record.configuration, new)
    rows: Rows = {
        "configurations": [(new.to_text(),)],
        "sources": list(new.sources().items()),
    }
    declared = Transaction("version", record.last, now, __version__, rows)
    if record.begins is not None:
        # Once it is written, all orders so far come from the journal, for ever.
        account = account_of(record.followed_by(declared), (), strategy, params)
        check_replay(record, replay(account, Training()), account.first)
    return declared
