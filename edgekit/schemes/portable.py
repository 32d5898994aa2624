"""The portable C99 kernel of each operator: it runs everywhere and assumes nothing."""

from __future__ import annotations

from edgekit import ops
from edgekit.boards import Board
from edgekit.ir import Operator
from edgekit.schemes.choice import Choice


def offer(operator: Operator, board: Board) -> Choice | None:
    """The kernel that the operator's own file names; never None."""
    del board  # the same for all
    definition = ops.definition_of(operator)
    return Choice(operator, "portable", definition.kernel(operator), definition.macs(operator))
