"""Writes ONNX models, one for each case, with the Python of the ONNX environment.

`python onnx_cases.py DIRECTORY` writes DIRECTORY/<case>.onnx. The cases are those in which
channels first and channels last differ, and each operator that edgekit lowers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

CASES: dict[str, Callable[[], onnx.ModelProto]] = {}


class Builder:
    """A model under construction, from an input to an output."""

    def __init__(self, *shape: int | str, opset: int = 18) -> None:
        self.opset = opset
        self.rng = np.random.default_rng(1)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
        self.last = "x"

    def constant(self, values: Any) -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(onnx.numpy_helper.from_array(np.asarray(values), name))
        return name

    def weights(self, *shape: int, offset: float = 0.0) -> str:
        values = self.rng.standard_normal(shape) / max(1, np.prod(shape[1:])) ** 0.5
        return self.constant((values + offset).astype(np.float32))

    def add(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """A node that reads the last output, unless told what it reads."""
        names = [f"{kind.lower()}{len(self.nodes)}_{i}" for i in range(outputs)]
        name = f"/{kind}_{len(self.nodes)}"
        read = inputs or (self.last,)
        self.nodes.append(helper.make_node(kind, read, names, name=name, **attributes))
        self.last = names[0]
        return self.last

    def then(self, kind: str, *more: str, **attributes: Any) -> str:
        """A node that reads the last output first."""
        return self.add(kind, self.last, *more, **attributes)

    def conv(self, inputs: int, outputs: int, *kernel: int, group: int = 1, **more: Any) -> str:
        weights = self.weights(outputs, inputs // group, *kernel)
        bias = self.weights(outputs)
        return self.then("Conv", weights, bias, kernel_shape=kernel, group=group, **more)

    def batch_norm(self, channels: int) -> str:
        positive = self.constant(self.rng.uniform(0.5, 2, channels).astype(np.float32))
        parts = [self.weights(channels, offset=1) for _ in range(3)]
        return self.then("BatchNormalization", *parts, positive)

    def dense(self, inputs: int, outputs: int) -> str:
        return self.then("Gemm", self.weights(outputs, inputs), self.weights(outputs), transB=1)

    def model(self, *outputs: str) -> onnx.ModelProto:
        names = outputs or (self.last,)
        values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in names]
        graph = helper.make_graph(self.nodes, "case", self.inputs, values, self.constants)
        opsets = [helper.make_opsetid("", self.opset)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def case(function: Callable[[], onnx.ModelProto]) -> Callable[[], onnx.ModelProto]:
    CASES[function.__name__] = function
    return function


def simple(name: str, *shape: int, opset: int = 18, steps: Callable[[Builder], Any]) -> None:
    """A case that is a chain of nodes."""

    def make() -> onnx.ModelProto:
        builder = Builder(*shape, opset=opset)
        steps(builder)
        return builder.model()

    CASES[name] = make


@case
def flattened() -> onnx.ModelProto:
    b = Builder("batch", 3, 10, 7)
    b.conv(3, 8, 3, 3, pads=[1, 1, 1, 1])
    b.batch_norm(8)
    b.add("Relu")
    b.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    b.add("Flatten")
    b.dense(8 * 5 * 3, 12)
    b.add("Relu")
    b.dense(12, 4)
    b.add("Softmax", axis=1)
    return b.model()


@case
def residual() -> onnx.ModelProto:
    b = Builder(1, 4, 9, 9)
    b.conv(4, 8, 1, 1)
    shortcut = b.add("Relu")
    b.conv(8, 8, 3, 3, pads=[1, 1, 1, 1], group=8)
    b.batch_norm(8)
    b.add("Add", b.last, shortcut)
    b.add("Relu")
    b.add("GlobalAveragePool")
    b.add("Flatten")
    b.dense(8, 3)
    return b.model()


@case
def squeeze_excite() -> onnx.ModelProto:
    b = Builder(1, 3, 12, 12)
    b.conv(3, 8, 3, 3, strides=[2, 2], pads=[1, 1, 1, 1])
    wide = b.add("HardSwish")
    b.add("GlobalAveragePool")
    b.conv(8, 4, 1, 1)
    b.add("Relu")
    b.conv(4, 8, 1, 1)
    b.add("HardSigmoid", alpha=1 / 6, beta=0.5)
    b.add("Mul", wide, b.last)
    b.add("ReduceMean", b.last, b.constant(np.array([2, 3])), keepdims=0)
    b.dense(8, 5)
    return b.model()


@case
def hard_swish_in_pieces() -> onnx.ModelProto:
    b = Builder(1, 3, 8, 8)
    x = b.conv(3, 6, 3, 3)
    b.add("Add", x, b.constant(np.float32(3)))
    b.add("Clip", b.last, b.constant(np.float32(0)), b.constant(np.float32(6)))
    b.add("Mul", x, b.last)
    b.add("Div", b.last, b.constant(np.float32(6)))
    return b.model()


@case
def one_dimensional() -> onnx.ModelProto:
    b = Builder(1, 6, 40)
    b.conv(6, 8, 5, pads=[2, 2])
    b.batch_norm(8)
    b.add("Relu")
    b.add("MaxPool", kernel_shape=[2], strides=[2])
    b.conv(8, 8, 3, strides=[2], pads=[1, 1], dilations=[1])
    b.add("LeakyRelu", alpha=0.1)
    b.conv(8, 8, 3, group=8, pads=[2, 2], dilations=[2])
    b.add("Flatten")
    b.dense(80, 7)
    return b.model()


@case
def from_channels_last() -> onnx.ModelProto:
    b = Builder(1, 9, 8, 3)
    b.add("Transpose", perm=[0, 3, 1, 2])
    b.conv(3, 5, 3, 3)
    b.add("Relu")
    b.add("Transpose", perm=[0, 2, 3, 1])
    b.then("Reshape", b.constant(np.array([1, -1])))
    b.dense(7 * 6 * 5, 4)
    return b.model()


@case
def shuffled_channels() -> onnx.ModelProto:
    b = Builder(1, 8, 5, 6)
    b.conv(8, 8, 1, 1, group=2)
    b.then("Reshape", b.constant(np.array([1, 2, 4, 5, 6])))
    b.add("Transpose", perm=[0, 2, 1, 3, 4])
    b.then("Reshape", b.constant(np.array([1, 8, 5, 6])))
    b.conv(8, 4, 3, 3)
    return b.model()


@case
def two_inputs_two_outputs() -> onnx.ModelProto:
    b = Builder(1, 3, 6, 6)
    b.inputs.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 5]))
    image = b.conv(3, 4, 3, 3)
    b.add("GlobalAveragePool")
    pooled = b.add("Flatten")
    b.add("Concat", pooled, "y", axis=1)
    return b.model(image, b.dense(9, 3))


@case
def concatenated_after_flatten() -> onnx.ModelProto:
    b = Builder(1, 3, 6, 5)
    x = b.conv(3, 4, 3, 3)
    b.add("Flatten", x)
    left = b.add("Tanh")
    b.add("MaxPool", x, kernel_shape=[2, 2], strides=[1, 1])
    right = b.add("Flatten")
    b.add("Concat", left, right, axis=1)
    b.dense(4 * 4 * 3 + 4 * 3 * 2, 3)
    return b.model()


@case
def branches() -> onnx.ModelProto:
    b = Builder(1, 4, 7, 7)
    x = b.conv(4, 6, 3, 3, auto_pad="SAME_UPPER")
    parts = b.add("Split", x, outputs=2, axis=1, num_outputs=2)
    b.add("AveragePool", parts, kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
    left = b.last
    right = b.add("Sigmoid", parts.removesuffix("_0") + "_1")
    b.add("Concat", left, right, x, axis=1)
    b.conv(12, 3, 1, 1)
    return b.model()


@case
def matrices() -> onnx.ModelProto:
    b = Builder(1, 6, 10)
    b.then("MatMul", b.weights(10, 8))
    b.then("Add", b.weights(8))
    x = b.add("Relu")
    b.add("Transpose", perm=[0, 2, 1])
    b.add("MatMul", x, b.last)
    b.add("Softmax", axis=-1)
    return b.model()


def _image(name: str, *steps: tuple[Any, ...], opset: int = 18) -> None:
    """A convolution, so that the layout is known, then some nodes."""

    def run(b: Builder) -> None:
        b.conv(3, 4, 3, 3)
        for kind, inputs, attributes in steps:
            b.then(kind, *(b.constant(np.asarray(values)) for values in inputs), **attributes)

    simple(name, 1, 3, 9, 8, opset=opset, steps=run)


def _f(*values: float) -> Any:
    return np.array(values, np.float32).reshape(() if len(values) == 1 else -1)


_image(
    "strided_pool", ("MaxPool", [], {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1] * 4})
)
_image("ceiled_pool", ("MaxPool", [], {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}))
_image("mean_pool", ("AveragePool", [], {"kernel_shape": [3, 3], "pads": [1] * 4}))
_image("wide_mean_pool", ("AveragePool", [], {"kernel_shape": [3, 2], "strides": [2, 1]}))
_image("largest", ("GlobalMaxPool", [], {}), ("Flatten", [], {}))
_image("relu6", ("Clip", [_f(0), _f(6)], {}))
_image("clipped_between", ("Clip", [_f(-1), _f(0.5)], {}))
_image("clipped_below", ("Clip", [_f(-0.2)], {}))
_image("old_clip", ("Clip", [], {"min": 0.0, "max": 1.0}), opset=9)
_image("per_channel", ("PRelu", [np.float32([[[0.1]], [[0.2]], [[-0.3]], [[0.4]]])], {}))
_image("one_slope", ("PRelu", [_f(0.25)], {}))
_image("elu", ("Elu", [], {}))
_image("absolute", ("Abs", [], {}), ("Neg", [], {}), ("Tanh", [], {}))
_image("minimum", ("Min", [_f(0.3)], {}), ("Max", [_f(-0.3)], {}))
_image("added_up", ("Sum", [_f(1), _f(2)], {}), ("Identity", [], {}), ("Dropout", [], {}))
_image("expanded", ("Expand", [np.array([4, 1, 1])], {}))
_image("squared", ("Pow", [_f(2)], {}), ("Sub", [_f(0.5)], {}), ("Div", [_f(2)], {}))
_image("scaled_rows", ("Mul", [np.linspace(0, 1, 7, dtype=np.float32)[:, None]], {}))
_image("softmax_of_channels", ("Softmax", [], {"axis": 1}))
_image("softmax_of_columns", ("Softmax", [], {"axis": 3}))
_image("log_softmax", ("Flatten", [], {}), ("LogSoftmax", [], {"axis": 1}))
_image("mean_of_rows", ("ReduceMean", [np.array([2])], {"keepdims": 0}), ("Relu", [], {}))
_image("sum_of_all", ("ReduceSum", [np.array([1, 2, 3])], {"keepdims": 0}))
_image("max_of_channels", ("ReduceMax", [], {"axes": [1]}), ("Relu", [], {}), opset=13)
_image("least_of_columns", ("ReduceMin", [], {"axes": [-1], "keepdims": 0}), opset=13)
_image("padded", ("Pad", [np.array([0, 0, 1, 2, 0, 0, 3, 0])], {}))
_image("padded_with_ones", ("Pad", [np.array([0, 1, 1, 0, 0, 0, 0, 2]), _f(1)], {}))
_image("reflected", ("Pad", [np.array([0, 0, 1, 2, 0, 0, 2, 1])], {"mode": "reflect"}))
_image("sliced", ("Slice", [np.array(v) for v in ([1, 0], [9, -1], [1, 2], [2, 1])], {}))
_image("old_slice", ("Slice", [], {"starts": [1], "ends": [100], "axes": [3]}), opset=9)
_image("one_channel", ("Gather", [np.array(2)], {"axis": 1}), ("Relu", [], {}))
_image("chosen_channels", ("Gather", [np.array([3, 0, 2])], {"axis": 1}))
_image("squeezed", ("GlobalAveragePool", [], {}), ("Squeeze", [np.array([2, 3])], {}))
_image("unsqueezed", ("Unsqueeze", [np.array([1])], {}), ("Squeeze", [np.array([1])], {}))
_image("to_rows", ("Transpose", [], {"perm": [0, 3, 2, 1]}), ("Flatten", [], {"axis": 2}))
_image("deeper", ("SpaceToDepth", [], {"blocksize": 1}), ("DepthToSpace", [], {"blocksize": 2}))
_RESIZED = {"mode": "nearest", "nearest_mode": "floor"}
_ALIGNED = {"mode": "linear", "coordinate_transformation_mode": "align_corners"}
_TWICE = [_f(), _f(1, 1, 2, 2)]
_image("nearest", ("Resize", _TWICE, {**_RESIZED, "coordinate_transformation_mode": "asymmetric"}))
_image("bilinear", ("Resize", _TWICE, {"mode": "linear"}))
_image("aligned", ("Resize", [_f(), _f(), np.array([1, 4, 11, 9])], _ALIGNED))
_image("upsampled", ("Upsample", [_f(1, 1, 2, 3)], {"mode": "nearest"}), opset=9)


def _transposed(name: str, *kernel: int, **attributes: Any) -> None:
    def run(b: Builder) -> None:
        b.then("ConvTranspose", b.weights(3, 5, *kernel), b.weights(5), **attributes)

    shape = (1, 3, 6, 5) if len(kernel) == 2 else (1, 3, 6)
    simple(name, *shape, steps=run)


_transposed("deconvolution", 2, 2, strides=[2, 2])
_transposed("padded_deconvolution", 3, 3, strides=[2, 2], pads=[1] * 4, output_padding=[1, 1])
_transposed("cropped_deconvolution", 4, 3, strides=[2, 1], pads=[1, 0, 1, 2])
_transposed("deconvolution_of_signal", 4, strides=[2], pads=[1, 1])
simple(
    "lower_padding",
    1,
    3,
    8,
    8,
    steps=lambda b: b.conv(3, 4, 3, 3, strides=[2, 2], auto_pad="SAME_LOWER"),
)
simple("depth_multiplier", 1, 3, 8, 8, steps=lambda b: b.conv(3, 6, 3, 3, group=3))
simple("single_channel", 1, 1, 8, 8, steps=lambda b: b.conv(1, 6, 3, 3))
simple("dilated", 1, 3, 9, 9, steps=lambda b: b.conv(3, 4, 3, 3, dilations=[2, 2], pads=[2] * 4))
simple(
    "from_flat",
    1,
    120,
    steps=lambda b: (b.then("Reshape", b.constant(np.array([1, 2, 10, 6]))), b.conv(2, 3, 3, 3)),
)
simple(
    "batch_norm_of_rows",
    1,
    16,
    steps=lambda b: (b.dense(16, 8), b.batch_norm(8), b.add("Relu"), b.dense(8, 16)),
)
simple(
    "batch_norm_first",
    1,
    3,
    8,
    8,
    steps=lambda b: (
        b.batch_norm(3),
        b.conv(3, 4, 3, 3, pads=[1] * 4),
        b.add("Flatten"),
        b.batch_norm(256),
    ),
)
simple(
    "scaled_product",
    1,
    6,
    steps=lambda b: b.then("Gemm", b.weights(6, 4), b.weights(1, 4), alpha=0.5, beta=2.0),
)


def refused(name: str, model: onnx.ModelProto) -> None:
    CASES[f"refused_{name}"] = lambda: model


def _refusals() -> None:
    b = Builder(1, 3, "height", "width")
    b.conv(3, 4, 3, 3)
    refused("dynamic", b.model())
    b = Builder(4, 8)
    b.dense(8, 2)
    refused("batch", b.model())
    b = Builder(1, 8)
    b.add("Erf")
    b.dense(8, 8)
    b.add("Mish")
    refused("operators", b.model())
    b = Builder(1, 8)
    b.nodes.append(helper.make_node("Own", ["x"], ["y"], name="mine", domain="acme"))
    model = b.model("y")
    model.opset_import.append(helper.make_opsetid("acme", 1))
    refused("domain", model)
    b = Builder(1, 8)
    b.dense(8, 2)
    model = b.model()
    model.opset_import[0].version = 99
    refused("opset", model)
    b = Builder(1, 8)
    b.inputs = [helper.make_tensor_value_info("x", TensorProto.INT64, [1, 8])]
    b.add("Cast", to=TensorProto.FLOAT)
    refused("integers", b.model())
    b = Builder(1, 8)
    b.add("QuantizeLinear", "x", b.constant(_f(0.1)), b.constant(np.int8(0)))
    b.add("DequantizeLinear", b.last, b.constant(_f(0.1)), b.constant(np.int8(0)))
    refused("quantised", b.model())
    b = Builder(1, 8)
    b.then("Gemm", b.weights(8, 5))
    b.then("Gemm", b.weights(6, 5))
    refused("shapes", b.model())


_refusals()


def main(directory: str) -> None:
    for name, make in CASES.items():
        onnx.save(make(), Path(directory) / f"{name}.onnx")
    b = Builder(1, 64)
    b.dense(64, 64)
    path = Path(directory) / "refused_external.onnx"
    onnx.save(b.model(), path, save_as_external_data=True, location="weights.bin")
    (path.parent / "weights.bin").unlink()


if __name__ == "__main__":
    main(*sys.argv[1:])
