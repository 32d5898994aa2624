"""The kernels in firmware/kernels/armv7em, on the CPUs that run them, with layers of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from emulated.test_every_operator import built, proven
from support.weighted_graphs import weighted_graph

from edgekit.ops import definition_of

LAYERS = 50

#: Board and seed; `make test-all` tries every board that takes these kernels.
TRIALS = [
    pytest.param("qemu-cortex-m4", 0),
    *(pytest.param("qemu-cortex-m4", seed, marks=pytest.mark.slow) for seed in range(1, 12)),
    *(
        pytest.param(board_id, seed, marks=pytest.mark.slow)
        for board_id in ("qemu-cortex-m7", "qemu-cortex-m33", "qemu-cortex-m55")
        for seed in range(4)
    ),
]


@pytest.mark.emulated
@pytest.mark.parametrize(("board_id", "seed"), TRIALS)
def test_every_byte_of_random_layers_is_the_references(
    board_id: str, seed: int, tmp_path: Path
) -> None:
    proven(built(weighted_graph(seed, LAYERS), board_id, tmp_path))


@pytest.mark.parametrize("kind", ["conv_2d", "depthwise_conv_2d", "fully_connected"])
def test_layers_with_small_sums_and_others_are_among_them(kind: str) -> None:
    """Else one of two ways through the kernels would not be tried."""
    operators = [op for op in weighted_graph(0, LAYERS).operators if op.kind == kind]
    small = [definition_of(op).kernel(op).parameters["small_sums"] for op in operators]
    assert len(small) / 4 < sum(small) < len(small)
