"""Graph + scratch -> Problem: what needs bytes in the arena, how many, and from when to when.

Time is counted in steps, one for each operator. Step -1 (`BEFORE`) is when the inputs are
written, all of them at once; step `steps` is when the outputs are read, all of them at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from edgekit.errors import MemoryPlanError
from edgekit.ir import Graph, Tensor
from edgekit.memory.aliasing import OURS, Rules

#: Every offset and the arena's size are multiples of this.
ALIGNMENT_BYTES = 16

#: The step at which the inputs are written.
BEFORE = -1


def aligned(size_bytes: int) -> int:
    """`size_bytes` rounded up to a whole number of `ALIGNMENT_BYTES`."""
    return -(-size_bytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES


@dataclass(frozen=True, slots=True)
class Lifetime:
    """From when to when one tensor is needed, both steps inclusive."""

    tensor: Tensor | None  # None: the scratch of a step
    first_step: int  # that writes it
    last_step: int  # that reads it


@dataclass(frozen=True, slots=True)
class Value:
    """Bytes that must be kept for a while: a tensor with its views, or the scratch of a step."""

    members: tuple[Lifetime, ...]  # more than one where views share the bytes
    size_bytes: int

    @property
    def first_step(self) -> int:
        """The step that writes the bytes."""
        return min(member.first_step for member in self.members)

    @property
    def last_step(self) -> int:
        """The last step that needs the bytes."""
        return max(member.last_step for member in self.members)


@dataclass(frozen=True, slots=True)
class Takeover:
    """At `step` the value `target` may be written over the value `source`, which ends there."""

    step: int
    source: int  # index into Problem.values
    target: int  # index into Problem.values


@dataclass(frozen=True, slots=True)
class Block:
    """Values that take over from each other, so lie at one offset: what a heuristic places."""

    size_bytes: int  # a multiple of ALIGNMENT_BYTES
    first_step: int
    last_step: int
    values: tuple[int, ...] = ()  # indices into Problem.values


@dataclass(frozen=True)
class Problem:
    """What a memory plan must place."""

    steps: int
    values: tuple[Value, ...]
    #: All that are allowed. A source ends at its takeover's step and a target begins there, so
    #: what is chosen at one step leaves every other step as it is.
    takeovers: tuple[Takeover, ...]

    def live_bytes(self, step: int) -> int:
        """The least that any plan holds at `step`, each value rounded up to the alignment."""
        return self._live_bytes[step - BEFORE]

    @property
    def lower_bound_bytes(self) -> int:
        """No plan with aligned offsets and an aligned arena is smaller than this."""
        return max(self._live_bytes)

    @cached_property
    def _live_bytes(self) -> tuple[int, ...]:
        """Of every step, from `BEFORE` to `steps`."""
        changes = [0] * (self.steps + 3)
        for value in self.values:
            changes[value.first_step - BEFORE] += aligned(value.size_bytes)
            changes[value.last_step - BEFORE + 1] -= aligned(value.size_bytes)
        for step, target in {(takeover.step, takeover.target) for takeover in self.takeovers}:
            saved = aligned(self.values[target].size_bytes)
            changes[step - BEFORE] -= saved
            changes[step - BEFORE + 1] += saved
        return tuple(itertools.accumulate(changes))[:-1]

    def blocks(self, chosen: Iterable[Takeover]) -> tuple[Block, ...]:
        """The values, with those merged that take over from each other in `chosen`.

        At most one takeover of `chosen` may be at a step.
        """
        target_of = {takeover.source: takeover.target for takeover in chosen}
        targets = set(target_of.values())
        made = []
        for head in range(len(self.values)):
            if head in targets:
                continue
            chain = [head]
            while chain[-1] in target_of:
                chain.append(target_of[chain[-1]])
            begin, end = self.values[head], self.values[chain[-1]]
            size = aligned(begin.size_bytes)
            made.append(Block(size, begin.first_step, end.last_step, tuple(chain)))
        return tuple(made)


def plan_problem(graph: Graph, scratch_bytes: Sequence[int], *, rules: Rules = OURS) -> Problem:
    """What `graph` needs in the arena, by our rules:

    - An input needs its bytes from step -1 until it is read for the last time, even if it is
      never read. It may be overwritten after that: inputs are written anew for each invoke.
    - An output of the model needs its bytes until step `steps`, whoever reads it before.
    - Constants lie in flash memory. One that is an output of the model has a place of its own for
      the whole invoke, so that it may be copied there once and for all.
    - A view always shares the bytes of its source: both hold the same value, so they may be read
      in any order, be an input and an output of the model, and have views of their own. The
      bytes are needed until the last of them was read.
    - An output may take over the bytes of an input if the kernel allows it, sizes are equal, and
      no one needs the input, or a view of it, any more.

    Args:
        graph: a graph that verifies.
        scratch_bytes: for each operator, what its kernel needs while it runs. 0: nothing.
        rules: which of these sharings the engine allows.
    """
    if len(scratch_bytes) != len(graph.operators) or any(size < 0 for size in scratch_bytes):
        raise MemoryPlanError(
            f"{graph.name}: {len(graph.operators)} operators need as many scratch sizes of 0 bytes "
            f"or more, not {list(scratch_bytes)}"
        )
    values = _tensor_values(graph, rules)
    value_of = {m.tensor: i for i, value in enumerate(values) for m in value.members}
    scratch = (
        Value((Lifetime(None, step, step),), size)
        for step, size in enumerate(scratch_bytes)
        if size > 0
    )
    takeovers = tuple(_takeovers(graph, values, value_of, rules))
    return Problem(len(graph.operators), (*values, *scratch), takeovers)


def _lifetimes(graph: Graph, rules: Rules) -> dict[Tensor, Lifetime]:
    """Of every tensor that needs bytes in the arena."""
    placed_outputs = [t for t in graph.outputs if t.constant is None or rules.constants_move]
    first = dict.fromkeys(graph.inputs, BEFORE)
    first |= {tensor: BEFORE for tensor in placed_outputs if tensor.constant is not None}
    for step, operator in enumerate(graph.operators):
        first |= dict.fromkeys(operator.outputs, step)
    last = dict(first)
    for step, operator in enumerate(graph.operators):
        for tensor in operator.activations:
            if first.get(tensor, step) >= step:
                raise MemoryPlanError(
                    f"{graph.name}: step {step} reads tensor %{tensor.id} {tensor.name!r} before "
                    "it is computed"
                )
            last[tensor] = step
    last |= dict.fromkeys(placed_outputs, len(graph.operators))
    return {tensor: Lifetime(tensor, step, last[tensor]) for tensor, step in first.items()}


def _tensor_values(graph: Graph, rules: Rules) -> list[Value]:
    lifetimes = _lifetimes(graph, rules)
    root = {tensor: tensor for tensor in lifetimes}
    for operator in graph.operators:
        source = rules.view_source(operator)
        if source is not None:
            root[operator.output] = root[source]
    members: dict[Tensor, list[Lifetime]] = {}
    for tensor, lifetime in lifetimes.items():
        members.setdefault(root[tensor], []).append(lifetime)
    return [Value(tuple(alike), tensor.size_bytes) for tensor, alike in members.items()]


def _takeovers(
    graph: Graph,
    values: Sequence[Value],
    value_of: dict[Tensor | None, int],
    rules: Rules,
) -> Iterable[Takeover]:
    for step, operator in enumerate(graph.operators):
        if len(operator.outputs) != 1:
            continue
        target = value_of[operator.output]
        read: dict[int, list[Tensor]] = {}
        for tensor in operator.activations:
            read.setdefault(value_of[tensor], []).append(tensor)
        for source, tensors in read.items():
            over = values[source].last_step == step and source != target
            if over and all(rules.may_overwrite(operator, tensor) for tensor in tensors):
                yield Takeover(step, source, target)
