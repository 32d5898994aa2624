"""Batch norm folded into the layers before it, as it is at inference.

There it is y = s·x + t for each channel, with s = gamma / sqrt(variance + epsilon) and
t = beta − s·mean. A convolution before it takes s into its filters and t into its bias
(Jacob et al., "Quantization and Training of Neural Networks …", CVPR 2018, §3.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.ir import Array
from edgekit.training.network import Arguments, Call, Copies, Network, Value, network_of, rebuild

#: Layers that take a factor for each output channel into a kernel, and a shift into a bias.
FOLDABLE = frozenset(
    [
        "Conv1D",
        "Conv2D",
        "DepthwiseConv1D",
        "DepthwiseConv2D",
        "SeparableConv1D",
        "SeparableConv2D",
        "Conv2DTranspose",
        "Dense",
    ]
)


@dataclass(frozen=True, slots=True)
class _Affine:
    """y = scale · x + shift for each channel."""

    scale: Array  # float64 [C]
    shift: Array  # float64 [C]

    def after(self, first: _Affine) -> _Affine:
        return _Affine(first.scale * self.scale, first.shift * self.scale + self.shift)

    def part(self, start: int, count: int) -> _Affine:
        return _Affine(self.scale[start : start + count], self.shift[start : start + count])

    def unshifted(self) -> _Affine:
        return _Affine(self.scale, np.zeros_like(self.shift))


def fold_batch_norm(model: Any) -> Any:
    """The same model without the batch norm that follows a layer which can take it in.

    Folded is batch norm over the last axis after a convolution, a dense layer, or an addition or
    concatenation of such, wherever nothing else reads what lies between. Any other stays: before a
    convolution, after an activation, after a layer that is used twice.

    Args:
        model: a functional or sequential keras.Model; it is not changed.

    Returns:
        A new keras.Model of new layers with the same names. At inference its outputs are equal up
        to float rounding.

    Raises:
        ModelError: the model has no graph of layers.
    """
    network = network_of(model)
    folding = _Folding(network)
    for call in network.calls:
        folding.consider(call)
    return rebuild(network, folding.visit)


class _Folding:
    """Decides what is folded into which layer, then builds the model so."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._taken: dict[Value, _Affine] = {}  # by the output of the layer that takes it in
        self._gone: set[Value] = set()  # outputs of batch norms that were folded
        self._copies = Copies()

    def consider(self, call: Call) -> None:
        """Fold `call` if it is a batch norm that what comes before it can take in."""
        if call.kind != "BatchNormalization" or self._network.uses(call.operation) > 1:
            return
        rank = len(self._network.shape(call.inputs[0]))
        training = call.arguments[1].get("training")
        if call.operation.axis not in (-1, rank - 1) or training:
            return
        (value,) = call.inputs
        if self._can_take(value):
            self._take(value, _affine_of(call.operation))
            self._gone.add(call.outputs[0])

    def _can_take(self, value: Value) -> bool:
        """Whether only a batch norm reads `value`, and what makes it is linear in its weights."""
        network = self._network
        call = network.maker(value)
        if call is None or value in network.outputs or len(network.users(value)) > 1:
            return False
        if value in self._gone:
            return True
        if call.kind in FOLDABLE:
            return _is_linear(call.operation) and network.uses(call.operation) == 1
        together = call.kind == "Add" or (call.kind == "Concatenate" and self._by_channel(call))
        alone = len(set(call.inputs)) == len(call.inputs) and call.inputs != ()
        same = all(network.shape(i)[-1] == network.shape(value)[-1] for i in call.inputs)
        return (
            together
            and alone
            and (same or call.kind == "Concatenate")
            and not _has_constants(call)
            and all(self._can_take(i) for i in call.inputs)
        )

    def _by_channel(self, call: Call) -> bool:
        return getattr(call.operation, "axis", None) in (
            -1,
            len(self._network.shape(call.outputs[0])) - 1,
        )

    def _take(self, value: Value, affine: _Affine) -> None:
        call = self._network.maker(value)
        assert call is not None  # inputs of the model take nothing
        if value in self._gone:
            self._take(call.inputs[0], affine)
        elif call.kind in FOLDABLE:
            first = self._taken.get(value)
            self._taken[value] = affine if first is None else affine.after(first)
        elif call.kind == "Concatenate":
            start = 0
            for source in call.inputs:
                count = self._network.shape(source)[-1]
                assert count is not None  # batch norm knows its channels
                self._take(source, affine.part(start, count))
                start += count
        else:
            self._take(call.inputs[0], affine)
            for source in call.inputs[1:]:
                self._take(source, affine.unshifted())

    def visit(self, call: Call, given: Arguments) -> Any:
        """Make the call's output: past a folded batch norm, with other weights, or as it was."""
        if call.outputs[0] in self._gone:
            arguments, keywords = given
            return arguments[0] if arguments else keywords["inputs"]
        affine = self._taken.get(call.outputs[0])
        if affine is None:
            return self._copies.visit(call, given)
        weights = _folded(call.operation, affine)
        return self._copies.apply(call, given, config={"use_bias": True}, weights=weights)


def _is_linear(layer: Any) -> bool:
    name = getattr(layer.activation, "__name__", "linear")
    return name == "linear" and getattr(layer, "data_format", None) != "channels_first"


def _has_constants(call: Call) -> bool:
    """Whether an operation such as `x + 1` has numbers among its arguments."""
    return not hasattr(call.operation, "get_weights") and len(call.arguments[0]) != len(call.inputs)


def _affine_of(norm: Any) -> _Affine:
    """What a BatchNormalization layer computes at inference."""
    mean, variance = (np.asarray(v, np.float64) for v in (norm.moving_mean, norm.moving_variance))
    scale = 1.0 / np.sqrt(variance + norm.epsilon)
    if norm.scale:
        scale = scale * np.asarray(norm.gamma, np.float64)
    shift = -mean * scale
    if norm.center:
        shift = shift + np.asarray(norm.beta, np.float64)
    return _Affine(scale, shift)


def _folded(layer: Any, affine: _Affine) -> Sequence[Array]:
    """The layer's weights, its bias last, with an affine function of its outputs taken in."""
    weights = [np.asarray(w, np.float64) for w in layer.get_weights()]
    bias = weights.pop() if layer.use_bias else np.zeros_like(affine.shift)
    kernel = weights.pop()
    kind = type(layer).__name__
    if kind == "Conv2DTranspose":  # [height, width, out, in]
        kernel = kernel * affine.scale[:, None]
    elif kind.startswith("Depthwise"):  # [height, width, in, multiplier]
        kernel = kernel * affine.scale.reshape(kernel.shape[-2:])
    else:
        kernel = kernel * affine.scale
    bias = bias * affine.scale + affine.shift
    return [w.astype(np.float32) for w in (*weights, kernel, bias)]
