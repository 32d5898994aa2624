"""ONNX models written down by hand, with an evaluator of ONNX's meaning in NumPy.

No ONNX package is needed: `edgekit.conversion.onnx_graph` gets them as the worker would give them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit.conversion.onnx_graph import Node, Source

Array = npt.NDArray[Any]
_SAMPLES = 3


class Sketch:
    """A model in the making; each step is computed at once for all samples."""

    def __init__(self, *shapes: tuple[int, ...], seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._nodes: list[Node] = []
        self._constants: dict[str, Array] = {}
        self.inputs = [f"x{i}" for i in range(len(shapes))]
        self._values: dict[str, list[Array]] = {
            name: [self._rng.standard_normal(shape, np.float32) for _ in range(_SAMPLES)]
            for name, shape in zip(self.inputs, shapes, strict=True)
        }

    def random(self, *shape: int) -> str:
        """A constant of small numbers."""
        scale = 1 / math.sqrt(max(1, math.prod(shape[1:])))
        return self.constant(self._rng.standard_normal(shape, np.float32) * np.float32(scale))

    def constant(self, values: Any) -> str:
        name = f"constant{len(self._constants)}"
        self._constants[name] = np.asarray(values)
        return name

    def node(self, type_: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """Add a node; its first output's name."""
        number = len(self._nodes)
        names = tuple(f"{type_.lower()}{number}" + "'" * i for i in range(outputs))
        self._nodes.append(
            Node(
                name=f"node{number}",
                type=type_,
                layer=f"layer{number}",
                inputs=inputs,
                outputs=names,
                attributes=attributes,
            )
        )
        for i in range(_SAMPLES):
            arrays = [self._constants.get(n, self._values.get(n, [None] * 3)[i]) for n in inputs]
            results = MEANINGS.get(type_, lambda a, *_: a[0])(arrays, attributes)
            results = results if isinstance(results, list) else [results]
            for name, result in zip(names, results, strict=True):
                self._values.setdefault(name, []).append(result)
        return names[0]

    def conv(self, x: str, outputs: int, *kernel: int, group: int = 1, **more: Any) -> str:
        channels = self._values[x][0].shape[1]
        weights = self.random(outputs, channels // group, *kernel)
        rank = len(kernel)
        defaults: dict[str, Any] = {"pads": [0] * 2 * rank, "strides": [1] * rank}
        attributes = {**defaults, **more, "group": group}
        return self.node("Conv", x, weights, self.random(outputs), **attributes)

    def dense(self, x: str, outputs: int) -> str:
        inputs = self._values[x][0].shape[1]
        return self.node("Gemm", x, self.random(outputs, inputs), self.random(outputs), transB=1)

    def source(self, *outputs: str, opset: int = 18) -> Source:
        shapes = {name: values[0].shape for name, values in self._values.items()}
        return Source(
            opset=opset,
            inputs=tuple(self.inputs),
            outputs=outputs,
            nodes=tuple(self._nodes),
            shapes=shapes,
            types=dict.fromkeys(shapes, "float32"),
            constants=self._constants,
            samples=tuple(np.concatenate(self._values[name]) for name in self.inputs),
            answers=tuple(np.stack(self._values[name]) for name in outputs),
        )


def _windows(x: Array, kernel: Sequence[int], attributes: dict[str, Any], fill: float) -> Array:
    """[N, C, *positions, *kernel] of an array [N, C, *spatial]."""
    rank = len(kernel)
    pads, strides = attributes["pads"], attributes["strides"]
    sides = [(0, 0), (0, 0), *((pads[i], pads[i + rank]) for i in range(rank))]
    padded = np.pad(x, sides, constant_values=fill)
    views = np.lib.stride_tricks.sliding_window_view(padded, kernel, tuple(range(2, 2 + rank)))
    return views[(slice(None), slice(None), *(slice(None, None, s) for s in strides))]


def _conv(arrays: list[Array], attributes: dict[str, Any]) -> Array:
    x, weights, bias = arrays
    rank, group = weights.ndim - 2, attributes["group"]
    windows = _windows(x, weights.shape[2:], attributes, 0.0)
    parts = []
    for part, filters in zip(
        np.split(windows, group, axis=1), np.split(weights, group), strict=True
    ):
        over = [1, *range(2 + rank, 2 + 2 * rank)]
        parts.append(np.tensordot(part, filters, (over, list(range(1, 2 + rank)))))
    result = np.concatenate([np.moveaxis(part, -1, 1) for part in parts], axis=1)
    return result + bias.reshape(-1, *[1] * rank)


def _max_pool(arrays: list[Array], attributes: dict[str, Any]) -> Array:
    kernel = attributes["kernel_shape"]
    windows = _windows(arrays[0], kernel, attributes, -np.inf)
    return windows.max(axis=tuple(range(-len(kernel), 0)))


def _gemm(arrays: list[Array], attributes: dict[str, Any]) -> Array:
    matrix = arrays[1].T if attributes.get("transB") else arrays[1]
    return arrays[0] @ matrix + arrays[2]


def _batch_norm(arrays: list[Array], attributes: dict[str, Any]) -> Array:
    x = arrays[0]
    scale, bias, mean, variance = (a.reshape(-1, *[1] * (x.ndim - 2)) for a in arrays[1:])
    return (x - mean) / np.sqrt(variance + attributes.get("epsilon", 1e-5)) * scale + bias


def _softmax(arrays: list[Array], attributes: dict[str, Any]) -> Array:
    axis = attributes["axis"]
    powers = np.exp(arrays[0] - arrays[0].max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def _mean(arrays: list[Array], attributes: dict[str, Any]) -> Array:
    x = arrays[0]
    axes = tuple(arrays[1]) if len(arrays) > 1 else tuple(range(2, x.ndim))
    return x.mean(axis=axes, keepdims=bool(attributes.get("keepdims", 1)))


def _clip(arrays: list[Array], attributes: dict[str, Any]) -> Array:
    return np.clip(arrays[0], attributes["min"], attributes["max"])


def _hard_sigmoid(arrays: list[Array], attributes: dict[str, Any]) -> Array:
    return np.clip(arrays[0] * attributes["alpha"] + attributes["beta"], 0, 1)


MEANINGS: dict[str, Callable[[list[Array], dict[str, Any]], Any]] = {
    "Add": lambda a, _: a[0] + a[1],
    "BatchNormalization": _batch_norm,
    "Clip": _clip,
    "Concat": lambda a, k: np.concatenate(a, axis=k["axis"]),
    "Conv": _conv,
    "Div": lambda a, _: a[0] / a[1],
    "Flatten": lambda a, _: a[0].reshape(len(a[0]), -1),
    "Gemm": _gemm,
    "GlobalAveragePool": _mean,
    "HardSigmoid": _hard_sigmoid,
    "MatMul": lambda a, _: a[0] @ a[1],
    "MaxPool": _max_pool,
    "Mul": lambda a, _: a[0] * a[1],
    "ReduceMean": _mean,
    "Relu": lambda a, _: np.maximum(a[0], 0),
    "Reshape": lambda a, _: a[0].reshape(a[1]),
    "Softmax": _softmax,
    "Split": lambda a, k: np.split(a[0], 2, axis=k["axis"]),
    "Sub": lambda a, _: a[0] - a[1],
    "Tanh": lambda a, _: np.tanh(a[0]),
    "Transpose": lambda a, k: a[0].transpose(k["perm"]),
}
