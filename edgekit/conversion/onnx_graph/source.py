"""An ONNX model as the worker `from_onnx` read it: nodes, shapes and constants."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.ir import Array, Shape


class UnsupportedNodeError(Exception):
    """A node has no form in a .tflite for microcontrollers; the text says why, half a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An operator of ONNX. An input that was left out is ""."""

    name: str
    type: str  # e.g. "Conv"; with its domain where that is not ONNX's own
    layer: str  # what made it, as its author calls it
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.type} {self.name!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A model with batch 1 and static shapes, its constants folded."""

    opset: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]  # in an order in which they can run
    shapes: Mapping[str, Shape]  # of inputs and computed tensors
    types: Mapping[str, str]  # NumPy's names, of the same
    constants: Mapping[str, Array]
    samples: tuple[Array, ...] = ()  # float32 [N, *shape[1:]] for each input
    answers: tuple[Array, ...] = ()  # [N, *shape] for each output: what the model makes of them

    def consumers(self, name: str) -> tuple[Node, ...]:
        """The nodes that read a tensor."""
        return tuple(node for node in self.nodes if name in node.inputs)


def read(path: Path) -> Source:
    """What `from_onnx` wrote to `path` with the suffixes .json and .npz."""
    described = json.loads(Path(f"{path}.json").read_text(encoding="utf-8"))
    with np.load(f"{path}.npz", allow_pickle=False) as stored:
        arrays = {key: stored[key] for key in stored.files}
    tensors = described["tensors"]
    return Source(
        opset=described["opset"],
        inputs=tuple(described["inputs"]),
        outputs=tuple(described["outputs"]),
        nodes=tuple(_node(node) for node in described["nodes"]),
        shapes={name: tuple(t["shape"]) for name, t in tensors.items()},
        types={name: t["type"] for name, t in tensors.items()},
        constants={name: arrays[key] for name, key in described["constants"].items()},
        samples=tuple(arrays[f"sample{i}"] for i in range(len(described["inputs"]))),
        answers=tuple(arrays[f"answer{i}"] for i in range(len(described["outputs"]))),
    )


def _node(stored: Mapping[str, Any]) -> Node:
    return Node(
        name=stored["name"],
        type=stored["type"],
        layer=stored["layer"],
        inputs=tuple(stored["inputs"]),
        outputs=tuple(stored["outputs"]),
        attributes=stored["attributes"],
    )
