"""What a strategy holds, as shares of equity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bt_lstm_rotation.rebalancing.account import Account

if TYPE_CHECKING:
    from bt_lstm_rotation.prices.corporate_actions import CorporateAction

__all__ = ["Holdings"]


class Holdings:
    """A strategy's positions, valued at the last valid close each feed has shown.

    With the `account` of a rebalancer, what that observes each session is enough.
    """

    def __init__(self, strategy: Any, account: Account | None = None) -> None:
        self._account = Account(strategy) if account is None else account

    def observe(self) -> None:
        """Remember this session's closes; to be called every session."""
        self._account.observe()

    def restate(self, feed: Any, action: CorporateAction) -> None:
        """Bring a feed's last close into new units, after a split or a dividend."""
        self._account.restate(feed, action)

    def shares(self) -> dict[Any, float]:
        """Return feed -> share of equity at this close, negative for a short position.

        Empty if there is no equity to have a share of.

        Raises
        ------
        DataError
            If the broker's cash is not a number.
        """
        account = self._account
        account.observe()
        equity, _ = account.equity()
        if not equity:
            return {}
        return {
            feed: account.shares_held(feed) * account.last_close(feed) / equity
            for feed in account.feeds
            if account.shares_held(feed)
        }
