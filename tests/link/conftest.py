"""A board in this process, for the tests of the host's side."""

from __future__ import annotations

import pytest

from edgekit.link import DeviceStep, DeviceTensor, ElementType, FakeBoard


def tensor(name: str, size: int) -> DeviceTensor:
    return DeviceTensor(
        name=name,
        type=ElementType.INT8,
        shape=(1, size),
        size_bytes=size,
        scale=0.5,
        zero_point=-1,
    )


@pytest.fixture
def fake_board() -> FakeBoard:
    """Two steps; its output is its input backwards."""
    return FakeBoard(
        inputs=[tensor("in", 3000)],
        outputs=[tensor("out", 3000)],
        run=lambda inputs: [inputs[0][::-1]],
        steps=[
            DeviceStep(name="A", kernel="ek_a", operator_index=0, macs=5, output_bytes=2),
            DeviceStep(name="B", kernel="ek_b", operator_index=3, macs=7, output_bytes=3),
        ],
        step_ticks=[400, 600],
        step_outputs=[b"ab", b"cde"],
        ticks_hz=1_000_000,
        arena_bytes=6000,
        stack_bytes=512,
        log="one\ntwo\n",
    )
