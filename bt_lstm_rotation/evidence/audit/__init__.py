"""The leak audit: whether a strategy sees the future."""

from typing import TYPE_CHECKING

from bt_lstm_rotation._lazy import lazy_names

if TYPE_CHECKING:
    from bt_lstm_rotation.evidence.audit.auditing import audit
    from bt_lstm_rotation.evidence.audit.backtests import audit_backtest
    from bt_lstm_rotation.evidence.audit.findings import AuditReport, Finding

__all__ = ["AuditReport", "Finding", "audit", "audit_backtest"]

__getattr__ = lazy_names(
    __name__,
    {
        "AuditReport": "findings",
        "Finding": "findings",
        "audit": "auditing",
        "audit_backtest": "backtests",
    },
)
