"""Which channels of a model hang together, and so can only be removed together.

Each channel that a layer makes is followed to wherever it is read. Where two are added or
multiplied they become one; a depthwise layer, a pooling or an activation hands them on; flattening
turns one into many inputs of a dense layer; concatenation puts them side by side. What hangs
together is a *unit*: it can be removed whole, from all the weights that it touches. Units made by
the same layers form a *group*, such as the channels of one stage of a residual network.

Removing a unit is exact in this sense: the smaller model computes what the whole model does when
every layer that mixes channels (convolution, dense) has zeros in the place of its weights for the
inputs that belong to the unit. Up to there nothing mixes channels, so nothing else can differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from edgekit.errors import ModelError
from edgekit.ir import Array
from edgekit.training.network import Call, Network, Reference
from edgekit.training.pruning_kinds import (
    ACTIVATIONS,
    CONVOLUTIONS,
    DEPTHWISE,
    ELEMENTWISE,
    PASSING,
    SEPARABLE,
)


class Role(Enum):
    """What an axis of a weight is to the channels along it."""

    MADE = "made"  # the filters that make them
    READ = "read"  # where they are mixed into others
    PASSED = "passed"  # one number for each channel that passes


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """The units along one axis of a weight or of a tensor."""

    role: Role
    units: Array  # int64 [size of the axis]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerChannels:
    """Where a layer's weights and configuration hold channels."""

    weights: tuple[Mapping[int, Axis], ...]  # by weight, in the layer's order; by axis
    sizes: Mapping[str, Array]  # configuration that counts channels -> their units


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """Units that the same layers make."""

    layers: tuple[str, ...]  # names, in the order of the graph
    units: Array  # int64 [N], in the order of the first layer's channels

    @property
    def name(self) -> str:
        """The names of the layers."""
        return " + ".join(self.layers)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Channels:
    """All that pruning needs to know of a network."""

    count: int  # units, numbered from 0
    groups: tuple[Group, ...]  # of those that can be removed
    fixed: Mapping[str, str]  # layer -> why (some of) its channels must stay
    layers: Mapping[int, LayerChannels]  # by id() of the layer
    made: Mapping[str, Array]  # layer -> units of its output channels


def trace(network: Network) -> Channels:
    """Follow every channel through a network.

    Raises:
        ModelError: a tensor's number of channels is not known.
    """
    tracing = _Tracing(network)
    for value in network.inputs:
        tracing.values[value] = tracing.fresh(tracing.width(value), None)
        tracing.fix(tracing.values[value], "they are the model's inputs")
    for call in network.calls:
        tracing.follow(call)
    for value in network.outputs:
        tracing.fix(tracing.values[value], "they are the model's outputs")
    return tracing.result()


