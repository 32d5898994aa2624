"""Graph -> Graph rewrites that leave every output byte as it was. DEFAULT is the whole optimiser.

A pass is one file with one function of its name, listed in DEFAULT. It takes a graph that verifies
and returns one that verifies; it touches only operators that edgekit has a kernel for, so that
what is refused later is refused as the model has it.
"""

from __future__ import annotations

from collections.abc import Callable

from edgekit.errors import CorruptModelError, PassError
from edgekit.ir import Graph
from edgekit.passes import verify
from edgekit.passes.drop_shape_inputs import drop_shape_inputs
from edgekit.passes.fold_constants import fold_constants
from edgekit.passes.fuse_activation import fuse_activation
from edgekit.passes.fuse_pad import fuse_pad
from edgekit.passes.remove_dead import remove_dead
from edgekit.passes.remove_noops import remove_noops
from edgekit.passes.sink_pad import sink_pad

Pass = Callable[[Graph], Graph]

DEFAULT: tuple[Pass, ...] = (
    drop_shape_inputs,  # what only computed the shape of a RESHAPE is dead then
    fold_constants,
    remove_dead,  # before passes that ask who else reads a tensor
    sink_pad,  # before the views that it brings together are joined
    remove_noops,
    fuse_pad,
    fuse_activation,
    remove_dead,
)


def run(graph: Graph, passes: tuple[Pass, ...] = DEFAULT) -> Graph:
    """Apply `passes` in order, verifying before the first and after each.

    Raises:
        CorruptModelError: `graph` breaks a rule of the IR or of an operator's shapes.
        PassError: what a pass made does; it names the pass and the rule.
    """
    for problem in verify.problems(graph):
        raise CorruptModelError(f"{graph.name}: {problem}")
    for rewrite in passes:
        before, graph = graph, rewrite(graph)
        for problem in verify.changes(before, graph):
            raise PassError(f"{rewrite.__name__}: {problem}")
    return graph


__all__ = [
    "DEFAULT",
    "Pass",
    "drop_shape_inputs",
    "fold_constants",
    "fuse_activation",
    "fuse_pad",
    "remove_dead",
    "remove_noops",
    "run",
    "sink_pad",
]
