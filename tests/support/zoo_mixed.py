"""The part of the zoo with int8 weights on int16 activations, alone and beside int8."""

from __future__ import annotations

from edgekit.ir import DType, Graph, Tensor
from edgekit.ops.concatenation import ConcatenationAttributes
from edgekit.ops.pack import PackAttributes
from edgekit.ops.squeeze import SqueezeAttributes
from support.cage import RELU, RELU6, VALID, Cage


def layers16() -> Graph:
    """Operators with weights, and those that move int16: of an image of 9 x 8 pixels."""
    cage = Cage(5)
    image = cage.source(1, 9, 8, 3, dtype=DType.INT16, scale=2.0**-15)
    strided = cage.convolve(image, 8, (3, 3), stride=(2, 2), activation=RELU)
    _convolutions(cage, image, strided)
    _depthwise_convolutions(cage, image, strided)
    _dense_layers(cage, image, strided)
    _movements(cage, image)
    return cage.model("layers16")


def _convolutions(cage: Cage, image: Tensor, strided: Tensor) -> None:
    cage.out(
        cage.convolve(strided, 5, (1, 1)),
        cage.convolve(strided, 5, (1, 1), stride=(2, 2), per_channel=False, bias=False),
        cage.convolve(strided, 5, (1, 1), bias_type=DType.INT32),
        cage.convolve(strided, 6, (3, 3), padding=VALID, groups=2),
        cage.convolve(image, 3, (3, 2), dilation=(2, 3), bias_type=DType.INT32),
        cage.convolve(image, 2, (5, 5), activation=RELU6),  # windows that lie in the arena
        cage.convolve(image, 3, (1, 1), multiplier=3.3),
        cage.convolve(cage.padded(image, [(0, 0), (2, 1), (0, 3), (0, 0)]), 3, (3, 3)),
    )


def _depthwise_convolutions(cage: Cage, image: Tensor, strided: Tensor) -> None:
    cage.out(
        cage.convolve_depthwise(strided, (3, 3)),
        cage.convolve_depthwise(image, (3, 3), stride=(2, 2), activation=RELU),
        cage.convolve_depthwise(strided, (5, 5), depth_multiplier=2, bias=False),
        cage.convolve_depthwise(image, (3, 3), dilation=(2, 1), per_channel=False),
        cage.convolve_depthwise(image, (17, 31), stride=(3, 4)),  # sums of several runs
        cage.convolve_depthwise(image, (1, 4), stride=(4, 1), multiplier=1.9),
        cage.convolve_depthwise(cage.padded(image, [(0, 0), (0, 1), (2, 2), (0, 0)]), (3, 3)),
    )


def _dense_layers(cage: Cage, image: Tensor, strided: Tensor) -> None:
    rows = cage.reshape(strided, 10, 16)
    long = cage.reshape(cage.move("concatenation", [image] * 3, ConcatenationAttributes(1)), 1, 648)
    cage.out(
        cage.connect(long, 5),  # sums of several runs
        cage.connect(rows, 3, per_channel=False, bias=False),
        cage.connect(rows, 2, activation=RELU, bias_type=DType.INT32),
    )


def _movements(cage: Cage, image: Tensor) -> None:
    turned = cage.move("transpose", [image, cage.integers(0, 3, 1, 2)])
    thin = cage.move("squeeze", [turned], SqueezeAttributes((0,)))
    cage.out(
        cage.move("pack", [thin, thin], PackAttributes(2, -1)),
        cage.padded(image, [(0, 0), (1, 0), (0, 1), (2, 0)], value=-777),
        cage.slice(image, (0, 8, 1, 0), (1, 0, 7, 3), (1, -3, 2, 2)),
        cage.move("expand_dims", [turned, cage.integers(2)]),
    )


def mixed() -> Graph:
    """int8 and int16 joined by QUANTIZE, each of them once at either end beside float32."""
    cage = Cage(6)
    reals = cage.source(1, 6, 5, 2, dtype=DType.FLOAT32)
    fine = cage.add("quantize", [reals], dtype=DType.INT16, scale=4.0 * 2.0**-15)
    coarse = cage.add("quantize", [reals], dtype=DType.INT8, scale=0.03, zero_point=-4)
    first = cage.convolve(fine, 4, (3, 3), activation=RELU)
    second = cage.convolve(coarse, 4, (1, 1))
    as8 = cage.add("quantize", [first], dtype=DType.INT8, scale=second.scale, zero_point=11)
    as16 = cage.add("quantize", [second], dtype=DType.INT16, scale=first.scale)
    total8 = cage.combine("add", as8, second, 2 * second.scale, -30)
    total16 = cage.convolve_depthwise(as16, (3, 3))
    rescaled = cage.add("quantize", [total16], scale=0.7 * total16.scale)
    cage.out(
        total8,
        cage.connect(cage.reshape(rescaled, 1, 120), 7),
        cage.add("dequantize", [rescaled], dtype=DType.FLOAT32),
        cage.add("dequantize", [total8], dtype=DType.FLOAT32),
    )
    return cage.model("mixed")
