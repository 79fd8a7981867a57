"""Figures as people read them: what each is called and with how many digits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = [
    "FORECAST",
    "FORECAST_COUNTS",
    "METRICS",
    "Figure",
    "caveat",
    "money",
    "percent",
]

UNDEFINED = "-"


@dataclass(frozen=True)
class Figure:
    """One row of a table; `key` is its name in ``summary.json``."""

    key: str
    label: str
    form: Callable[[float | None], str]
    meaning: str

    def of(self, figures: Mapping[str, float | None]) -> str:
        """Return the figure's text; ``"-"`` where it is not defined."""
        return self.form(figures[self.key])

    def meaning_in(self, figures: Mapping[str, float | None]) -> str:
        """Return its meaning, with the number by which these figures are annualised."""
        periods = figures.get("periods_a_year")
        number = "sessions a year" if periods is None else number_text(periods)
        return self.meaning.format(periods=number)


def caveat(source: str) -> str:
    """Say what a reader must not conclude from bars of this source; mostly nothing."""
    if not source.startswith("simulated"):
        return ""
    if source.endswith("signal=0)"):
        return (
            "A simulated market, with nothing to find in it: whatever was found is "
            "luck, or a leak."
        )
    return (
        "A simulated market, with something to find planted in it: it shows that the "
        "machinery works, and says nothing about what real markets give."
    )


def percent(value: float | None) -> str:
    """0.1234 -> ``12.3%``."""
    return _formed(value, "z,.1%")


def ratio(value: float | None) -> str:
    """1.2345 -> ``1.23``."""
    return _formed(value, "z,.2f")


def correlation(value: float | None) -> str:
    """0.01234 -> ``0.012``: a third digit, for figures that differ in it."""
    return _formed(value, "z,.3f")


def money(value: float | None) -> str:
    """1234.567 -> ``1,234.57``."""
    return _formed(value, "z,.2f")


def count(value: float | None) -> str:
    """1234 -> ``1,234``."""
    return _formed(value, ",.0f")


def number_text(value: float | None) -> str:
    """252.0 -> ``252``, 26.0893 -> ``26.09``."""
    return _formed(value, ",.4g")


def _formed(value: float | None, form: str) -> str:
    if value is None or math.isnan(value):
        return UNDEFINED
    # The z keeps a loss too small to show from reading as -0.0.
    return format(value, form)


METRICS = (
    Figure("total_return", "Total return", percent, "from first close to last"),
    Figure("cagr", "Growth a year", percent, "the steady rate that gives the same"),
    Figure(
        "annual_volatility",
        "Volatility a year",
        percent,
        "deviation of the returns, times √{periods}",
    ),
    Figure(
        "sharpe", "Sharpe", ratio, "mean return over its deviation, times √{periods}"
    ),
    Figure("sortino", "Sortino", ratio, "the same over the deviation of losses alone"),
    Figure("max_drawdown", "Deepest drawdown", percent, "the worst fall from a peak"),
    Figure("calmar", "Calmar", ratio, "growth a year over the deepest drawdown"),
    Figure("turnover", "Turnover a year", ratio, "1 is the whole portfolio, one way"),
    Figure("costs", "Costs", money, "commission and slippage, in currency"),
    Figure(
        "periods_a_year",
        "Sessions a year",
        number_text,
        "by which volatility, Sharpe and Sortino are annualised",
    ),
)

FORECAST = (
    Figure("ic", "IC", correlation, "mean correlation across symbols on a session"),
    Figure("rank_ic", "Rank IC", correlation, "the same of ranks"),
    Figure("hit_ratio", "Hit ratio", percent, "forecasts with the right sign"),
    Figure("mse_ratio", "Error ratio", correlation, "squared error over that of zero"),
)

FORECAST_COUNTS = (
    Figure("sessions", "Sessions", count, "with a correlation to measure"),
    Figure("observations", "Forecasts", count, "that have matured"),
)
