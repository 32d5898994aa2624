"""Runs a graph in LiteRT over samples and reads any of its tensors as real numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from edgekit.conversion import litert
from edgekit.conversion.quantization.tflite_graph import write
from edgekit.ir import Array, DType, Graph, Tensor


class Execution:
    """A graph made ready to run."""

    def __init__(self, graph: Graph, wanted: Sequence[Tensor]) -> None:
        """`wanted` are the tensors to be read; one that is constant or not there is refused."""
        file = write(graph)
        self._running = litert.interpreter(
            file.content, keep_all=any(t not in graph.outputs for t in wanted)
        )
        details = self._running.get_input_details()
        self._inputs = [(d["index"], t) for d, t in zip(details, graph.inputs, strict=True)]
        self._wanted = [(file.indices[t], t) for t in wanted]

    def run(self, inputs: Sequence[Array]) -> Iterator[list[Array]]:
        """For each sample of `inputs` (float32 [N, ...] each) the wanted tensors, float32.

        The arrays are valid until the next sample.
        """
        for sample in zip(*inputs, strict=True):
            for (index, tensor), values in zip(self._inputs, sample, strict=True):
                self._running.set_tensor(index, _encoded(values, tensor))
            litert.invoke(self._running)
            yield [decoded(self._running.get_tensor(i), t) for i, t in self._wanted]

    def collect(self, inputs: Sequence[Array]) -> list[Array]:
        """The wanted tensors for all samples, float32 [N, *shape]."""
        rows = [[values.copy() for values in sample] for sample in self.run(inputs)]
        return [np.stack(column) for column in zip(*rows, strict=True)]


def _encoded(values: Array, tensor: Tensor) -> Array:
    shaped = values.reshape(tensor.shape)
    if tensor.dtype is DType.FLOAT32:
        return np.asarray(shaped, np.float32)
    codes = np.round(shaped / np.float32(tensor.scale)) + tensor.zero_point
    encoded: Array = np.clip(codes, tensor.dtype.min, tensor.dtype.max).astype(tensor.dtype.numpy)
    return encoded


def decoded(values: Array, tensor: Tensor) -> Array:
    """What a tensor's elements stand for; integers without a scale stand for themselves."""
    if tensor.dtype is DType.FLOAT32 or tensor.quantization is None:
        return np.asarray(values, np.float32)
    real: Any = (values.astype(np.float32) - np.float32(tensor.zero_point)) * np.float32(
        tensor.scale
    )
    return np.asarray(real, np.float32)
