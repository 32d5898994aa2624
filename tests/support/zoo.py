"""Fixed models that together hold every operator with a kernel, most of them in several forms.

They are small, so that boards answer quickly, and the same in every process: what a board
computes of them can be counted. Weights and constants come from a seed; scales are chosen so that
random inputs reach most of the output's range.
"""

from __future__ import annotations

from edgekit.ir import DType, Graph, Tensor
from edgekit.ops import OPERATORS
from edgekit.ops.concatenation import ConcatenationAttributes
from edgekit.ops.leaky_relu import LeakyReluAttributes
from edgekit.ops.pack import PackAttributes
from edgekit.ops.reduce_max import ReduceMaxAttributes
from edgekit.ops.resize_nearest_neighbor import ResizeNearestNeighborAttributes
from edgekit.ops.softmax import SoftmaxAttributes
from edgekit.ops.squeeze import SqueezeAttributes
from edgekit.ops.static import Static
from support.cage import RELU, RELU6, VALID, Cage
from support.zoo16 import elements16
from support.zoo_mixed import layers16, mixed

#: Stems of the operators that run on a device. The others are gone once a model is compiled.
WITH_A_KERNEL = frozenset(d.stem for d in OPERATORS if not isinstance(d, Static))


def layers() -> Graph:
    """Operators with weights, pools, MEAN, SOFTMAX: of an image of 9 x 8 pixels."""
    cage = Cage(1)
    image = cage.source(1, 9, 8, 3, scale=1 / 255, zero_point=-128)
    strided = cage.convolve(image, 8, (3, 3), stride=(2, 2), zero_point=-128, activation=RELU6)
    _convolutions(cage, image, strided)
    _depthwise_convolutions(cage, image, strided)
    _pools_and_dense_layers(cage, strided)
    return cage.model("layers")


def _convolutions(cage: Cage, image: Tensor, strided: Tensor) -> None:
    pointwise = cage.convolve(strided, 5, (1, 1), zero_point=127)
    cage.out(
        pointwise,
        cage.convolve(strided, 5, (1, 1), stride=(2, 2), per_channel=False, bias=False),
        cage.convolve(strided, 6, (3, 3), padding=VALID, groups=2),
        cage.convolve(image, 3, (3, 2), dilation=(2, 3)),
        cage.convolve(image, 4, (5, 1), stride=(1, 3), per_channel=False),
        cage.convolve(strided, 2, (5, 4)),  # windows that lie in the arena
        cage.convolve(pointwise, 3, (1, 1), multiplier=3.3, zero_point=-128),
        cage.convolve(cage.padded(image, [(0, 0), (2, 1), (0, 3), (0, 0)]), 3, (3, 3)),
        cage.move("relu", [cage.convolve(image, 3, (2, 2), stride=(3, 2), padding=VALID)]),
    )


def _depthwise_convolutions(cage: Cage, image: Tensor, strided: Tensor) -> None:
    cage.out(
        cage.convolve_depthwise(strided, (3, 3)),
        cage.convolve_depthwise(image, (3, 3), stride=(2, 2), activation=RELU),
        cage.convolve_depthwise(image, (3, 3), stride=(1, 3), padding=VALID, per_channel=False),
        cage.convolve_depthwise(strided, (3, 3), depth_multiplier=2, zero_point=127),
        cage.convolve_depthwise(strided, (5, 5), bias=False),
        cage.convolve_depthwise(image, (5, 2), depth_multiplier=2, stride=(2, 1)),
        cage.convolve_depthwise(image, (3, 3), dilation=(2, 1)),
        cage.convolve_depthwise(image, (1, 4), stride=(4, 1), multiplier=1.9, zero_point=-128),
        cage.convolve_depthwise(cage.padded(image, [(0, 0), (0, 1), (2, 2), (0, 0)]), (3, 3)),
    )


