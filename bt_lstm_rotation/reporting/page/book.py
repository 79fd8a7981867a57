"""Whether the run's books are right, recomputed from its own files."""

from __future__ import annotations

from bt_lstm_rotation.measures.book import check_book
from bt_lstm_rotation.reporting.page.blocks import Section, Table, Words
from bt_lstm_rotation.result import BacktestResult

__all__ = ["book_section"]


def book_section(result: BacktestResult) -> Section:
    """Return the section that recomputes the run from its own files."""
    metrics = result.summary["metrics"]
    checks = check_book(
        result.account,
        result.weights,
        result.positions,
        result.orders,
        result.bars,
        costs=metrics["costs"],
        total_return=metrics["total_return"],
        events=result.events,
        actions=result.actions,
        intraday=result.summary["data"]["intraday"],
    )
    right = sum(check.right == check.of for check in checks)
    return Section(
        "Book check",
        [
            Words(
                f"{right} of {len(checks)} checks hold, recomputed from the run's own "
                "files."
            ),
            Table(
                ["", "Hold", "Of", "First that does not", "Besides"],
                [
                    [
                        check.name,
                        f"{check.right:,}",
                        f"{check.of:,}",
                        check.first_wrong or "-",
                        check.note,
                    ]
                    for check in checks
                ],
                "lrrls",
                "Book check",
            ),
        ],
    )
