"""The device's bytes against the reference's, and the first operator that differs."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.codegen import LibraryStep
from edgekit.ir import Array, Graph
from edgekit.link import Device
from edgekit.measurement.records import Accuracy
from edgekit.measurement.samples import Samples
from edgekit.reference import interpreter


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the device answered, compared byte by byte."""

    outputs: tuple[tuple[Array, ...], ...]  # of the device
    compared_bytes: int
    mismatched_bytes: int
    first_mismatch: int | None  # index of the first sample that differs


def invoke_once(device: Device, inputs: Sequence[Array], graph: Graph) -> tuple[Array, ...]:
    """Run the model once on the device and fetch its outputs."""
    device.write_inputs([array.tobytes() for array in inputs])
    device.invoke()
    return tuple(
        np.frombuffer(device.read_output(i), tensor.dtype.numpy).reshape(tensor.shape)
        for i, tensor in enumerate(graph.outputs)
    )


def compare(
    device: Device,
    graph: Graph,
    samples: Samples,
    expected: Sequence[Sequence[Array]],
    on_sample: Callable[[int], None],
) -> Agreement:
    """Run every sample on the device; `on_sample` is told how many are done."""
    outputs, compared, mismatched, first = [], 0, 0, None
    for index, (inputs, wanted) in enumerate(zip(samples.inputs, expected, strict=True)):
        got = invoke_once(device, inputs, graph)
        different = sum(_different_bytes(a, b) for a, b in zip(got, wanted, strict=True))
        if different and first is None:
            first = index
        outputs.append(got)
        compared += sum(a.nbytes for a in got)
        mismatched += different
        on_sample(index + 1)
    return Agreement(tuple(outputs), compared, mismatched, first)


def _different_bytes(a: Array, b: Array) -> int:
    return int(
        np.count_nonzero(
            np.frombuffer(a.tobytes(), np.uint8) != np.frombuffer(b.tobytes(), np.uint8)
        )
    )


def first_difference(
    device: Device, graph: Graph, steps: Sequence[LibraryStep], inputs: Sequence[Array]
) -> str | None:
    """Name the first step of `graph` (as it runs) whose output differs on the device.

    None when every step that shows its output agrees with the NumPy reference. Outputs are
    compared as a CRC-32 that the device computes right after the step, so one invoke is enough.

    Args:
        steps: one for each operator of `graph`.
    """
    values = interpreter.trace(graph, inputs)
    device.write_inputs([array.tobytes() for array in inputs])
    digests = device.digests()
    for i, (operator, step, digest) in enumerate(zip(graph.operators, steps, digests, strict=True)):
        if step.shows_output and zlib.crc32(values[operator.output].tobytes()) != digest:
            return f"step {i}, operator #{step.operator_index} {step.name}"
    return None


def accuracy(outputs: Sequence[Sequence[Array]], labels: Array | None) -> Accuracy | None:
    """How often the greatest value of the first output is at the label's index (top-1)."""
    if labels is None:
        return None
    predicted = np.array([int(np.argmax(out[0])) for out in outputs])
    value = float(np.mean(predicted == labels))
    return Accuracy(metric="top-1", value=value, samples=len(outputs))
