"""FULLY_CONNECTED: out[n][o] = bias[o] + sum_i (in[n][i] - zero_point) * weights[o][i]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.ir import Array, Operator, Shape
from edgekit.ops.definition import Definition, KernelNeeds, kernel_for, require, slot
from edgekit.ops.fixed_point import Activation
from edgekit.ops.weighted import (
    check_terms,
    check_weighted,
    fold_input_zero_point,
    kernel_arrays,
    requant_parameters,
    weighted_output,
)


@dataclass(frozen=True, slots=True)
class FullyConnectedAttributes:
    """FullyConnectedOptions."""

    activation: Activation = slot(0, "int8", Activation.NONE)
    weights_format: int = slot(1, "int8", 0)
    keep_num_dims: bool = slot(2, "bool", False)
    bias_type: int = slot(4, "int8", 0)  # TensorType; of int16 without a bias
    clamp: tuple[int, int] | None = None  # added by a pass


class FullyConnected(Definition[FullyConnectedAttributes]):
    """A dense layer. weights [O, I] int8, bias [O] int32 (of int16 also int64) or none."""

    stem = "fully_connected"
    builtin_code = 9
    options_type = 8
    attributes = FullyConnectedAttributes

    def check(self, operator: Operator) -> None:
        """Constant int8 weights, one scale or one for each output."""
        check_weighted(operator, channel_axis=0)
        require(operator.attributes.weights_format == 0, "its weights are shuffled")
        weights = operator.input(1)
        require(len(weights.shape) == 2, "its weights are not a matrix")
        check_terms(weights.shape[1])
        require(operator.input(0).elements % weights.shape[1] == 0, "its sizes do not match")

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """[N, O]; with keep_num_dims the input's shape with O at the end."""
        source, (outputs, inputs) = operator.input(0), operator.input(1).shape
        if operator.attributes.keep_num_dims:
            return ((*source.shape[:-1], outputs),)
        return ((source.elements // inputs, outputs),)

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Rounds twice, as TFLite Micro (LiteRT rounds once here)."""
        source, weights = inputs[0], inputs[1]
        assert source is not None and weights is not None
        rows = source.reshape(-1, weights.shape[1]).astype(np.float64)
        # float64 holds these sums exactly: below 2**53, and it multiplies matrices fast
        sums = (rows - operator.input(0).zero_point) @ weights.T.astype(np.float64)
        return (weighted_output(operator, sums).reshape(operator.output.shape),)

    def macs(self, operator: Operator) -> int:
        """N * I * O."""
        return operator.output.elements * operator.input(1).shape[1]

    def kernel(self, operator: Operator) -> KernelNeeds:
        """The input zero point is folded into the bias."""
        source, weights = operator.input(0), operator.input(1)
        outputs, inputs = weights.shape
        assert weights.constant is not None
        per_channel = weights.constant.reshape(outputs, inputs)
        bias = fold_input_zero_point(operator, per_channel.sum(axis=1, dtype=np.int64))
        return KernelNeeds(
            kernel=kernel_for("fully_connected", source.dtype),
            template="fully_connected",
            parameters={
                "rows": source.elements // inputs,
                "inputs": inputs,
                "outputs": outputs,
                **requant_parameters(operator),
            },
            constants={
                "weights": weights.constant,
                **kernel_arrays(operator, bias),
            },
        )