class _Tracing:
    """Labels each channel of each tensor; labels that hang together are joined (union-find)."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.values: dict[int, Array] = {}  # labels along the last axis of each tensor
        self._parents: list[int] = []
        self._reasons: dict[int, str] = {}
        self._made: dict[str, Array] = {}
        self._layers: dict[int, LayerChannels] = {}
        self._outputs: dict[int, Array] = {}  # of layers that were called, by id
        self._inputs: dict[int, Array] = {}

    # -- labels -----------------------------------------------------------------------------------

    def width(self, value: int) -> int:
        """How many channels a tensor has."""
        shape = self.network.shape(value)
        if len(shape) < 2 or shape[-1] is None:
            name = self.network.tensors[value].name
            raise ModelError(f"the number of channels of tensor {name!r} is not fixed: {shape}")
        return shape[-1]

    def fresh(self, count: int, maker: str | None) -> Array:
        """New labels; `maker` is the layer whose filters make them."""
        labels = np.arange(len(self._parents), len(self._parents) + count)
        self._parents.extend(labels.tolist())
        if maker is not None:
            self._made[maker] = labels
        return labels

    def root(self, label: int) -> int:
        while self._parents[label] != label:
            self._parents[label] = self._parents[self._parents[label]]
            label = self._parents[label]
        return label

    def tie(self, first: Array, second: Array) -> None:
        """What happens to a channel of `first` happens to that of `second` at its place."""
        for a, b in zip(first.tolist(), second.tolist(), strict=True):
            low, high = sorted((self.root(a), self.root(b)))
            self._parents[high] = low
            if high in self._reasons:
                self._reasons.setdefault(low, self._reasons[high])

    def fix(self, labels: Array, reason: str) -> None:
        """These channels must stay."""
        for label in labels.tolist():
            self._reasons.setdefault(self.root(label), reason)

    # -- calls ------------------------------------------------------------------------------------

    def follow(self, call: Call) -> None:
        """Label the outputs of a call."""
        operation = call.operation
        again = id(operation) in self._outputs and hasattr(operation, "get_weights")
        shared = again and (bool(operation.weights) or call.kind == "Reshape")
        if shared and len(call.inputs) == 1:  # the same weights: the same channels in and out
            self.tie(self._inputs[id(operation)], self.values[call.inputs[0]])
            self.values[call.outputs[0]] = self._outputs[id(operation)]
            return
        self.values[call.outputs[0]] = self._followed(call)
        if len(call.inputs) == 1:
            self._inputs[id(operation)] = self.values[call.inputs[0]]
            self._outputs[id(operation)] = self.values[call.outputs[0]]

    def _followed(self, call: Call) -> Array:
        kind, operation = call.kind, call.operation
        if getattr(operation, "data_format", None) == "channels_first":
            return self._unknown(call, "has its channels first")
        if kind in CONVOLUTIONS:
            return self._convolution(call)
        if kind in DEPTHWISE:
            return self._depthwise(call)
        if kind in SEPARABLE:
            return self._separable(call)
        if kind == "BatchNormalization":
            return self._batch_norm(call)
        if kind == "Concatenate":
            return self._concatenated(call)
        if kind in ELEMENTWISE:
            return self._elementwise(call)
        if kind in ("Flatten", "Reshape", "Permute"):
            return self._reshaped(call)
        if kind == "Activation":
            return self._activated(call, self.values[call.inputs[0]])
        scalar = kind == "Rescaling" and np.ndim(operation.scale) == np.ndim(operation.offset) == 0
        if (kind in PASSING or scalar) and len(call.inputs) == len(call.outputs) == 1:
            return self.values[call.inputs[0]]
        return self._unknown(call, f"reads them, and how a {kind} mixes channels is not known")

    def _unknown(self, call: Call, reason: str) -> Array:
        """Nothing before or after the call may be removed."""
        for value in call.inputs:
            if value in self.values:
                self.fix(self.values[value], f"{call.name} {reason}")
        weighted = bool(getattr(call.operation, "weights", ()))
        results = []
        for value in call.outputs:
            shape = self.network.shape(value)
            labels = self.fresh(shape[-1] or 0 if shape else 0, call.name if weighted else None)
            self.fix(labels, f"{call.name} {reason}")
            self.values[value] = labels
            results.append(labels)
        return results[0]

    def _note(
        self, call: Call, weights: Sequence[Mapping[int, Axis]], sizes: Mapping[str, Array]
    ) -> None:
        self._layers[id(call.operation)] = LayerChannels(weights=tuple(weights), sizes=sizes)

    def _convolution(self, call: Call) -> Array:
        layer, read = call.operation, self.values[call.inputs[0]]
        if getattr(layer, "groups", 1) != 1:
            return self._unknown(call, "is a grouped convolution, which ties them to their group")
        kernel = layer.weights[0].shape
        transposed = call.kind == "Conv2DTranspose"
        into, out = (3, 2) if transposed else (len(kernel) - 2, len(kernel) - 1)
        made = self.fresh(kernel[out], call.name)
        size = "units" if call.kind == "Dense" else "filters"
        axes = {into: Axis(Role.READ, read), out: Axis(Role.MADE, made)}
        self._note(call, (axes, {0: Axis(Role.PASSED, made)}), {size: made})
        return self._activated(call, made)

    def _depthwise(self, call: Call) -> Array:
        layer, read = call.operation, self.values[call.inputs[0]]
        kernel = layer.weights[0].shape  # [..., in, multiplier]
        passed = np.repeat(read, kernel[-1])
        axes = {len(kernel) - 2: Axis(Role.PASSED, read)}
        self._note(call, (axes, {0: Axis(Role.PASSED, passed)}), {})
        return self._activated(call, passed)

    def _separable(self, call: Call) -> Array:
        layer, read = call.operation, self.values[call.inputs[0]]
        depthwise, pointwise = (w.shape for w in layer.weights[:2])
        made = self.fresh(pointwise[-1], call.name)
        between = np.repeat(read, depthwise[-1])
        into, out = len(pointwise) - 2, len(pointwise) - 1
        axes = (
            {len(depthwise) - 2: Axis(Role.PASSED, read)},
            {into: Axis(Role.READ, between), out: Axis(Role.MADE, made)},
            {0: Axis(Role.PASSED, made)},
        )
        self._note(call, axes, {"filters": made})
        return self._activated(call, made)

    def _batch_norm(self, call: Call) -> Array:
        passed = self.values[call.inputs[0]]
        rank = len(self.network.shape(call.inputs[0]))
        if call.operation.axis not in (-1, rank - 1):
            return self._unknown(call, "normalises another axis than that of the channels")
        self._note(call, [{0: Axis(Role.PASSED, passed)} for _ in call.operation.weights], {})
        return passed

    def _activated(self, call: Call, labels: Array) -> Array:
        activation = getattr(call.operation, "activation", None)
        name = getattr(activation, "__name__", type(activation).__name__)
        if activation is not None and name.lower() not in ACTIVATIONS:
            self.fix(labels, f"the activation {name} of {call.name} mixes channels")
        return labels

    def _concatenated(self, call: Call) -> Array:
        rank = len(self.network.shape(call.outputs[0]))
        if getattr(call.operation, "axis", None) not in (-1, rank - 1):
            first, *rest = (self.values[value] for value in call.inputs)
            for other in rest:  # side by side along another axis: the same channels
                self.tie(first, other)
            return first
        return np.concatenate([self.values[value] for value in call.inputs])

    def _elementwise(self, call: Call) -> Array:
        width = self.width(call.outputs[0])
        if not all(_is_tensor_or_number(x) for x in _operands(call)):
            return self._unknown(call, "combines them with constants")
        wide = [self.values[v] for v in call.inputs if len(self.values[v]) == width]
        for value in call.inputs:
            if len(self.values[value]) != width:  # one channel, spread over all
                self.fix(self.values[value], f"{call.name} spreads it over all channels")
        for other in wide[1:]:
            self.tie(wide[0], other)
        return wide[0]

    def _reshaped(self, call: Call) -> Array:
        """Labels after a change of shape, if each place of the last axis keeps one channel."""
        before, after = (self.network.shape(v)[1:] for v in (call.inputs[0], call.outputs[0]))
        if None in before or None in after:
            return self._unknown(call, "changes a shape that is not fixed")
        labels = np.broadcast_to(self.values[call.inputs[0]], [n or 0 for n in before])
        if call.kind == "Permute":
            moved = labels.transpose([d - 1 for d in call.operation.dims])
        else:
            moved = labels.reshape([n or 0 for n in after])
        rows = moved.reshape(-1, moved.shape[-1])
        first: Array = rows[0]
        if (rows != first).any():
            return self._unknown(call, "moves them to another axis")
        if call.kind == "Reshape":
            self._note(call, (), {"target_shape": first})
        return first

    # -- result -----------------------------------------------------------------------------------

    def result(self) -> Channels:
        """Units and groups; call when every call was followed."""
        roots = np.array([self.root(label) for label in range(len(self._parents))], dtype=np.int64)
        names, units = np.unique(roots, return_inverse=True)
        made = {layer: units[labels] for layer, labels in self._made.items()}
        reasons = {int(unit): self._reasons.get(int(names[unit])) for unit in range(len(names))}
        fixed: dict[str, str] = {}
        for layer, own in made.items():
            found = [reason for unit in own.tolist() if (reason := reasons[unit])]
            if found:
                fixed[layer] = found[0]
        return Channels(
            count=len(names),
            groups=_groups(made, reasons),
            fixed=fixed,
            layers={key: _with_units(noted, units) for key, noted in self._layers.items()},
            made=made,
        )


def _operands(call: Call) -> list[Any]:
    """What an addition, multiplication … is given: a list, or one argument after another."""
    given = list(call.arguments[0])
    return list(given[0]) if given and isinstance(given[0], (list, tuple)) else given


def _is_tensor_or_number(operand: Any) -> bool:
    return isinstance(operand, Reference) or np.ndim(operand) == 0


def _groups(made: Mapping[str, Array], reasons: Mapping[int, str | None]) -> tuple[Group, ...]:
    makers: dict[int, list[str]] = {}
    for layer, units in made.items():
        for unit in units.tolist():
            if reasons[unit] is None and layer not in makers.setdefault(unit, []):
                makers[unit].append(layer)
    together: dict[tuple[str, ...], list[int]] = {}
    for unit, layers in makers.items():
        if layers:
            together.setdefault(tuple(layers), []).append(unit)
    return tuple(Group(layers=layers, units=np.array(units)) for layers, units in together.items())


def _with_units(noted: LayerChannels, units: Array) -> LayerChannels:
    """The same with units in place of labels."""
    return LayerChannels(
        weights=tuple(
            {axis: Axis(found.role, units[found.units]) for axis, found in axes.items()}
            for axes in noted.weights
        ),
        sizes={key: units[labels] for key, labels in noted.sizes.items()},
    )
