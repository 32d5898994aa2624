"""The part of the zoo that computes with int16 activations."""

from __future__ import annotations

from edgekit.ir import DType, Graph, Tensor
from edgekit.ops.leaky_relu import LeakyReluAttributes
from edgekit.ops.softmax import SoftmaxAttributes
from support.cage import RELU, RELU6, VALID, Cage

_FULL = 2.0**15  # of the scales here: what their greatest integer stands for, times this


def elements16() -> Graph:
    """Operators on elements: of two inputs."""
    cage = Cage(4)
    low = cage.source(1, 3, 5, 4, dtype=DType.INT16, scale=7 / _FULL)
    high = cage.source(1, 3, 5, 4, dtype=DType.INT16, scale=11 / _FULL)
    _binaries(cage, low, high)
    _windows(cage, low)
    _activations(cage, low, high)
    return cage.model("elements16")


def _binaries(cage: Cage, low: Tensor, high: Tensor) -> None:
    row, column = (
        cage.random(*shape, scale=3 / _FULL, dtype=DType.INT16) for shape in ((4,), (3, 1, 1))
    )
    for kind in ("add", "sub"):
        cage.out(
            cage.combine(kind, low, high, 17 / _FULL),
            cage.combine(kind, high, row, 12 / _FULL, activation=RELU),
            cage.combine(kind, column, low, 9 / _FULL),
        )
    for kind in ("maximum", "minimum"):
        cage.out(cage.move(kind, [high, low]), cage.move(kind, [low, column]))
    cage.out(
        cage.combine("mul", low, high, 60 / _FULL),
        cage.combine("mul", row, high, 20 / _FULL, activation=RELU6),
        cage.combine("mul", low, column, 20 / _FULL),
    )


def _windows(cage: Cage, low: Tensor) -> None:
    for kind in ("average_pool_2d", "max_pool_2d"):
        cage.out(
            cage.pool(kind, low, (3, 3), (1, 1)),
            cage.pool(kind, low, (2, 3), (1, 2), VALID, RELU),
        )
    cage.out(
        cage.mean(low, 1, 2, ratio=3.0, zero_point=0),
        cage.mean(low, 1, 3, keep_dims=True, ratio=2.5, zero_point=0),
        cage.mean(low, -1, ratio=0.9, zero_point=0),
    )


def _activations(cage: Cage, low: Tensor, high: Tensor) -> None:
    middle = cage.combine("sub", high, low, 18 / _FULL)
    for source in (low, middle):
        cage.out(
            cage.add("leaky_relu", [source], LeakyReluAttributes(0.3), scale=5 / _FULL),
            cage.add("leaky_relu", [source], LeakyReluAttributes(-0.5), scale=20 / _FULL),
            cage.add("relu", [source], scale=4 / _FULL),
            cage.move("relu6", [source]),
            cage.add("logistic", [source], scale=1 / _FULL),
            cage.add("tanh", [source], scale=1 / _FULL),
            cage.add("softmax", [source], SoftmaxAttributes(0.4), scale=1 / _FULL),
        )
