"""Student networks that fit a microcontroller, each a function with a width multiplier.

All are functional Keras models whose layers have names that a recipe can pair (`stem`, `block1`,
…, `pool`, `logits`). They end in logits, unless a softmax is asked for, and convert to full INT8
with operators that TensorFlow Lite Micro has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgekit.errors import RecipeError
from edgekit.training.framework import keras

Shape = tuple[int, ...]

# Statistics follow within tens of steps: small data sets have few of them in an epoch.
_BATCH_NORM_MOMENTUM = 0.9


def ds_cnn(
    input_shape: Shape,
    classes: int,
    width: float = 1.0,
    *,
    channels: Sequence[int] = (64, 64, 64, 64, 64),
    strides: Sequence[int] = (2, 1, 1, 1, 1),
    first_kernel: int | tuple[int, int] = 3,
    dropout: float = 0.0,
    softmax: bool = False,
) -> Any:
    """Depthwise separable CNN (Zhang et al. 2017, "Hello Edge", arXiv:1711.07128, section 4).

    A convolution (`stem`), then depthwise separable blocks (`block1`, …), all with batch norm and
    ReLU, then the mean over all positions (`pool`). The defaults are the keyword spotter of MLPerf
    Tiny (Banbury et al. 2021, arXiv:2106.07597) but for its first kernel of (10, 4).

    Args:
        input_shape: (height, width, channels).
        width: multiplies all channel counts.
        channels: of the stem and of each block.
        strides: of the stem and of each block.
        dropout: share of the pooled features that training leaves out.
    """
    _refuse_odd(input_shape, 3, classes, width)
    if len(strides) != len(channels) or not channels:
        raise RecipeError(
            f"ds_cnn: {len(channels)} channel counts but {len(strides)} strides were given"
        )
    layers = keras().layers
    inputs = keras().Input(input_shape, name="input")
    x = _convolution(inputs, _scaled(channels[0], width), first_kernel, strides[0], "stem")
    for i in range(1, len(channels)):
        x = _separable(x, _scaled(channels[i], width), strides[i], f"block{i}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return _classifier(inputs, x, classes, dropout, softmax, "ds_cnn")


def mobilenet_v3_small(
    input_shape: Shape,
    classes: int,
    width: float = 1.0,
    *,
    strides: Sequence[int] = (2, 2, 2, 2, 2),
    features: int = 1024,
    dropout: float = 0.0,
    softmax: bool = False,
) -> Any:
    """MobileNetV3-Small (Howard et al. 2019, arXiv:1905.02244, table 2).

    Inverted residuals (`block1` to `block11`) with squeeze-and-excitation (Hu et al. 2018,
    arXiv:1709.01507, here with the paper's hard sigmoid) and hard-swish. As in the released
    models, and unlike in the table, no squeeze-and-excitation follows the last convolution.

    Args:
        input_shape: (height, width, channels).
        width: multiplies all channel counts; they are rounded to multiples of 8.
        strides: of the five places that halve the image: stem, block1, block2, block4, block9.
            Small images want ones in front: (1, 2, 2, 1, 2) leaves 4x4 of 28x28.
        features: channels of the layer before the last, not multiplied by a width below 1.
        dropout: share of them that training leaves out.
    """
    _refuse_odd(input_shape, 3, classes, width)
    if len(strides) != 5:
        raise RecipeError(f"mobilenet_v3_small: five strides are wanted, {len(strides)} were given")
    layers = keras().layers
    inputs = keras().Input(input_shape, name="input")
    x = _convolution(inputs, _eighths(16, width), 3, strides[0], "stem", "hard_swish")
    halving = {1: strides[1], 2: strides[2], 4: strides[3], 9: strides[4]}
    for i, (kernel, expanded, channels, excite, activation) in enumerate(_BOTTLENECKS, start=1):
        x = _bottleneck(
            x,
            f"block{i}",
            kernel=kernel,
            expanded=_eighths(expanded, width),
            channels=_eighths(channels, width),
            excite=excite,
            activation=activation,
            strides=halving.get(i, 1),
        )
    x = _convolution(x, _eighths(576, width), 1, 1, "head", "hard_swish")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(_eighths(features, max(width, 1.0)), name="features_dense")(x)
    x = layers.Activation("hard_swish", name="features")(x)
    return _classifier(inputs, x, classes, dropout, softmax, "mobilenet_v3_small")


#: kernel, expanded channels, channels, squeeze-and-excitation, activation; table 2 of the paper.
_BOTTLENECKS = (
    (3, 16, 16, True, "relu"),
    (3, 72, 24, False, "relu"),
    (3, 88, 24, False, "relu"),
    (5, 96, 40, True, "hard_swish"),
    (5, 240, 40, True, "hard_swish"),
    (5, 240, 40, True, "hard_swish"),
    (5, 120, 48, True, "hard_swish"),
    (5, 144, 48, True, "hard_swish"),
    (5, 288, 96, True, "hard_swish"),
    (5, 576, 96, True, "hard_swish"),
    (5, 576, 96, True, "hard_swish"),
)


def resnet_8(
    input_shape: Shape,
    classes: int,
    width: float = 1.0,
    *,
    dropout: float = 0.0,
    softmax: bool = False,
) -> Any:
    """ResNet with 8 layers, MLPerf Tiny's image classifier (Banbury et al. 2021, arXiv:2106.07597).

    After He et al. 2016, arXiv:1512.03385: a convolution (`stem`) and three residual blocks of 16,
    32 and 64 channels (`block1` to `block3`); the last two halve the image.

    Args:
        input_shape: (height, width, channels).
        width: multiplies all channel counts.
        dropout: share of the pooled features that training leaves out.
    """
    _refuse_odd(input_shape, 3, classes, width)
    layers = keras().layers
    inputs = keras().Input(input_shape, name="input")
    x = _convolution(inputs, _scaled(16, width), 3, 1, "stem")
    for i, (channels, strides) in enumerate(((16, 1), (32, 2), (64, 2)), start=1):
        count, name = _scaled(channels, width), f"block{i}"
        y = _convolution(x, count, 3, strides, f"{name}_a")
        y = _convolution(y, count, 3, 1, f"{name}_b", None)
        if strides > 1:
            x = layers.Conv2D(count, 1, strides=strides, padding="same", name=f"{name}_short")(x)
        x = layers.ReLU(name=name)(layers.Add(name=f"{name}_add")([x, y]))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return _classifier(inputs, x, classes, dropout, softmax, "resnet_8")


def cnn_1d(
    input_shape: Shape,
    classes: int,
    width: float = 1.0,
    *,
    channels: Sequence[int] = (32, 48, 64),
    kernel: int = 5,
    strides: Sequence[int] = (2, 2, 2),
    dropout: float = 0.0,
    softmax: bool = False,
) -> Any:
    """CNN over time, for motion and other slow signals (after Wang et al. 2017, arXiv:1611.06455).

    The paper's fully convolutional network, with strides for its lack of pooling: convolutions
    along time (`block1`, …) with batch norm and ReLU, then the mean over time (`pool`). They are
    two-dimensional ones, one row high, which is what converters make of one-dimensional ones with
    a reshape around each.

    Args:
        input_shape: (steps, channels).
        width: multiplies all channel counts.
        channels: of each block.
        kernel: steps.
        strides: of each block.
        dropout: share of the pooled features that training leaves out.
    """
    _refuse_odd(input_shape, 2, classes, width)
    if len(strides) != len(channels) or not channels:
        raise RecipeError(
            f"cnn_1d: {len(channels)} channel counts but {len(strides)} strides were given"
        )
    layers = keras().layers
    inputs = keras().Input(input_shape, name="input")
    x = layers.Reshape((1, *input_shape), name="row")(inputs)
    for i, (count, stride) in enumerate(zip(channels, strides, strict=True), start=1):
        x = _convolution(x, _scaled(count, width), (1, kernel), (1, stride), f"block{i}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return _classifier(inputs, x, classes, dropout, softmax, "cnn_1d")


def autoencoder(
    input_shape: Shape,
    width: float = 1.0,
    *,
    hidden: int = 128,
    bottleneck: int = 8,
    depth: int = 4,
) -> Any:
    """Dense autoencoder, MLPerf Tiny's anomaly detector (Banbury et al. 2021, arXiv:2106.07597).

    `depth` dense layers with batch norm and ReLU (`encoder1`, …), the `bottleneck`, as many again
    (`decoder1`, …), and a dense `reconstruction` of the input. Its answer is no class: it is
    trained to repeat what is normal, and the error of its answer says what is not.

    Args:
        input_shape: (values,).
        width: multiplies `hidden`, not `bottleneck`.
    """
    _refuse_odd(input_shape, 1, 2, width)
    layers = keras().layers
    inputs = keras().Input(input_shape, name="input")
    x = inputs
    for i in range(1, depth + 1):
        x = _dense(x, _scaled(hidden, width), f"encoder{i}")
    x = _dense(x, bottleneck, "bottleneck")
    for i in range(1, depth + 1):
        x = _dense(x, _scaled(hidden, width), f"decoder{i}")
    x = layers.Dense(input_shape[0], name="reconstruction")(x)
    return keras().Model(inputs, x, name="autoencoder")


def _classifier(inputs: Any, x: Any, classes: int, dropout: float, softmax: bool, name: str) -> Any:
    layers = keras().layers
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Dense(classes, name="logits")(x)
    if softmax:
        x = layers.Softmax(name="softmax")(x)
    return keras().Model(inputs, x, name=name)


def _convolution(
    x: Any,
    channels: int,
    kernel: int | tuple[int, int],
    strides: int | tuple[int, int],
    name: str,
    activation: str | None = "relu",
) -> Any:
    """Convolution, batch norm, activation; the last has the plain name."""
    x = keras().layers.Conv2D(
        channels, kernel, strides=strides, padding="same", use_bias=False, name=f"{name}_conv"
    )(x)
    return _activated(x, name, activation)


def _depthwise(
    x: Any, kernel: int, strides: int, name: str, activation: str | None = "relu"
) -> Any:
    x = keras().layers.DepthwiseConv2D(
        kernel, strides=strides, padding="same", use_bias=False, name=f"{name}_conv"
    )(x)
    return _activated(x, name, activation)


def _separable(x: Any, channels: int, strides: int, name: str) -> Any:
    return _convolution(_depthwise(x, 3, strides, f"{name}_depthwise"), channels, 1, 1, name)


def _dense(x: Any, units: int, name: str) -> Any:
    return _activated(keras().layers.Dense(units, use_bias=False, name=f"{name}_dense")(x), name)


def _activated(x: Any, name: str, activation: str | None = "relu") -> Any:
    """Batch norm and activation; without one, the batch norm has the plain name."""
    layers = keras().layers
    norm = name if activation is None else f"{name}_norm"
    x = layers.BatchNormalization(momentum=_BATCH_NORM_MOMENTUM, name=norm)(x)
    if activation is None:
        return x
    if activation == "relu":
        return layers.ReLU(name=name)(x)
    return layers.Activation(activation, name=name)(x)


def _bottleneck(
    x: Any,
    name: str,
    *,
    kernel: int,
    expanded: int,
    channels: int,
    excite: bool,
    activation: str,
    strides: int,
) -> Any:
    """An inverted residual: expand, filter each channel, weigh the channels, project."""
    layers = keras().layers
    start = x
    if expanded != x.shape[-1]:
        x = _convolution(x, expanded, 1, 1, f"{name}_expand", activation)
    x = _depthwise(x, kernel, strides, f"{name}_depthwise", activation)
    if excite:
        x = _squeeze_and_excite(x, _eighths(expanded / 4, 1.0), name)
    short = strides == 1 and start.shape[-1] == channels
    x = _convolution(x, channels, 1, 1, f"{name}_project" if short else name, None)
    return layers.Add(name=name)([start, x]) if short else x


def _squeeze_and_excite(x: Any, squeezed: int, name: str) -> Any:
    """Each channel times a hard sigmoid of two small layers on all channels' means."""
    layers = keras().layers
    weights = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze_mean")(x)
    weights = layers.Conv2D(squeezed, 1, activation="relu", name=f"{name}_squeeze")(weights)
    weights = layers.Conv2D(x.shape[-1], 1, name=f"{name}_excite_conv")(weights)
    weights = layers.Activation("hard_sigmoid", name=f"{name}_excite")(weights)
    return layers.Multiply(name=f"{name}_weighted")([x, weights])


def _scaled(channels: int, width: float) -> int:
    return max(1, round(channels * width))


def _eighths(channels: float, width: float) -> int:
    """The nearest multiple of 8, but no less than nine tenths, as the paper's models round."""
    wanted = channels * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * wanted else rounded + 8


def _refuse_odd(input_shape: Shape, dimensions: int, classes: int, width: float) -> None:
    if len(input_shape) != dimensions or not all(
        isinstance(size, int) and size > 0 for size in input_shape
    ):
        raise RecipeError(
            f"input_shape {input_shape!r}: {dimensions} positive integers are wanted, "
            "without the batch"
        )
    if classes < 2:
        raise RecipeError(f"{classes} classes: at least 2 are wanted")
    if not 0 < width < float("inf"):
        raise RecipeError(f"width must be positive, not {width!r}")
