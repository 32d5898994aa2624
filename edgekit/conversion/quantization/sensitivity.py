"""How much each operator alone costs: one is quantised, all others stay float."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from edgekit.conversion.quantization.judge import Judge
from edgekit.conversion.quantization.observe import Observation
from edgekit.conversion.quantization.options import Precision
from edgekit.conversion.quantization.rewrite import Decision, quantized
from edgekit.conversion.quantization.rules import RULES, Shares
from edgekit.ir import Graph, Operator, Tensor
from edgekit.progress import Progress, silent


def sensitivities(
    graph: Graph,
    observation: Observation,
    decision: Decision,
    judge: Judge,
    *,
    progress: Progress = silent,
) -> dict[Operator, float]:
    """SQNR in decibels of the outputs for each operator alone in the precision decided for it.

    Operators that stay float have none. Method: one layer at a time, as in Wu et al. 2020
    (arXiv:2004.09602), section 5.1.
    """
    float_only = dict.fromkeys(decision.precisions, Precision.FLOAT)
    found: dict[Operator, float] = {}
    for done, (operator, precision) in enumerate(decision.precisions.items()):
        progress("measuring sensitivity", done, len(decision.precisions))
        if precision is Precision.FLOAT:
            continue
        alone = dataclasses.replace(
            decision,
            precisions={**float_only, operator: precision},
            grouping=decision.precisions,
            interface="float32",
        )
        noise = judge.noise(quantized(graph, observation, alone))
        found[operator] = -10 * math.log10(noise) if noise > 0 else math.inf
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """A value that is rounded to int8, under all its names: what only moves it does not round it.

    It stays finer only if all operators that write or read it do.
    """

    tensors: frozenset[Tensor]
    operators: tuple[Operator, ...]


def sites(graph: Graph, precisions: Mapping[Operator, Precision]) -> tuple[Site, ...]:
    """Every value between two real operators."""
    origins: dict[Tensor, Tensor] = {}
    touching: dict[Tensor, dict[Operator, None]] = {}
    for operator in graph.operators:
        if operator not in precisions:
            continue
        for tensor in operator.activations:
            if tensor in origins:
                touching[origins[tensor]][operator] = None
        moves = RULES[operator.kind].shares is Shares.FIRST
        source = operator.inputs[0] if moves else None
        for tensor in operator.outputs:
            origin = tensor if source is None else origins.get(source, tensor)
            origins[tensor] = origin
            touching.setdefault(origin, {})[operator] = None
    members: dict[Tensor, set[Tensor]] = {}
    for tensor, origin in origins.items():
        members.setdefault(origin, set()).add(tensor)
    return tuple(
        Site(frozenset(members[origin]), tuple(operators)) for origin, operators in touching.items()
    )


def site_noise(
    graph: Graph,
    observation: Observation,
    decision: Decision,
    judge: Judge,
    found: tuple[Site, ...],
    *,
    progress: Progress = silent,
) -> dict[Site, float]:
    """Noise of the outputs, as a share of their energy, if only this value is rounded to int8."""
    float_only = dict.fromkeys(decision.precisions, Precision.FLOAT)
    noise = {}
    for done, site in enumerate(found):
        progress("finding what rounding costs", done, len(found))
        rounded = dataclasses.replace(
            decision,
            precisions=float_only,
            grouping=decision.precisions,
            interface="float32",
            rounded=site.tensors,
        )
        noise[site] = judge.noise(quantized(graph, observation, rounded))
    return noise