def _pools_and_dense_layers(cage: Cage, strided: Tensor) -> None:
    signed = cage.convolve(strided, 6, (1, 1), padding=VALID, zero_point=9)
    for kind in ("average_pool_2d", "max_pool_2d"):
        cage.out(
            cage.pool(kind, signed, (3, 3), (1, 1)),
            cage.pool(kind, signed, (2, 3), (2, 1), VALID, RELU),
            cage.pool(kind, signed, signed.shape[1:3], (1, 1), VALID),
        )
    means = cage.mean(signed, 1, 2, ratio=3.0)
    dense = cage.connect(means, 17, zero_point=20)
    rows = cage.reshape(signed, 10, 12)
    cage.out(
        cage.mean(signed, 1, 3, keep_dims=True, ratio=3.0, zero_point=-128),
        cage.mean(signed, 2, ratio=7.0, zero_point=127),
        cage.mean(signed, -1, ratio=0.9),
        cage.move("reduce_max", [signed, cage.integers(1, 2)], ReduceMaxAttributes()),
        cage.move("reduce_max", [signed, cage.integers(-1, 1)], ReduceMaxAttributes(True)),
        cage.connect(rows, 3, per_channel=False, bias=False),
        cage.connect(rows, 2, activation=RELU),
        cage.connect(dense, 9, multiplier=2.5, zero_point=-128),
        *(_softmax(cage, tensor, beta) for tensor, beta in ((dense, 1.0), (signed, 0.3))),
    )


def _softmax(cage: Cage, source: Tensor, beta: float) -> Tensor:
    return cage.add("softmax", [source], SoftmaxAttributes(beta), scale=1 / 256, zero_point=-128)


def elements() -> Graph:
    """Operators on elements, and those that only move them: of four inputs of three types."""
    cage = Cage(2)
    low = cage.source(1, 3, 5, 4, scale=0.04, zero_point=-128)
    high = cage.source(1, 3, 5, 4, scale=0.09, zero_point=127)
    halves = cage.source(3, 5, 2, dtype=DType.INT16)
    words = cage.source(2, 3, 3, dtype=DType.INT32)
    _binaries(cage, low, high)
    _lookups(cage, low, high)
    _movements(cage, low, high)
    _moved_words(cage, halves, words)
    return cage.model("elements")


def _binaries(cage: Cage, low: Tensor, high: Tensor) -> None:
    row, column = (cage.random(*shape, scale=0.03, zero_point=-7) for shape in ((4,), (3, 1, 1)))
    pixel = cage.mean(high, 1, 2, keep_dims=True, ratio=1.5, zero_point=127)
    lines = cage.mean(low, 2, 3, ratio=1.2, zero_point=-128)
    crosses = cage.reshape(lines, 3, 1, 1)
    coarse = cage.add("quantize", [low], scale=2.0, zero_point=-1)
    for kind, extreme in (("add", 127), ("sub", -128)):
        cage.out(
            cage.combine(kind, low, high, 0.1, extreme),
            cage.combine(kind, high, row, 0.07, 64),
            cage.combine(kind, low, row, 0.05, 40, RELU),
            cage.combine(kind, column, low, 0.05, 0),
            cage.combine(kind, low, pixel, 0.15, extreme),
            cage.combine(kind, crosses, pixel, 0.15, -50),
            cage.combine(kind, low, row, 0.04, -10, RELU6),
        )
    for kind in ("maximum", "minimum"):
        cage.out(cage.move(kind, [high, low]), cage.move(kind, [low, row]))
    cage.out(
        cage.combine("mul", low, high, 0.6, 127),
        cage.combine("mul", low, low, 0.3, -128),
        cage.combine("mul", row, high, 0.25, 3),
        cage.combine("mul", column, pixel, 0.6, 0),
        cage.combine("mul", coarse, coarse, 1.3, -128),  # a left shift
        cage.combine("mul", low, row, 0.08, -20, RELU6),
    )


