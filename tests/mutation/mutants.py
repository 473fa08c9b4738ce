"""The changes that Cosmic Ray can make to a module."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

_ARITHMETIC = "(Add|Sub|Mul|Div|FloorDiv|Mod|Pow)"
_ORDER = "(Eq|NotEq|Lt|LtE|Gt|GtE)"
# Left out: "is" for "==", which changes nothing for most values, and the bitwise operators, which
# mostly stand in annotations.
_KINDS = {
    "comparison": rf"ReplaceComparisonOperator_({_ORDER}_{_ORDER}|Is_IsNot|IsNot_Is)",
    "arithmetic": rf"ReplaceBinaryOperator_{_ARITHMETIC}_{_ARITHMETIC}",
    "number": "NumberReplacer",
    "condition": "AddNot|ReplaceUnaryOperator_Delete_Not"
    "|Replace(True|False|And|Or)With(True|False|And|Or)",
}


@dataclass(frozen=True)
class Mutant:
    """One change in one module.

    Attributes:
        module: the module's path below the root, with slashes.
        line: counted from 1.
        column: counted from 0.
        kind: comparison, arithmetic, number or condition.
        operator: Cosmic Ray's name for the change.
        occurrence: which of the places in the module that the operator can change.
    """

    module: str
    line: int
    column: int
    kind: str
    operator: str
    occurrence: int

    def apply(self, source: str) -> str:
        """The module's source with the change."""
        mutated: str = mutate_code(source, get_operator(self.operator)(), self.occurrence)
        return mutated


def mutants(module: str, source: str) -> Iterator[Mutant]:
    """All changes of our kinds to a module.

    Args:
        module: its path below the root, with slashes.
        source: its text.
    """
    nodes = list(ast_nodes(get_ast(source)))
    lines = source.splitlines()
    for name, kind in _operators():
        operator = get_operator(name)()
        places = (place for node in nodes for place in operator.mutation_positions(node))
        for occurrence, ((line, column), (_, end)) in enumerate(places):
            if kind != "arithmetic" or _has_two_sides(lines[line - 1], column, end):
                yield Mutant(module, line, column, kind, name, occurrence)


def _operators() -> Iterator[tuple[str, str]]:
    for name in operator_names():
        for kind, pattern in _KINDS.items():
            if re.fullmatch(f"core/({pattern})", name):
                yield name, kind


def _has_two_sides(line: str, start: int, end: int) -> bool:
    """Whether it is an operator, and not the star of ``def f(*, x)`` or ``{**options}``."""
    return line[end : end + 1] in {" ", ""} or line[start - 1] not in " ,([{"
