"""Float models for tests of conversion, built operator by operator with LiteRT's options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as litert

from edgekit.conversion.dataset import Dataset
from edgekit.conversion.quantization import tflite_graph
from edgekit.conversion.quantization.tflite_graph import Options
from edgekit.conversion.sources import FloatModel
from edgekit.ir import Array, DType, Graph, Operator, Tensor

_TABLES = {
    "average_pool_2d": "Pool2DOptions",
    "max_pool_2d": "Pool2DOptions",
    "l2_pool_2d": "Pool2DOptions",
    "conv_2d": "Conv2DOptions",
    "depthwise_conv_2d": "DepthwiseConv2DOptions",
    "batch_matmul": "BatchMatMulOptions",
    "maximum": "MaximumMinimumOptions",
    "minimum": "MaximumMinimumOptions",
    "l2_normalization": "L2NormOptions",
    "padv2": "PadV2Options",
    "reverse_v2": "ReverseV2Options",
    "select_v2": "SelectV2Options",
    "split_v": "SplitVOptions",
    **dict.fromkeys(("mean", "sum", "reduce_max", "reduce_min"), "ReducerOptions"),
    "batch_to_space_nd": "BatchToSpaceNDOptions",
    "space_to_batch_nd": "SpaceToBatchNDOptions",
}
_WITHOUT = frozenset(
    [
        "relu",
        "relu6",
        "relu_n1_to_1",
        "logistic",
        "tanh",
        "elu",
        "prelu",
        "rsqrt",
        "ceil",
        "floor",
        "round",
        "log",
        "sin",
        "sqrt",
    ]
)


class FloatSketch:
    """Collects tensors and operators; `model` writes them."""

    def __init__(self, name: str = "sketch") -> None:
        self._name, self._next = name, 0
        self._inputs: list[Tensor] = []
        self._operators: list[Operator] = []

    def input(self, *shape: int, dtype: DType = DType.FLOAT32) -> Tensor:
        tensor = self._tensor(shape, dtype, f"input_{len(self._inputs)}")
        self._inputs.append(tensor)
        return tensor

    def constant(self, values: Any, dtype: DType = DType.FLOAT32, name: str = "") -> Tensor:
        array = np.array(values, dtype.numpy)
        return self._tensor(array.shape, dtype, name, array)

    def integers(self, *values: int) -> Tensor:
        return self.constant(values, DType.INT32)

    def op(
        self,
        kind: str,
        inputs: Sequence[Tensor | None],
        *shapes: Sequence[int],
        dtype: DType = DType.FLOAT32,
        name: str = "",
        **fields: Any,
    ) -> Any:
        """Add an operator; its output, or a tuple of them if there are several shapes."""
        index = len(self._operators)
        named = name or f"{kind}_{index}"
        outputs = tuple(
            self._tensor(shape, dtype, named if len(shapes) == 1 else f"{named}_{i}")
            for i, shape in enumerate(shapes)
        )
        self._operators.append(
            Operator(kind, index, tuple(inputs), outputs, _options(kind, fields))
        )
        return outputs[0] if len(outputs) == 1 else outputs

    def graph(self, *outputs: Tensor) -> Graph:
        return Graph(self._name, tuple(self._operators), tuple(self._inputs), outputs)

    def model(self, *outputs: Tensor, layers: Mapping[str, str] | None = None) -> FloatModel:
        return float_model(self.graph(*outputs), layers)

    def _tensor(
        self, shape: Sequence[int], dtype: DType, name: str, value: Array | None = None
    ) -> Tensor:
        self._next += 1
        named = name or f"tensor_{self._next}"
        return Tensor(self._next, named, tuple(shape), dtype, constant=value)


def float_model(graph: Graph, layers: Mapping[str, str] | None = None) -> FloatModel:
    """A graph whose attributes are Options as a FloatModel."""
    return model_of(tflite_graph.write(graph).content, graph.name, layers)


def model_of(content: bytes, name: str, layers: Mapping[str, str] | None = None) -> FloatModel:
    """The FloatModel of a float .tflite."""
    return FloatModel(
        content=content, name=name, origin=f"test {name}", layers=layers or {}, log=None
    )


def dataset(*inputs: Array, labels: Array | None = None) -> Dataset:
    """Samples for a float model."""
    return Dataset(
        inputs=tuple(np.asarray(values, np.float32) for values in inputs),
        labels=labels,
        name="samples",
    )


def _options(kind: str, fields: Mapping[str, Any]) -> Options:
    if kind in _WITHOUT:
        return Options()
    table = _TABLES.get(kind) or "".join(part.title() for part in kind.split("_")) + "Options"
    options = getattr(litert, f"{table}T")()
    for field, value in fields.items():
        assert hasattr(options, field), (kind, field)
        setattr(options, field, value)
    return Options(getattr(litert.BuiltinOptions, table), options)
