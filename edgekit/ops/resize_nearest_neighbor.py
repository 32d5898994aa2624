"""RESIZE_NEAREST_NEIGHBOR: an image of another size, each pixel one of the input's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgekit.ir import Array, Operator, Shape
from edgekit.ops.definition import Definition, KernelNeeds, require, slot
from edgekit.ops.movement import check_same_type, constant_inputs, static_values


@dataclass(frozen=True, slots=True)
class ResizeNearestNeighborAttributes:
    """ResizeNearestNeighborOptions."""

    align_corners: bool = slot(0, "bool", False)  # the centres of both images' corners meet
    half_pixel_centers: bool = slot(1, "bool", False)  # a pixel lies at its centre


class ResizeNearestNeighbor(Definition[ResizeNearestNeighborAttributes]):
    """Input 1: height and width of the output, constant int32. No scale matters."""

    stem = "resize_nearest_neighbor"
    builtin_code = 97
    options_type = 74
    attributes = ResizeNearestNeighborAttributes

    def check(self, operator: Operator) -> None:
        """An image in, an image out."""
        check_same_type(operator)
        self.output_shapes(operator)

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """[N, height, width, C]."""
        shape, size = operator.input(0).shape, static_values(operator, 1, "size")
        require(len(shape) == 4, f"its input has {len(shape)} dimensions, not 4")
        require(len(size) == 2 and min(size) >= 1, f"its size is {list(size)}")
        return ((shape[0], size[0], size[1], shape[3]),)

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Moves values only."""
        source = inputs[0]
        assert source is not None
        return (source[:, nearest(operator, 0)][:, :, nearest(operator, 1)],)

    def kernel(self, operator: Operator) -> KernelNeeds:
        """Where each row and each column of the output comes from, in bytes."""
        source, output = operator.input(0), operator.output
        batches, height, width, channels = source.shape
        pixel_bytes = channels * source.dtype.size_bytes
        rows = nearest(operator, 0) * width * pixel_bytes
        columns = nearest(operator, 1) * pixel_bytes
        return KernelNeeds(
            kernel="resize_nearest_neighbor",
            template="resize_nearest_neighbor",
            parameters={
                "batches": batches,
                "in_bytes": height * width * pixel_bytes,
                "pixel_bytes": pixel_bytes,
                "out_height": output.shape[1],
                "out_width": output.shape[2],
            },
            constants={
                "rows": rows.astype(np.int32),
                "columns": columns.astype(np.int32),
                **constant_inputs((source,)),
            },
        )


def nearest(operator: Operator, axis: int) -> npt.NDArray[np.int64]:
    """Which row (axis 0) or column (1) of the input becomes each one of the output; in float32."""
    attributes, f32 = operator.attributes, np.float32
    size, outputs = operator.input(0).shape[1 + axis], static_values(operator, 1, "size")[axis]
    scale = f32(size) / f32(outputs)
    if attributes.align_corners and outputs > 1:
        scale = f32(size - 1) / f32(outputs - 1)
    offset = f32(0.5 if attributes.half_pixel_centers else 0.0)
    at = (np.arange(outputs, dtype=f32) + offset) * scale
    if attributes.align_corners:
        at += f32(0.5)  # rounds: nothing is negative
    taken: npt.NDArray[np.int64] = np.floor(at).astype(np.int64)
    return np.minimum(taken, size - 1)
