"""The kernels in firmware/kernels/armv7em on this computer, where the sanitizers watch them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from support import compiled
from support.weighted_graphs import weighted_graph

from edgekit import boards, codegen, memory, resources, schemes
from edgekit.codegen import aot
from edgekit.ir import Graph


def generate(graph: Graph) -> codegen.GeneratedSources:
    selection = schemes.select(graph, boards.load("host"))
    plan = memory.plan(graph, selection.scratch_bytes)
    return aot.generate(graph, selection, plan, isa=("armv7em",))


@pytest.mark.parametrize(
    "seeds", [range(100, 102), pytest.param(range(102, 130), marks=pytest.mark.slow)]
)
def test_kernels_give_the_oracles_bytes(
    check_kernels: Callable[..., None], seeds: range, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "generate", generate)
    rng, cases = np.random.default_rng(seeds[0]), []
    for seed in seeds:
        graph = weighted_graph(seed, 50)
        shapes = [tensor.shape for tensor in graph.inputs]
        inputs = [
            tuple(rng.integers(-128, 127, shape, np.int8, endpoint=True) for shape in shapes),
            tuple(rng.choice(np.array([-128, 127], np.int8), shape) for shape in shapes),
        ]
        cases.append((graph, inputs))
    check_kernels(cases)


def test_each_replaces_a_portable_kernel() -> None:
    kernels = resources.tree("firmware") / "kernels"
    for twin in (kernels / "armv7em").glob("*.c"):
        assert (kernels / twin.name).is_file()
