"""When two tensors may lie in the same bytes at the same step. Facts come from edgekit/ops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Which tensors an engine lets lie in the same bytes, and where its constants are."""

    view_source: Callable[[Operator], Tensor | None]  # as the function of that name
    may_overwrite: Callable[[Operator, Tensor], bool]  # as the function of that name
    constants_move: bool  # a constant that is an output of the model gets a place in the arena


#: Engine `aot`, whose kernels are ours.
OURS = Rules(view_source=view_source, may_overwrite=may_overwrite, constants_move=True)


def reshape_source(operator: Operator) -> Tensor | None:
    """The input of a RESHAPE that TFLite Micro leaves alone if it lies where the output lies.

    Its kernel compares the two pointers and copies only if they differ. Those of SQUEEZE and
    EXPAND_DIMS copy always.
    """
    return view_source(operator) if operator.kind == "reshape" else None


#: TFLite Micro: no kernel promises to run in place, and constants stay in flash memory.
TFLM = Rules(
    view_source=reshape_source,
    may_overwrite=lambda operator, tensor: False,
    constants_move=False,
)
