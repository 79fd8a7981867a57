"""How often something is so that has to be."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.measures.ledger import TOLERANCE

__all__ = ["Check", "relative", "single", "tally"]

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Check:
    """One thing that has to be so in a book, and how often it is.

    Parameters
    ----------
    name : str
        What has to be so.
    right, of : int
        So many of so many; 0 of 0 where there was nothing to check.
    worst : float or None
        The largest difference, relative to what is compared; right up to 1e-9. Of fills
        it is how far a price lies outside its bar, and infinite for one that is not
        after its order.
    first_wrong : str or None
        Where it was first not so.
    note : str
        What was left out, or checked in another way, and why.
    """

    name: str
    right: int
    of: int
    worst: float | None
    first_wrong: str | None
    note: str = ""


def tally(
    name: str, apart: _Floats, place: Callable[[int], str], note: str = ""
) -> Check:
    """Count what is right.

    Parameters
    ----------
    apart : (n,) float64
        Relative differences, 0 or above; NaN is wrong as well.
    place : callable
        Takes the number of a difference, and says where it is from.
    """
    wrong = np.flatnonzero(~(apart <= TOLERANCE))
    worst = None
    if len(apart):
        worst = math.inf if np.isnan(apart).any() else float(apart.max())
    first = place(int(wrong[0])) if len(wrong) else None
    return Check(name, len(apart) - len(wrong), len(apart), worst, first, note)


def relative(found: _Floats, said: _Floats, size: _Floats) -> _Floats:
    """Return differences over a size, or over what is said if that is larger."""
    size = np.fmax(size, np.abs(said))
    apart = np.abs(found - said)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = apart / size
    return np.where(apart == 0, 0.0, ratio)


def single(
    name: str, found: float | None, said: float | None, *, least: float = 0.0
) -> Check:
    """Check a single figure, relative to it or to `least`, whichever is larger."""
    if said is None or found is None:
        note = "" if said is found else "left out: it is not defined"
        return Check(name, 0, 0, None, None, note or "nothing to check")
    size = np.array([max(abs(said), abs(found), least)])
    apart = relative(np.array([found]), np.array([said]), size)
    return tally(name, apart, lambda _: f"{said:,.12g}, not {found:,.12g}")
