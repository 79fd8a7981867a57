"""A verdict as data: nothing in it is a run, a model or a clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bt_lstm_rotation.measures.inference.skill_claim import SkillClaim

__all__ = ["Verdict"]


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
