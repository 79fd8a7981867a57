"""Paper trading: the same strategy, one session after the other, in one journal."""

from typing import TYPE_CHECKING

from bt_lstm_rotation._lazy import lazy_names

if TYPE_CHECKING:
    from bt_lstm_rotation.paper.configuration import Configuration
    from bt_lstm_rotation.paper.outcome import Outcome
    from bt_lstm_rotation.paper.session import PaperSession
    from bt_lstm_rotation.paper.status import Status
    from bt_lstm_rotation.paper.tickets import Ticket

__all__ = ["Configuration", "Outcome", "PaperSession", "Status", "Ticket"]

__getattr__ = lazy_names(
    __name__,
    {
        "Configuration": "configuration",
        "Outcome": "outcome",
        "PaperSession": "session",
        "Status": "status",
        "Ticket": "tickets",
    },
)
