"""What can be taken from a network: each input by itself, and groups of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bt_lstm_rotation.checks import listed
from bt_lstm_rotation.errors import SpecError, closest
from bt_lstm_rotation.forecasting import ForecastSpec
from bt_lstm_rotation.wording import in_text

__all__ = ["Group", "groups_of", "spec_without"]


@dataclass(frozen=True)
class Group:
    """Some of what a network reads.

    Parameters
    ----------
    name, kind : str
        The kind is "feature", "input", "context" or, of one that a user named, "group".
    members : tuple of str
        Features, inputs and series.
    own : tuple of tuples of int
        Of each member that is read of each symbol, its columns
        (`recurrent.columns.own_columns`).
    context : tuple of int
        Columns of the others.
    """

    name: str
    kind: str
    members: tuple[str, ...]
    own: tuple[tuple[int, ...], ...] = ()
    context: tuple[int, ...] = ()


def groups_of(
    spec: ForecastSpec, named: Mapping[str, Sequence[str]] | None = None
) -> list[Group]:
    """Return a group for each thing that a network reads, then those that are named.

    Raises
    ------
    SpecError
        If a named one has the name of another, is empty, or has a member that the
        network does not read.
    """
    single = {group.name: group for group in _each(spec)}
    groups = list(single.values())
    named = {} if named is None else named
    if not isinstance(named, Mapping):
        raise SpecError("importance", "groups", named, "a dict of name to names")
    for name, members in named.items():
        if not isinstance(name, str) or not name.strip() or name in single:
            valid = f"a name of its own, beside {', '.join(single)}"
            raise SpecError("importance", "groups", name, valid)
        groups.append(_joined(name, members, single))
    return groups


def _each(spec: ForecastSpec) -> Iterator[Group]:
    for place, name in enumerate(spec.features):
        yield Group(name, "feature", (name,), own=((place,),))
    first = len(spec.features)
    absent = first + len(spec.inputs)
    for place, rule in enumerate(spec.inputs):
        columns: tuple[int, ...] = (first + place,)
        if rule.missing == "zero":  # whether it was missing is a column as well
            columns, absent = (*columns, absent), absent + 1
        yield Group(rule.name, "input", (rule.name,), own=(columns,))
    for place, series in enumerate(spec.context):
        yield Group(series.name, "context", (series.name,), context=(place,))


def _joined(name: str, members: Any, single: Mapping[str, Group]) -> Group:
    valid = f"a list of some of {', '.join(single)}"
    chosen = listed("importance", f"groups[{name!r}]", members, valid)
    if not chosen:
        raise SpecError("importance", f"groups[{name!r}]", members, valid)
    for member in chosen:
        if not isinstance(member, str) or member not in single:
            known = f"read by the network; {closest(in_text(member), single)}"
            raise SpecError("importance", f"groups[{name!r}]", member, known)
    parts = [single[member] for member in dict.fromkeys(chosen)]
    return Group(
        name,
        "group",
        tuple(part.name for part in parts),
        own=tuple(columns for part in parts for columns in part.own),
        context=tuple(column for part in parts for column in part.context),
    )


def spec_without(spec: ForecastSpec, group: Group) -> tuple[ForecastSpec, str]:
    """Return the spec of a network that does not read a group, and what else changed.

    A mirrored one of which all that is left keeps its sign would forecast nothing, so
    it is not mirrored.

    Raises
    ------
    SpecError
        If no feature is left.
    """
    left: dict[str, Any] = {
        "features": tuple(n for n in spec.features if n not in group.members),
        "inputs": tuple(r for r in spec.inputs if r.name not in group.members),
        "context": tuple(r for r in spec.context if r.name not in group.members),
    }
    try:
        return replace(spec, **left), ""
    except SpecError as error:
        if error.field != "mirrored":
            raise
    return replace(spec, mirrored=False, **left), "not mirrored"
