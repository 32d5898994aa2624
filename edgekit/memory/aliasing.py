"""When two tensors may lie in the same bytes at the same step. Facts come from edgekit/ops."""

from __future__ import annotations

from edgekit.ir import Operator, Tensor
from edgekit.ops import definition_of, is_known


def view_source(operator: Operator) -> Tensor | None:
    """The input whose bytes are the output's bytes, or None.

    A constant has no bytes in the arena, so a view of one is computed like any other output.
    """
    if not is_known(operator) or not definition_of(operator).is_view:
        return None
    source = operator.input(0)
    if len(operator.outputs) != 1 or source.constant is not None:
        return None
    return source if source.size_bytes == operator.output.size_bytes else None


def may_overwrite(operator: Operator, tensor: Tensor) -> bool:
    """True if the kernel may write its output over `tensor`, one of its inputs, as it reads it.

    Whether anyone else still needs the bytes is not asked here.
    """
    if not is_known(operator) or len(operator.outputs) != 1 or tensor.constant is not None:
        return False
    allowed = definition_of(operator).in_place_inputs
    places = [i for i, source in enumerate(operator.inputs) if source is tensor]
    return tensor.size_bytes == operator.output.size_bytes and all(i in allowed for i in places)
