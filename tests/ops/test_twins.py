"""Faster twins of kernels: the oracle's bytes, on this computer and on CPUs that QEMU plays."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st
from support.batches import PROGRAMS, check_random
from support.binaries import all_pairs_of_bytes, binary_graphs
from support.compiled import Case, Target, run
from support.convolutions import pool_graphs
from support.weighted_graphs import weighted_graph

from edgekit import resources
from edgekit.ir import Graph

KERNELS = resources.tree("firmware") / "kernels"
ISAS = sorted(folder.name for folder in KERNELS.iterdir() if folder.is_dir())

_AARCH64 = "aarch64-linux-gnu-gcc"
_ARMHF = "arm-linux-gnueabihf-gcc"
_ARMEL = "arm-linux-gnueabi-gcc"

#: CPUs of Raspberry Pis, each with the kernels that are made for it.
CPUS = {
    "arm1176": Target(
        ("armv7em",), (_ARMEL, "-mcpu=arm1176jzf-s"), ("qemu-arm", "-cpu", "arm1176")
    ),
    "cortex-a7": Target(
        ("neon",),
        (_ARMHF, "-mcpu=cortex-a7", "-mfpu=neon-vfpv4"),
        ("qemu-arm", "-cpu", "cortex-a7"),
    ),
    "cortex-a53": Target(
        ("neon",), (_AARCH64, "-mcpu=cortex-a53"), ("qemu-aarch64", "-cpu", "cortex-a53")
    ),
    "cortex-a76": Target(
        ("neon",), (_AARCH64, "-mcpu=cortex-a76"), ("qemu-aarch64", "-cpu", "cortex-a76")
    ),
}

#: All that has NEON; on the host it is played.
NEON = [
    pytest.param(Target(("neon",)), id="host"),
    *(
        pytest.param(target, id=cpu, marks=pytest.mark.emulated)
        for cpu, target in CPUS.items()
        if "neon" in target.isa
    ),
]

SEEDS = pytest.mark.parametrize(
    "seeds", [range(100, 102), pytest.param(range(102, 130), marks=pytest.mark.slow)]
)


def ready(target: Target) -> Target:
    """`target`; the test is skipped where what it needs is not installed."""
    for program in (*target.compiler[:1], *target.runner[:1]):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: scripts/install-debian-packages linux")
    return target


def layers(seeds: range) -> list[Case]:
    """Layers of every kind, side by side; inputs all over their range, and at its ends."""
    rng, made = np.random.default_rng(seeds[0]), []
    for seed in seeds:
        graph = weighted_graph(seed, 50)
        shapes = [tensor.shape for tensor in graph.inputs]
        inputs = [
            tuple(rng.integers(-128, 127, shape, np.int8, endpoint=True) for shape in shapes),
            tuple(rng.choice(np.array([-128, 127], np.int8), shape) for shape in shapes),
        ]
        made.append((graph, inputs))
    return made


@pytest.mark.parametrize("isa", ISAS)
@SEEDS
def test_logic_and_bounds_hold_where_sanitizers_watch(
    check_kernels: Callable[..., None], seeds: range, isa: str
) -> None:
    check_kernels(layers(seeds), target=Target((isa,)))


@pytest.mark.emulated
@pytest.mark.parametrize("cpu", CPUS)
@SEEDS
def test_real_instructions_give_the_oracles_bytes(
    check_kernels: Callable[..., None], seeds: range, cpu: str
) -> None:
    check_kernels(layers(seeds), target=ready(CPUS[cpu]))


@pytest.mark.parametrize("target", NEON)
def test_outputs_at_all_edges_of_sums_multipliers_and_shifts(
    target: Target, tmp_path: Path
) -> None:
    """Saturation, wrapping, ties of both roundings: what layers seldom meet."""
    source, program = Path(__file__).with_name("neon_requantize.c"), tmp_path / "program"
    compiler = ready(target).compile_command()
    include = f"-I{resources.tree('firmware') / 'include'}"
    run([*compiler, include, str(source), "-o", str(program)])
    run([*target.runner, str(program)])


@pytest.mark.parametrize("target", NEON)
def test_sums_of_all_pairs_of_bytes(check_kernels: Callable[..., None], target: Target) -> None:
    check_kernels(all_pairs_of_bytes("add"), target=ready(target))


SUMS = st.one_of(binary_graphs("add"), binary_graphs("sub"))
POOLS = st.one_of(pool_graphs("average_pool_2d"), pool_graphs("max_pool_2d"))


@pytest.mark.parametrize("target", NEON)
@pytest.mark.parametrize("graphs", [SUMS, POOLS], ids=["sums", "pools"])
@PROGRAMS
def test_sums_and_pools_of_any_shape(
    check_kernels: Callable[..., None],
    programs: int,
    graphs: st.SearchStrategy[Graph],
    target: Target,
) -> None:
    check_random(functools.partial(check_kernels, target=ready(target)), graphs, programs)


@pytest.mark.parametrize("isa", ISAS)
def test_each_replaces_a_portable_kernel(isa: str) -> None:
    for twin in (KERNELS / isa).glob("*.c"):
        assert (KERNELS / twin.name).is_file()
