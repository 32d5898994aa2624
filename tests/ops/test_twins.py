"""Faster twins of kernels: the oracle's bytes, on this computer and on CPUs that QEMU plays."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import numpy as np
import pytest
from support.compiled import Case, Target
from support.weighted_graphs import weighted_graph

from edgekit import resources

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

SEEDS = pytest.mark.parametrize(
    "seeds", [range(100, 102), pytest.param(range(102, 130), marks=pytest.mark.slow)]
)


def cases(seeds: range) -> list[Case]:
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
    check_kernels(cases(seeds), target=Target((isa,)))


@pytest.mark.emulated
@pytest.mark.parametrize("cpu", CPUS)
@SEEDS
def test_real_instructions_give_the_oracles_bytes(
    check_kernels: Callable[..., None], seeds: range, cpu: str
) -> None:
    target = CPUS[cpu]
    for program in (target.compiler[0], target.runner[0]):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: scripts/install-debian-packages linux")
    check_kernels(cases(seeds), target=target)


@pytest.mark.parametrize("isa", ISAS)
def test_each_replaces_a_portable_kernel(isa: str) -> None:
    for twin in (KERNELS / isa).glob("*.c"):
        assert (KERNELS / twin.name).is_file()
