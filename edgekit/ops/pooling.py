"""What AVERAGE_POOL_2D and MAX_POOL_2D share: attributes, shape rule, windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgekit.ir import Array, DType, Operator, Shape
from edgekit.ops.definition import (
    Definition,
    KernelNeeds,
    check_types,
    kernel_for,
    require,
    slot,
)
from edgekit.ops.fixed_point import Activation
from edgekit.ops.weighted import check_activation, output_range
from edgekit.ops.windows import Axis, Padding, axes, check_axes, geometry, output_shape


@dataclass(frozen=True, slots=True)
class Pool2DAttributes:
    """Pool2DOptions."""

    padding: Padding = slot(0, "int8", Padding.SAME)
    stride_width: int = slot(1, "int32", 0)
    stride_height: int = slot(2, "int32", 0)
    filter_width: int = slot(3, "int32", 0)
    filter_height: int = slot(4, "int32", 0)
    activation: Activation = slot(5, "int8", Activation.NONE)
    pads: tuple[int, int, int, int] | None = None  # top, bottom, left, right; set by a pass
    clamp: tuple[int, int] | None = None  # set by a pass


class Pool2D(Definition[Pool2DAttributes]):
    """One value for each window and channel; elements outside the input do not count."""

    options_type = 5
    attributes = Pool2DAttributes

    def check(self, operator: Operator) -> None:
        """int8 or int16, the output on the input's scale."""
        check_types(operator, types=(DType.INT8, DType.INT16))
        check_activation(operator.attributes.activation)
        source, output = operator.input(0), operator.output
        require(
            source.zero_point == output.zero_point and abs(source.scale - output.scale) <= 1e-6,
            "its input and output differ in scale or zero point",
        )
        y, x = window_axes(operator)
        check_axes(operator, y, x)
        require(_meets_input(y) and _meets_input(x), "a window lies in its padding")

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """[N, positions down, positions across, C]."""
        source = operator.input(0)
        return (output_shape(source, *window_axes(operator), source.shape[-1]),)

    def kernel(self, operator: Operator) -> KernelNeeds:
        """Geometry and the range of the output; no constants."""
        low, high = output_range(operator)
        return KernelNeeds(
            kernel=kernel_for(self.stem, operator.output.dtype),
            template=self.stem,
            parameters={
                **geometry(operator.input(0), *window_axes(operator)),
                "output_min": low,
                "output_max": high,
            },
        )


def window_axes(operator: Operator) -> tuple[Axis, Axis]:
    """(vertical, horizontal) window of a pool."""
    attributes = operator.attributes
    size = (attributes.filter_height, attributes.filter_width)
    return axes(attributes, operator.input(0), size)


def _meets_input(a: Axis) -> bool:
    """True if the first and the last position of the window reach into the input."""
    return a.before < a.filter and (a.outputs - 1) * a.stride - a.before < a.size


def taps(operator: Operator, source: Array) -> Iterator[tuple[tuple[slice, ...], Array]]:
    """For each tap: the part of the output that sees it, and what it sees there."""
    y, x = window_axes(operator)
    for ky in range(y.filter):
        for kx in range(x.filter):
            (to_y, from_y), (to_x, from_x) = y.taps(ky), x.taps(kx)
            yield (slice(None), to_y, to_x), source[:, from_y, from_x]
