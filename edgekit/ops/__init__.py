"""Every operator that edgekit knows: one file each, all in this tuple."""

from __future__ import annotations

from typing import Any

from edgekit.ir import Graph, Operator
from edgekit.ops.definition import Definition, KernelNeeds, NoAttributes, UnsupportedError, slot
from edgekit.ops.fully_connected import FullyConnected

OPERATORS: tuple[Definition[Any], ...] = (FullyConnected(),)

_BY_STEM = {definition.stem: definition for definition in OPERATORS}
_BY_CODE = {definition.builtin_code: definition for definition in OPERATORS}


def definition_of(operator: Operator) -> Definition[Any]:
    """What is known of `operator`'s kind; KeyError for one that edgekit does not know."""
    return _BY_STEM[operator.kind]


def is_known(operator: Operator) -> bool:
    """False for an operator that was read but has no file here."""
    return operator.kind in _BY_STEM


def by_builtin_code(code: int) -> Definition[Any] | None:
    """The definition of TFLite's BuiltinOperator `code`, or None."""
    return _BY_CODE.get(code)


def macs(graph: Graph) -> int:
    """Multiply-accumulates of one invoke."""
    return sum(definition_of(op).macs(op) for op in graph.operators)


__all__ = [
    "OPERATORS",
    "Definition",
    "KernelNeeds",
    "NoAttributes",
    "UnsupportedError",
    "by_builtin_code",
    "definition_of",
    "is_known",
    "macs",
    "slot",
]