def _lookups(cage: Cage, low: Tensor, high: Tensor) -> None:
    middle = cage.combine("add", low, high, 0.1, 0)
    for source in (low, middle):
        cage.out(
            cage.add("hard_swish", [source], scale=0.09, zero_point=-100),
            cage.add("leaky_relu", [source], LeakyReluAttributes(0.3), scale=0.08, zero_point=-20),
            cage.add("logistic", [source], scale=1 / 256, zero_point=-128),
            cage.add("tanh", [source], scale=1 / 128, zero_point=0),
            cage.add("relu", [source], scale=0.03, zero_point=-128),
            cage.move("relu6", [source]),
            cage.add("quantize", [source], scale=0.031, zero_point=-100),
            cage.add("quantize", [source], scale=0.2, zero_point=100),
        )


def _movements(cage: Cage, low: Tensor, high: Tensor) -> None:
    alike = cage.random(1, 3, 2, 4, scale=low.scale, zero_point=low.zero_point)
    turned = cage.move("transpose", [high, cage.integers(0, 3, 1, 2)])
    flat = cage.add("leaky_relu", [high], LeakyReluAttributes(-0.5), scale=0.1, zero_point=-128)
    wide = cage.move("expand_dims", [flat, cage.integers(2)])
    thin = cage.move("squeeze", [turned], SqueezeAttributes((0,)))
    cage.out(
        cage.padded(low, [(0, 0), (1, 0), (0, 2), (0, 0)]),
        cage.padded(low, [(0, 0), (0, 1), (1, 1), (2, 1)]),
        cage.padded(high, [(1, 0), (0, 0), (1, 0), (0, 3)], value=-77),
        cage.move("concatenation", [low, alike], ConcatenationAttributes(2)),
        cage.move("concatenation", [high, high, high], ConcatenationAttributes(-1)),
        turned,
        cage.move("transpose", [low, cage.integers(2, 1, 0, 3)]),
        cage.move("pack", [thin, thin], PackAttributes(2, -1)),
        cage.move("pack", [low, low, low], PackAttributes(3, 0)),
        cage.slice(low, (0, 2, 1, 0), (1, 0, 5, 4), (1, -1, 2, 1)),
        cage.slice(high, (0, 1, 0, 3), (0, 0, 0, 0), (1, 1, 1, 1), end_mask=5, shrink_axis_mask=10),
        *cage.split(low, 3, 2),
        cage.move(
            "resize_nearest_neighbor",
            [low, cage.integers(7, 4)],
            ResizeNearestNeighborAttributes(half_pixel_centers=True),
        ),
        wide,
        thin,
        cage.reshape(low, 5, 12),
    )


def _moved_words(cage: Cage, halves: Tensor, words: Tensor) -> None:
    cage.out(
        cage.move("transpose", [halves, cage.integers(2, 0, 1)]),
        cage.move("concatenation", [halves, halves], ConcatenationAttributes(1)),
        *cage.split(halves, 1, 5),
        cage.padded(halves, [(0, 1), (1, 0), (1, 2)]),
        cage.slice(halves, (2, 0, 1), (0, 5, 2), (-1, 3, 1)),
        cage.padded(words, [(0, 0), (1, 1), (0, 1)]),
        cage.slice(words, (0, 0, 0), (2, 3, 3), (1, 2, 2)),
        cage.move("pack", [words, words], PackAttributes(2, 1)),
        cage.move("concatenation", [words, words], ConcatenationAttributes(0)),
        cage.reshape(words, 18),
    )


def edges() -> Graph:
    """Two inputs and two outputs, of which one each is float32."""
    cage = Cage(3)
    reals = cage.source(1, 5, 4, 2, dtype=DType.FLOAT32)
    integers = cage.source(1, 5, 4, 3, scale=0.02, zero_point=7)
    quantized = cage.add("quantize", [reals], dtype=DType.INT8, scale=0.025, zero_point=-11)
    first = cage.convolve(quantized, 4, (3, 3), activation=RELU)
    second = cage.convolve(integers, 4, (1, 1))
    total = cage.combine("add", first, second, 2 * second.scale, -30)
    cage.out(cage.add("dequantize", [total], dtype=DType.FLOAT32), second)
    return cage.model("edges")


#: All of them.
ZOO: tuple[Graph, ...] = (layers(), elements(), edges(), elements16(), layers16(), mixed())
