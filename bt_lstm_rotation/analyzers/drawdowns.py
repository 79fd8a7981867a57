"""An account's deepest drawdowns."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bt_lstm_rotation.analyzers.derived import DerivedAnalyzer, series_of
from bt_lstm_rotation.analyzers.equity import EquityCurve
from bt_lstm_rotation.checks import check_whole
from bt_lstm_rotation.measures.drawdowns import deepest_drawdowns

__all__ = ["Drawdowns"]


class Drawdowns(DerivedAnalyzer):
    """The deepest drawdowns at closes; what is paid in or taken out is none.

    Params:
      - count: how many at most (5)

    ``get_analysis()`` gives a dict:

    - ``max_drawdown``: a decimal of 0 or below, as in ``summary.json``; None of a
      single session, of an account that does not begin above 0, or where equity is not
      finite
    - ``drawdowns``: dicts of ``peak``, ``trough`` and ``recovery`` (dates, the last
      None if there is none yet), ``depth`` (a decimal below 0) and ``days`` from the
      peak to the recovery or the last session, deepest first; see
      `bt_lstm_rotation.measures.drawdowns.Drawdown`

    Raises
    ------
    SpecError
        If `count` is not a whole number of at least 1.
    """

    params = (("count", 5),)

    def __init__(self) -> None:
        super().__init__()
        check_whole("Drawdowns", "count", self.p.count, least=1)
        self._curve = EquityCurve()

    def analysis(self) -> dict[str, Any]:
        """Find them in the curve without flows."""
        worth = series_of(self._curve.get_analysis()["growth"])
        if len(worth) < 2 or worth.hasnans or not worth.iloc[0] > 0:
            return {"max_drawdown": None, "drawdowns": []}
        found = deepest_drawdowns(worth, self.p.count)
        return {
            "max_drawdown": found[0].depth if found else 0.0,
            "drawdowns": [asdict(each) for each in found],
        }
