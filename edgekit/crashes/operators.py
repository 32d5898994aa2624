"""Functions of a generated model -> its step and operator."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.crashes.image import Image

if TYPE_CHECKING:
    from edgekit.ir import Graph

#: As codegen names steps; compilers add .isra.0, .constprop.0, .part.0, .cold.
_STEP = re.compile(r"step_(\d+)_([a-z0-9_]+?)(?:\.[a-z].*)?")
_INVOKE = re.compile(r"ek_([a-z0-9_]+?)_invoke(?:_hooked)?(?:\.[a-z].*)?")

# ek_model and ek_step (firmware/include/edgekit/ek_model.h) where pointers have 32 bits.
_MODEL = struct.Struct("<II32sIIHHHxxIII")
_MODEL_BYTES = 92  # with the six functions
_STEP_ENTRY = struct.Struct("<IIHxxIII")


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorPlace:
    """The step of a model in which something happened."""

    step: int
    name: str  # e.g. "CONV_2D"
    operator_index: int | None  # in the .tflite; None where only the function's name is known
    model: str | None

    def __str__(self) -> str:
        """As in "step 3, operator #5 CONV_2D"."""
        number = "" if self.operator_index is None else f"#{self.operator_index} "
        return f"step {self.step}, operator {number}{self.name}"


def operator_of(
    functions: Iterable[str], image: Image, graph: Graph | None = None
) -> OperatorPlace | None:
    """The operator that a step's function among `functions`, innermost first, computes.

    Args:
        functions: names, as the calls led there.
        image: whose table of steps is read.
        graph: the model's, one operator for each step, where the image has no table.
    """
    names = list(functions)
    found = next((match for name in names if (match := _STEP.fullmatch(name))), None)
    if found is None:
        return None
    step, kind = int(found[1]), found[2]
    invoked = next((match[1] for name in names if (match := _INVOKE.fullmatch(name))), None)
    models = dict(_models(image))
    name = invoked if invoked in models else next(iter(models), None)
    steps = models[name] if name is not None else []
    if step < len(steps) and steps[step][0].lower() == kind:
        return OperatorPlace(
            step=step, name=steps[step][0], operator_index=steps[step][1], model=name
        )
    if graph is not None and step < len(graph.operators):
        from edgekit import ops  # NumPy: not for those who have no graph

        operator = graph.operators[step]
        return OperatorPlace(
            step=step,
            name=ops.definition_of(operator).name,
            operator_index=operator.index,
            model=graph.name,
        )
    return OperatorPlace(step=step, name=kind.upper(), operator_index=None, model=invoked)


def _models(image: Image) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """Each model of an image: its name; of each step the operator's name and number."""
    if image.bits != 32:
        return
    for symbol in image.objects.values():
        if symbol.size_bytes != _MODEL_BYTES or not symbol.name.startswith("ek_"):
            continue
        content = image.read(symbol.address, _MODEL.size)
        if content is None:
            continue
        name_at, _, _, _, _, _, _, count, _, _, steps_at = _MODEL.unpack(content)
        if image.text_at(name_at) == symbol.name.removeprefix("ek_"):
            yield symbol.name.removeprefix("ek_"), list(_steps(image, steps_at, count))


def _steps(image: Image, start: int, count: int) -> Iterator[tuple[str, int]]:
    for i in range(count):
        content = image.read(start + i * _STEP_ENTRY.size, _STEP_ENTRY.size)
        if content is None:
            return
        name_at, _, index, _, _, _ = _STEP_ENTRY.unpack(content)
        yield image.text_at(name_at) or "?", index
