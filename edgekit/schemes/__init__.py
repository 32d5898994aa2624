"""Graph -> Selection: which kernel computes each operator.

A scheme is one file with `NAME` and `offer(operator, board)`, listed in SCHEMES; the first scheme
that offers a kernel gets the operator, so put the better ones first. A scheme that assumes
something about accumulators proves it for the operator at hand, or offers nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgekit import ops
from edgekit.boards import Board
from edgekit.errors import UnsupportedOperator, UnsupportedOperatorsError
from edgekit.ir import Graph, Operator
from edgekit.schemes import portable
from edgekit.schemes.choice import Choice

Offer = Callable[[Operator, Board], Choice | None]

SCHEMES: tuple[Offer, ...] = (
    portable.offer,  # last: it serves every operator that edgekit has
)


@dataclass(frozen=True, slots=True)
class Selection:
    """A kernel for each operator of a graph, in the graph's order."""

    choices: tuple[Choice, ...]

    @property
    def scratch_bytes(self) -> tuple[int, ...]:
        """Scratch in the arena that each step needs while it runs."""
        return tuple(choice.needs.scratch_bytes for choice in self.choices)


def select(graph: Graph, board: Board) -> Selection:
    """Choose a kernel for each operator.

    Raises:
        UnsupportedOperatorsError: some operators have none; all of them are listed.
    """
    refused = tuple(unsupported(graph))
    if refused:
        raise UnsupportedOperatorsError(graph.name, refused)
    return Selection(tuple(_first_offer(operator, board) for operator in graph.operators))


def unsupported(graph: Graph) -> list[UnsupportedOperator]:
    """Every operator of `graph` that no scheme can serve, with the reason."""
    refused = []
    for operator in graph.operators:
        reason = ops.refusal(operator)
        if reason is not None:
            given = [t for t in operator.inputs if t is not None]
            first = next(iter((*operator.activations, *given, operator.output)))
            custom = operator.kind.startswith("custom:")
            name = operator.kind if custom else operator.kind.upper()
            refused.append(UnsupportedOperator(operator.index, name, first.dtype.value, reason))
    return refused


def _first_offer(operator: Operator, board: Board) -> Choice:
    offers = (offer(operator, board) for offer in SCHEMES)
    return next(choice for choice in offers if choice is not None)


__all__ = ["SCHEMES", "Choice", "Offer", "Selection", "select", "unsupported"]
