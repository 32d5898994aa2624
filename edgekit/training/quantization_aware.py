"""Training with the rounding of INT8 in the loop.

Batch norm is folded, then weights and activations are rounded as the integer model will round them,
while slopes pass as if they were not (Jacob et al., "Quantization and Training of Neural Networks
for Efficient Integer-Arithmetic-Only Inference", CVPR 2018, §3). The model learns to live with it;
what is exported is a plain float model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgekit.errors import ModelError
from edgekit.ir import Array
from edgekit.training.folding import fold_batch_norm
from edgekit.training.framework import keras
from edgekit.training.network import Arguments, Call, Copies, Network, Value, network_of, rebuild

WEIGHTED = frozenset(
    ["Conv1D", "Conv2D", "Conv2DTranspose", "DepthwiseConv1D", "DepthwiseConv2D", "Dense"]
)
_SEPARABLE = frozenset(["SeparableConv1D", "SeparableConv2D"])
_ARITHMETIC = frozenset(["Add", "Subtract", "Multiply"])  # integer kernels may end in a ReLU
#: Their outputs get a range of their own.
_RANGED = frozenset(
    [
        "Average",
        "Maximum",
        "Minimum",
        "Concatenate",
        "GlobalAveragePooling1D",
        "GlobalAveragePooling2D",
        "BatchNormalization",
        "Rescaling",
        "LeakyReLU",
        "PReLU",
        "ELU",
        "HardSilu",
        "HardSigmoid",
        "Silu",
        "Gelu",
    ]
)
#: They only move values, or pick some of them.
_KEEPING = frozenset(
    [
        "Flatten",
        "Reshape",
        "Permute",
        "MaxPooling1D",
        "MaxPooling2D",
        "GlobalMaxPooling1D",
        "GlobalMaxPooling2D",
        "ZeroPadding1D",
        "ZeroPadding2D",
        "Cropping1D",
        "Cropping2D",
        "UpSampling1D",
        "UpSampling2D",
        "Dropout",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "GaussianNoise",
        "GaussianDropout",
        "Identity",
        "ActivityRegularization",
    ]
)
#: They round to the scale that they read.
_AVERAGING = frozenset(["AveragePooling1D", "AveragePooling2D"])
_RELU = frozenset(["relu", "relu6"])
#: Ranges that TensorFlow Lite prescribes.
_FIXED = {"sigmoid": (0.0, 255 / 256), "tanh": (-1.0, 127 / 128)}
_ACTIVATIONS = frozenset(
    [
        "linear",
        "relu",
        "relu6",
        "leaky_relu",
        "elu",
        "gelu",
        "silu",
        "swish",
        "hard_silu",
        "hard_swish",
        "hard_sigmoid",
        "sigmoid",
        "tanh",
        "softmax",
        "log_softmax",
    ]
)


def quantization_aware(model: Any) -> Any:
    """The model with batch norm folded, and weights and activations rounded as INT8 rounds them.

    Weights are rounded symmetrically, convolutions' for each output channel; activations
    asymmetrically for each tensor: inputs, what a layer makes (after a ReLU that is fused into it),
    sums, products, concatenations and means. A softmax is not rounded. Batch norm that cannot be
    folded is rounded once, where the integer model has two operators for it. Ranges of activations
    are unknown until `calibrate` was called.

    Args:
        model: a functional or sequential keras.Model; it is not changed.

    Raises:
        ModelError: the model has no graph of layers, or layers that are not known here: all named.
    """
    network = network_of(_plain(fold_batch_norm(model)))
    _refuse_unknown(network)
    building = _Building(network)
    return rebuild(network, building.visit, enter=building.enter)


def calibrate(model: Any, inputs: Array, *, batch_size: int = 64) -> None:
    """Set the ranges of a `quantization_aware` model to the minimum and maximum on `inputs`.

    They are taken from the model with rounded weights and unrounded activations, which is what
    `export` makes and a conversion will calibrate.

    Args:
        inputs: [N, …], as the model takes them; for several inputs a sequence of such arrays.
    """
    network = network_of(model)
    quantizers, taps = [], []

    def visit(call: Call, given: Arguments) -> Any:
        if call.kind == "FakeQuantize":
            quantizers.append(call.operation)
            taps.append(given[0][0])
            return given[0][0]
        arguments, keywords = given
        return call.operation(*arguments, **keywords)

    rebuilt = rebuild(network, visit)
    tapped = keras().Model(rebuilt.inputs, taps)
    parts = [np.asarray(part) for part in (inputs if _is_several(inputs) else (inputs,))]
    lows, highs = np.zeros(len(taps)), np.zeros(len(taps))
    for start in range(0, len(parts[0]), batch_size):
        batch = [part[start : start + batch_size] for part in parts]
        seen = tapped(batch, training=False)
        for index, values in enumerate(seen):
            lows[index] = min(lows[index], float(np.min(values)))
            highs[index] = max(highs[index], float(np.max(values)))
    ranges: dict[int, tuple[float, float]] = {}
    for quantizer, low, high in zip(quantizers, lows, highs, strict=True):
        before = ranges.get(id(quantizer), (0.0, 0.0))  # some are called more than once
        ranges[id(quantizer)] = (min(before[0], low), max(before[1], high))
        quantizer.set_range(*ranges[id(quantizer)])


def export(model: Any) -> Any:
    """The plain float model behind one made by `quantization_aware`.

    It has standard layers only, and batch norm folded: ready to be saved, and converted to INT8
    with calibration. Its weights are those that were trained, rounded: a conversion finds the same
    integers, and no rounding error for which it would correct what was learned with it.
    """
    copies = Copies()

    def visit(call: Call, given: Arguments) -> Any:
        if call.kind == "FakeQuantize":
            return given[0][0]
        if call.kind != "QuantizedWeights":
            return copies.visit(call, given)
        plain = Call(
            operation=call.operation.layer,
            arguments=call.arguments,
            inputs=call.inputs,
            outputs=call.outputs,
        )
        return copies.apply(plain, given, weights=call.operation.rounded_weights())

    return rebuild(network_of(model), visit)


def _is_several(inputs: Any) -> bool:
    return isinstance(inputs, (list, tuple))


# -- one operator for each layer ------------------------------------------------------------------


def _plain(model: Any) -> Any:
    """The model with activations as layers of their own and separable convolutions as two layers,
    which is how integer operators compute them."""
    copies = Copies()

    def visit(call: Call, given: Arguments) -> Any:
        layer = call.operation
        if call.kind in _SEPARABLE:
            made = _separated(copies, call, given)
        elif call.kind in WEIGHTED:
            made = copies.apply(call, given, config={"activation": "linear"})
        else:
            return copies.visit(call, given)
        return _activated(copies, made, layer)

    return rebuild(network_of(model), visit)


def _activated(copies: Copies, made: Any, layer: Any) -> Any:
    name = _activation(layer)
    if name == "linear":
        return made
    layers = keras().layers
    own = copies.unique(f"{layer.name}_{name}")
    if name == "relu":
        return layers.ReLU(name=own)(made)
    return layers.Activation(layer.activation, name=own)(made)


def _separated(copies: Copies, call: Call, given: Arguments) -> Any:
    """A separable convolution as a depthwise one and one of size 1."""
    layer, layers = call.operation, keras().layers
    flat = call.kind.endswith("1D")
    depthwise = (layers.DepthwiseConv1D if flat else layers.DepthwiseConv2D)(
        layer.kernel_size,
        strides=layer.strides,
        padding=layer.padding,
        dilation_rate=layer.dilation_rate,
        depth_multiplier=layer.depth_multiplier,
        use_bias=False,
        name=copies.unique(f"{layer.name}_depthwise"),
    )
    pointwise = (layers.Conv1D if flat else layers.Conv2D)(
        layer.filters, 1, use_bias=layer.use_bias, name=copies.unique(layer.name)
    )
    made = pointwise(depthwise(given[0][0]))
    first, *rest = layer.get_weights()
    depthwise.set_weights([first])
    pointwise.set_weights(rest)
    return made


def _activation(layer: Any) -> str:
    """The name of an activation layer's or argument's function; "" where there is none."""
    kind = type(layer).__name__
    if kind in ("ReLU", "Relu", "Relu6"):
        limit = 6.0 if kind == "Relu6" else getattr(layer, "max_value", None)
        known = {None: "relu", 6.0: "relu6"}.get(limit, "")
        tilted = getattr(layer, "negative_slope", 0) or getattr(layer, "threshold", 0)
        return "" if tilted else known
    if kind in ("Softmax", "LogSoftmax", "Sigmoid", "Tanh"):
        return kind.lower()
    function = getattr(layer, "activation", None)
    name = "linear" if function is None else getattr(function, "__name__", type(function).__name__)
    return str(name)


def _refuse_unknown(network: Network) -> None:
    """Name every layer whose integer arithmetic is not known here."""
    known = WEIGHTED | _ARITHMETIC | _RANGED | _KEEPING | _AVERAGING
    activations = {"Activation", "ReLU", "Relu", "Relu6", "Softmax", "Sigmoid", "Tanh"}
    unknown = [
        f"{call.name} ({call.kind})"
        for call in network.calls
        if (call.kind not in known | activations)
        or (call.kind in activations and _activation(call.operation) not in _ACTIVATIONS)
        or getattr(call.operation, "data_format", None) == "channels_first"
        or len(call.outputs) != 1
    ]
    if unknown:
        raise ModelError(
            f"{network.name!r} has layers that cannot be trained with INT8 rounding: "
            f"{', '.join(unknown)}",
            hint="train it without, and convert it with calibration; or replace these layers",
        )


# -- where to round -------------------------------------------------------------------------------


class _Building:
    """Builds the rounding model; remembers which layer rounded each tensor."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._copies = Copies()
        self._wrapped: dict[int, Any] = {}
        self._quantizers: dict[Value, Any] = {}

    def enter(self, value: Value, tensor: Any) -> Any:
        """Round an input."""
        return self._rounded(value, tensor, f"{tensor._keras_history.operation.name}_quantized")

    def visit(self, call: Call, given: Arguments) -> Any:
        """Make a call's output, and round it if the integer model does."""
        layer, value = call.operation, call.outputs[0]
        made = self._made(call, given)
        name = f"{call.name}_quantized"
        if call.kind in _KEEPING:
            return self._as_before(call, made)
        if call.kind in _AVERAGING:
            self._as_before(call, made)
            quantizer = self._quantizers.get(value)
            return made if quantizer is None else quantizer(made, observe=False)
        if call.kind in WEIGHTED | _ARITHMETIC:
            return made if self._is_fused(value) else self._rounded(value, made, name)
        if call.kind in _RANGED:
            return self._rounded(value, made, name)
        activation = _activation(layer)
        if activation == "linear":
            return self._as_before(call, made)
        if activation.endswith("softmax"):
            return made
        return self._rounded(value, made, name, _FIXED.get(activation))

    def _as_before(self, call: Call, made: Any) -> Any:
        """The same values as before the call: on the same scale."""
        if call.inputs[0] in self._quantizers:
            self._quantizers[call.outputs[0]] = self._quantizers[call.inputs[0]]
        return made

    def _is_fused(self, value: Value) -> bool:
        """Whether nothing but a ReLU reads a tensor, and so its kernel clamps in its stead."""
        users = self._network.users(value)
        return (
            value not in self._network.outputs
            and len(users) == 1
            and users[0].kind in ("ReLU", "Relu", "Relu6", "Activation")
            and _activation(users[0].operation) in _RELU
        )

    def _rounded(
        self, value: Value, tensor: Any, name: str, fixed: tuple[float, float] | None = None
    ) -> Any:
        from edgekit.training.quantization_aware_layers import FakeQuantize

        quantizer = FakeQuantize(fixed=fixed, name=self._copies.unique(name))
        self._quantizers[value] = quantizer
        return quantizer(tensor)

    def _made(self, call: Call, given: Arguments) -> Any:
        from edgekit.training.quantization_aware_layers import QuantizedWeights

        arguments, keywords = given
        if call.kind == "BatchNormalization":  # one that could not be folded: as at inference
            fixed: Mapping[str, Any] = {**keywords, "training": False}
            return self._copies.visit(call, (arguments, dict(fixed)))
        if call.kind not in WEIGHTED:
            return self._copies.visit(call, given)
        layer = call.operation
        if id(layer) not in self._wrapped:
            inner = type(layer).from_config(layer.get_config())
            name = self._copies.unique(layer.name)
            wrapper = QuantizedWeights(inner, name=name)
            made = wrapper(*arguments, **keywords)
            inner.set_weights(layer.get_weights())
            self._wrapped[id(layer)] = wrapper
            return made
        return self._wrapped[id(layer)](*arguments, **keywords)
