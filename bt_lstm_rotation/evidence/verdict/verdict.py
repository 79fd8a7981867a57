"""A verdict as data: nothing in it is a run, a model or a clock."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bt_lstm_rotation.measures.inference.skill_claim import SkillClaim

__all__ = ["Verdict", "plain"]


@dataclass(frozen=True, eq=False)
class Verdict:
    """What the evidence supports.

    Parameters
    ----------
    outcome : str
        "skill", "none", "opposite" or "untested"; what `claim` says.
    claim : SkillClaim
        The one test that decides it.
    sentences : tuple of str
        The verdict in words; the first is the outcome.
    figures : dict
        All that ``verdict.json`` holds, which docs/evidence.md explains: plain numbers,
        texts, lists and None.
    """

    outcome: str
    claim: SkillClaim
    sentences: tuple[str, ...]
    figures: dict[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return "\n".join(self.sentences)


def plain(value: Any) -> Any:
    """Return a value as JSON has it: what is not finite becomes None."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
