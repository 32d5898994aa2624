"""DEQUANTIZE: integers to the real numbers that they stand for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.ir import Array, DType, Operator, Shape
from edgekit.ops.definition import Definition, KernelNeeds, NoAttributes, kernel_for, require
from edgekit.ops.lookup import check_scale


class Dequantize(Definition[NoAttributes]):
    """int8 or int16 to float32."""

    stem = "dequantize"
    builtin_code = 6

    def check(self, operator: Operator) -> None:
        """One scale at the input."""
        source, output = operator.input(0), operator.output
        known = source.dtype in (DType.INT8, DType.INT16) and output.dtype is DType.FLOAT32
        require(known, f"{source.dtype.value} to {output.dtype.value} is not supported")
        check_scale(source)
        require(source.constant is None, "its input is constant")

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """The input's."""
        return (operator.input(0).shape,)

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """scale * (q - zero_point), rounded to float32 once (the product is exact in float64)."""
        (source,) = inputs
        quantization = operator.input(0).quantization
        assert source is not None and quantization is not None
        scales, zero_points = np.array(quantization.scales), np.array(quantization.zero_points)
        if not quantization.per_tensor:
            along_axis = [1] * source.ndim
            along_axis[quantization.axis] = -1
            scales, zero_points = scales.reshape(along_axis), zero_points.reshape(along_axis)
        values = scales * (source.astype(np.int64) - zero_points)
        return (values.astype(np.float32).reshape(source.shape),)

    def kernel(self, operator: Operator) -> KernelNeeds:
        """A product in float32 is rounded once too, so the device needs no double."""
        source = operator.input(0)
        return KernelNeeds(
            kernel=kernel_for("dequantize", source.dtype),
            template="dequantize",
            parameters={
                "elements": source.elements,
                "scale": float.hex(source.scale),
                "zero_point": source.zero_point,
            },
        )
