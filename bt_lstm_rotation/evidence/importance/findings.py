"""What was found as tables, figures and words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from bt_lstm_rotation.evidence.importance.bench import Bench
from bt_lstm_rotation.evidence.importance.comparing import Compared
from bt_lstm_rotation.measures.plain import plain

__all__ = ["Importance", "found", "sentences"]

# Beyond chance: one-sided, over all that stands in a table (Bonferroni).
LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class Importance:
    """What each input brings.

    Parameters
    ----------
    permuted, refitted : DataFrame
        A row a group, by its name: ``kind``; ``ic`` with it, ``ic_without``, and their
        mean difference over the sessions that have both, ``drop``, with its standard
        ``error``, ``t``, and ``p``, the chance of such a drop if it brings nothing;
        ``sessions``; ``note``. NaN where there is nothing to measure. Without refits
        the second is empty.
    sentences : tuple of str
        What they say.
    figures : dict
        All of it as plain numbers, texts, lists and None.
    """

    permuted: pd.DataFrame
    refitted: pd.DataFrame
    sentences: tuple[str, ...]
    figures: dict[str, Any] = field(repr=False)

    def __str__(self) -> str:
        shown = ["ic", "ic_without", "drop", "error", "p"]
        lines = list(self.sentences)
        for title, table in (("Permuted", self.permuted), ("Refitted", self.refitted)):
            if len(table):
                text = table[shown].to_string(float_format="{:.4f}".format)
                lines += ["", title, text]
        return "\n".join(lines)


def found(
    bench: Bench,
    base: Compared,
    permuted: list[dict[str, Any]],
    refitted: list[dict[str, Any]],
    drawn: tuple[int, int],
) -> Importance:
    """Lay out what each group brings; `drawn` are permutations and their seed."""
    panel, spec = bench.panel, bench.spec
    test, days = base.skill()
    figures = plain(
        {
            "forecaster": {"name": type(spec).__name__, "horizon": spec.horizon},
            "data": {
                "source": panel.source,
                "symbols": list(panel.symbols),
                "content_hash": panel.content_hash,
                "first_session": str(days[0]),
                "last_session": str(days[-1]),
            },
            "ic": {"mean": test.mean, "error": test.error, "sessions": test.sessions},
            "permuted": permuted,
            "refitted": refitted,
            "settings": dict(zip(("permutations", "seed"), drawn, strict=True)),
        }
    )
    figures["sentences"] = list(sentences(figures))
    names = [name for name in permuted[0] if name != "members"]
    first, second = (
        pd.DataFrame(rows, columns=names).set_index("name")
        for rows in (permuted, refitted)
    )
    return Importance(first, second, tuple(figures["sentences"]), figures)


def sentences(figures: Mapping[str, Any]) -> Iterator[str]:
    """Say which rows cost more than chance explains."""
    ic = figures["ic"]
    error = "" if ic["error"] is None else f" ± {ic['error']:.4f}"
    yield (
        f"Out of sample the forecasts have an IC of {ic['mean']:.4f}{error} over "
        f"{ic['sessions']:,} sessions."
    )
    for key, how in (("permuted", "Permuted"), ("refitted", "Left out of training")):
        rows = figures[key]
        level = LEVEL / max(len(rows), 1)
        told = [
            f"{row['name']} ({row['drop']:.4f} ± {row['error']:.4f})"
            for row in rows
            if row["p"] is not None and row["p"] <= level
        ]
        if told:
            yield (
                f"{how}, of {len(rows)} these cost more IC than chance explains (5% "
                f"over all): {', '.join(told)}."
            )
        elif rows:
            yield f"{how}, none of {len(rows)} costs more IC than chance explains."
