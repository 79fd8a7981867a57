"""What a run's ``summary.json`` has to hold for a report to be made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

__all__ = ["check_summary"]

Kind = tuple[str, tuple[type, ...]]

OBJECT: Final[Kind] = ("an object", (dict,))
PERHAPS: Final[Kind] = ("an object or null", (dict, type(None)))
LIST: Final[Kind] = ("a list", (list,))
TEXT: Final[Kind] = ("a text", (str,))
TRUTH: Final[Kind] = ("true or false", (bool,))
NUMBER: Final[Kind] = ("a number or null", (float, int, type(None)))
COUNT: Final[Kind] = ("a whole number", (int,))

FIGURES: Final = (
    *("total_return", "cagr", "annual_volatility", "sharpe", "sortino"),
    *("max_drawdown", "calmar", "turnover", "costs", "periods_a_year"),
)
SKILL: Final = ("ic", "rank_ic", "hit_ratio", "mse_ratio", "sessions", "observations")

# By its path; a part without the second is looked into after that.
NEEDED: Final[Mapping[tuple[str, ...], Kind]] = {
    **{(part,): OBJECT for part in ("strategy", "data", "broker", "metrics")},
    **{(part,): OBJECT for part in ("forecast", "orders", "timing", "versions")},
    **{(part,): PERHAPS for part in ("spec", "benchmark")},
    ("strategy", "name"): TEXT,
    ("data", "source"): TEXT,
    ("data", "symbols"): LIST,
    ("data", "intraday"): TRUTH,
    **{("metrics", name): NUMBER for name in FIGURES},
    **{("benchmark", name): NUMBER for name in FIGURES},
    **{("forecast", name): NUMBER for name in SKILL},
}
# What a run may lack.
KNOWN: Final[Mapping[tuple[str, ...], Kind]] = {
    ("inputs",): PERHAPS,
    ("notes",): LIST,
    ("data", "findings"): LIST,
    ("spec", "horizon"): COUNT,
    **{("orders", name): COUNT for name in ("submitted", "completed")},
    **{("orders", name): COUNT for name in ("rejected", "canceled")},
}


def check_summary(summary: Any) -> None:
    """Raise ValueError, with the first part that is not what a report reads."""
    if not isinstance(summary, dict):
        raise ValueError("summary.json is no object")
    for path, (kind, types) in {**NEEDED, **KNOWN}.items():
        for value in _found(summary, path):
            # To Python true and false are whole numbers.
            other = isinstance(value, bool) and bool not in types
            if other or not isinstance(value, types):
                problem = f"is {str(value)[:40]!r}, and is to be {kind}"
                raise ValueError(f"summary.json: {'.'.join(path)} {problem}")
    for finding in summary["data"].get("findings", []):
        if not isinstance(finding, dict) or "message" not in finding:
            raise ValueError("summary.json: data.findings has one without a message")


def _found(summary: dict[str, Any], path: tuple[str, ...]) -> Iterator[Any]:
    """Yield what stands at a path; ValueError if it is needed and nothing does."""
    *parts, name = path
    inside = summary.get(parts[0]) if parts else summary
    if inside is None:
        return
    if name in inside:
        yield inside[name]
    elif path in NEEDED:
        raise ValueError(f"summary.json has no {'.'.join(path)}")
