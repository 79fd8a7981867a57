"""Mutants: a module of the package with one fault in it.

They are made by the operators of cosmic-ray, and by two of our own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import parso.python.tree
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.plugins import get_operator

PACKAGE = Path(__file__).resolve().parents[1] / "bt_lstm_rotation"

# One replacement for an arithmetic operator, which any test of a value notices; for a
# comparison its edge and its opposite.
REPLACED = {
    "Binary": {
        "Add": ["Sub"],
        "Sub": ["Add"],
        "Mul": ["Div"],
        "Div": ["Mul"],
        "FloorDiv": ["Div"],
        "Mod": ["Mul"],
        "Pow": ["Mul"],
        "BitOr": ["BitAnd"],
        "BitAnd": ["BitOr"],
    },
    "Comparison": {
        "Eq": ["NotEq"],
        "NotEq": ["Eq"],
        "Lt": ["LtE", "GtE"],
        "LtE": ["Lt", "Gt"],
        "Gt": ["GtE", "LtE"],
        "GtE": ["Gt", "Lt"],
        "Is": ["IsNot"],
        "IsNot": ["Is"],
    },
    "Unary": {"Delete": ["USub", "Invert", "Not"]},
}
OTHERS = (
    *("AddNot", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr"),
    *("ReplaceOrWithAnd", "ReplaceBreakWithContinue", "ReplaceContinueWithBreak"),
    *("ExceptionReplacer", "NumberReplacer", "RemoveDecorator", "ZeroIterationForLoop"),
)
SWAPPED = {"min": "max", "any": "all", "floor": "ceil", "minimum": "maximum"}
SWAPPED |= {there: here for here, there in SWAPPED.items()}


class SwapFunction(Operator):
    """Calls a function's opposite: the largest for the least, all for any."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        """Yield where the name of such a function is."""
        if isinstance(node, parso.python.tree.Name) and node.value in SWAPPED:
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Put the other name there."""
        node.value = SWAPPED[node.value]
        return node

    @classmethod
    def examples(cls) -> list[Example]:
        """Give an example, as cosmic-ray asks of its operators."""
        return [Example("max(a, b)", "min(a, b)")]


class SwapMembership(SwapFunction):
    """Asks whether something is missing instead of whether it is there, or so."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        """Yield where ``in`` or ``not in`` compares."""
        if node.type == "comp_op" and node.children[0].value == "not":
            yield node.start_pos, node.end_pos
        compares = getattr(node.parent, "type", "") == "comparison"
        if compares and node.type == "keyword" and node.value == "in":
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Put the other operator there."""
        swapped = " not in" if node.type == "keyword" else " in"
        return parso.python.tree.Keyword(swapped, node.start_pos)


@dataclass(frozen=True)
class Mutant:
    """A module with one fault.

    Parameters
    ----------
    module : str
        Path below the package.
    line : int
        Where the fault is, from 1.
    was, becomes : str
        The line before and after, without the space around them.
    source : str
        The whole module.
    """

    module: str
    line: int
    was: str
    becomes: str
    source: str


def mutants(module: str) -> Iterator[Mutant]:
    """Make all mutants of a module, each once, in the order of operators."""
    source = (PACKAGE / module).read_text(encoding="utf-8")
    lines, types = source.splitlines(), _type_spans(source)
    seen = {source}
    for operator in _operators():
        places = [
            (node, start)
            for node in ast_nodes(get_ast(source))
            for start, _ in operator.mutation_positions(node)
        ]
        for occurrence, (node, start) in enumerate(places):
            # The star before keyword-only parameters multiplies nothing.
            star = node.type == "operator" and node.parent.type == "parameters"
            if star or any(first <= start < last for first, last in types):
                continue
            mutated = mutate_code(source, operator, occurrence)
            if mutated is None or mutated in seen:
                continue
            seen.add(mutated)
            changed = _first_difference(lines, mutated.splitlines())
            yield Mutant(module, start[0], *changed, mutated)


def _operators() -> Iterator[Any]:
    for kind, replacements in REPLACED.items():
        for before, afters in replacements.items():
            for after in afters:
                yield get_operator(f"core/Replace{kind}Operator_{before}_{after}")()
    for name in OTHERS:
        yield get_operator(f"core/{name}")()
    yield SwapFunction()
    yield SwapMembership()


def _type_spans(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Say where annotations are; none is ever evaluated here."""
    spans = []
    for node in ast.walk(ast.parse(source)):
        for field in ("annotation", "returns"):
            type_ = getattr(node, field, None)
            if type_ is not None:
                ends = type_.end_lineno, type_.end_col_offset
                spans.append(((type_.lineno, type_.col_offset), ends))
    return spans


def _first_difference(before: list[str], after: list[str]) -> tuple[str, str]:
    # A decorator that is removed leaves a line less: the line that follows is named.
    for was, becomes in zip(before, after, strict=False):
        if was != becomes:
            return was.strip(), becomes.strip()
    raise AssertionError("a mutant is not what was mutated")
