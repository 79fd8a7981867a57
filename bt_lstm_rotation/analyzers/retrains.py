"""The fits that stood behind a run's forecasts."""

from __future__ import annotations

from typing import Any

from bt_lstm_rotation.analyzers.derived import DerivedAnalyzer, defined
from bt_lstm_rotation.analyzers.forecasts import ForecastHistory

__all__ = ["RetrainLedger"]


class RetrainLedger(DerivedAnalyzer):
    """Every fit behind the forecasts, and how many of them failed.

    ``get_analysis()`` gives a dict:

    - ``fits``: dicts of ``session``, ``first_bar``, ``last_target``, ``symbols``,
      ``n_bars``, ``first_loss``, ``last_loss``, ``seconds``, ``origin``, ``status``,
      ``served_by``, ``drift``, ``clipped``, ``losses``, ``held_out_losses`` and
      ``gradient_norms``, in the order in which they were made, as
      `bt_lstm_rotation.forecasting.FitRecord` has them, with dates of Python's own and
      None where there is none
    - ``ok`` and ``failed``: how many of them were kept, and thrown away
    """

    def __init__(self) -> None:
        super().__init__()
        self._forecasts = ForecastHistory()

    def analysis(self) -> dict[str, Any]:
        """Lay the fits out."""
        fits = [_entry(fit) for fit in self._forecasts.get_analysis()["fits"]]
        kept = sum(fit["status"] == "ok" for fit in fits)
        return {"fits": fits, "ok": kept, "failed": len(fits) - kept}


def _entry(fit: Any) -> dict[str, Any]:
    dates = {
        name: getattr(fit, name).astype("datetime64[D]").astype(object)
        for name in ("session", "first_bar", "last_target", "served_by")
    }
    return {
        "session": dates["session"],
        "first_bar": dates["first_bar"],
        "last_target": dates["last_target"],
        "symbols": list(fit.symbols),
        "n_bars": int(fit.n_bars),
        "first_loss": defined(fit.first_loss),
        "last_loss": defined(fit.last_loss),
        "seconds": float(fit.seconds),
        "origin": fit.origin,
        "status": fit.status,
        "served_by": dates["served_by"],
        "drift": defined(fit.drift),
        "clipped": defined(fit.clipped),
        "losses": list(fit.losses),
        "held_out_losses": list(fit.held_out_losses),
        "gradient_norms": list(fit.gradient_norms),
    }
