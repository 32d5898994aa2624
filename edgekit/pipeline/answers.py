"""What models answer to the same samples, as real numbers that can be compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.conversion.dataset import Dataset
from edgekit.errors import InputError, UserError
from edgekit.ir import Array, DType, Graph, Tensor
from edgekit.measurement import Samples
from edgekit.ops.quantize import quantized


def classifies(graph: Graph) -> bool:
    """False if the first output has the size of the first input, as an autoencoder's has."""
    return graph.outputs[0].elements != graph.inputs[0].elements


def class_count(graph: Graph) -> int | None:
    """How many classes labels may name; a single output tells two apart. None: no classifier."""
    return max(2, graph.outputs[0].elements) if classifies(graph) else None


def integer_samples(graph: Graph, samples: Dataset) -> Samples:
    """`samples` as the model's own integers."""
    columns = [
        _as_input(values, tensor)
        for values, tensor in zip(samples.inputs, graph.inputs, strict=True)
    ]
    rows = tuple(tuple(column[i] for column in columns) for i in range(len(samples)))
    return Samples(rows, samples.labels)


def _as_input(values: Array, tensor: Tensor) -> Array:
    values = values.reshape(len(values), *tensor.shape)
    if tensor.dtype is DType.FLOAT32:
        return values
    if tensor.quantization is None or not tensor.quantization.per_tensor:
        raise InputError(f"input {tensor.name!r} has no scale, so real numbers mean nothing to it")
    return quantized(values, tensor)


def real_outputs(graph: Graph, outputs: Sequence[tuple[Array, ...]]) -> Array:
    """The first output of each sample as real numbers, float32 [N, ...] without the batch of 1."""
    tensor = graph.outputs[0]
    values = np.stack([row[0] for row in outputs]).reshape(len(outputs), *tensor.shape[1:])
    if tensor.dtype is DType.FLOAT32:
        return np.asarray(values, np.float32)
    if tensor.quantization is None or not tensor.quantization.per_tensor:
        raise UserError(f"output {tensor.name!r} has no scale: it cannot be compared with a float")
    scale = np.float32(tensor.scale)
    return np.asarray((values.astype(np.float32) - tensor.zero_point) * scale, np.float32)
