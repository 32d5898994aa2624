"""Engine `aot`: the whole model as a straight line of C calls, decided on the host."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from importlib import metadata

import numpy as np

from edgekit import ops
from edgekit.codegen.context import (
    CTYPES,
    MAX_MACS,
    ConstantContext,
    ModelContext,
    StepContext,
    TensorContext,
    tensor_context,
)
from edgekit.codegen.render import render
from edgekit.codegen.sources import GeneratedSources, LibraryStep, library_files
from edgekit.ir import Array, DType, Graph, Tensor
from edgekit.memory import MemoryPlan
from edgekit.schemes import Choice, Selection

_VALUES_PER_LINE = 16


def generate(
    graph: Graph, selection: Selection, plan: MemoryPlan, *, isa: Sequence[str] = ()
) -> GeneratedSources:
    """Write the model library `ek_<name>`: one C file, one header, its kernels, their headers.

    Args:
        graph: what `selection` and `plan` were made of.
        selection: a kernel for each operator.
        plan: a place for each tensor.
        isa: the board's instruction sets, the best first; a kernel that has a twin for one of them
            is taken from there.
    """
    model = _Writer(graph, selection, plan).model()
    files = {
        f"{model.symbol}.h": render("model/model.h.j2", model=model),
        f"{model.symbol}.c": render("model/model.c.j2", model=model),
        **library_files((c.needs.kernel for c in selection.choices), ("ek_model.h",), isa=isa),
    }
    return GeneratedSources(
        model_name=graph.name,
        engine="aot",
        files=files,
        arena_bytes=plan.arena_bytes,
        input_bytes=model.input_bytes,
        steps=tuple(
            LibraryStep(
                operator_index=step.operator_index,
                name=step.operator_name,
                kernel=step.kernel,
                macs=choice.macs,
                shows_output=True,
            )
            for step, choice in zip(model.steps, selection.choices, strict=True)
        ),
        constant_bytes=sum(
            array.nbytes
            for choice in selection.choices
            for array in choice.needs.constants.values()
        ),
    )


class _Writer:
    """Gives C names to what the graph, the selection and the plan say."""

    def __init__(self, graph: Graph, selection: Selection, plan: MemoryPlan) -> None:
        self._graph, self._selection, self._plan = graph, selection, plan
        self._constants: dict[str, ConstantContext] = {}  # by digest: equal arrays are kept once

    def model(self) -> ModelContext:
        graph, plan = self._graph, self._plan
        steps = tuple(self._step(i, choice) for i, choice in enumerate(self._selection.choices))
        inputs, outputs = (tuple(map(self._tensor, ts)) for ts in (graph.inputs, graph.outputs))
        digest = bytes.fromhex(graph.sha256 or "00" * 32)
        return ModelContext(
            name=graph.name,
            symbol=f"ek_{graph.name}",
            macro=f"EK_{graph.name.upper()}",
            source=graph.sha256,
            sha256_bytes=tuple(f"0x{byte:02x}" for byte in digest),
            edgekit_version=metadata.version("edgekit"),
            arena_bytes=plan.arena_bytes,
            lower_bound_bytes=plan.lower_bound_bytes,
            arena_proof=plan.proof,
            input_bytes=sum(t.size_bytes for t in graph.inputs),
            macs=min(sum(choice.macs for choice in self._selection.choices), MAX_MACS),
            headers=tuple(sorted({c.needs.kernel for c in self._selection.choices})),
            constants=tuple(self._constants.values()),
            steps=steps,
            inputs=inputs,
            outputs=outputs,
        )

    def _step(self, index: int, choice: Choice) -> StepContext:
        operator, needs = choice.operator, choice.needs
        symbol = f"step_{index}_{operator.kind}"
        constants = {
            name: self._constant(f"{symbol}_{name}", array)
            for name, array in needs.constants.items()
        }
        return StepContext(
            symbol=symbol,
            template=f"ops/{needs.template}.c.j2",
            operator_index=operator.index,
            operator_name=ops.definition_of(operator).name,
            kernel=f"ek_{needs.kernel}",
            scheme=choice.scheme,
            macs=min(choice.macs, MAX_MACS),
            inputs=tuple(
                None if t is None else self._tensor(t, constants.get(f"input{i}"))
                for i, t in enumerate(operator.inputs)
            ),
            outputs=tuple(map(self._tensor, operator.outputs)),
            constants=constants,
            scratch_offset=self._plan.scratch_offset(index),
            parameters=needs.parameters,
        )

    def _tensor(self, tensor: Tensor, symbol: str | None = None) -> TensorContext:
        """`symbol`: of the array that holds a constant tensor, where the kernel wants it."""
        offset = 0 if tensor.constant is not None else self._plan.offset_of(tensor)
        return tensor_context(tensor, offset_bytes=offset, constant=symbol)

    def _constant(self, symbol: str, array: Array) -> str:
        """The symbol of an array in flash memory that holds `array`."""
        key = hashlib.sha256(f"{array.dtype}{array.size}".encode() + array.tobytes()).hexdigest()
        if key not in self._constants:
            self._constants[key] = ConstantContext(
                symbol=symbol,
                ctype=CTYPES[DType(str(array.dtype))],
                alignment=max(4, array.itemsize),
                rows=tuple(_rows(array.reshape(-1))),
            )
        return self._constants[key].symbol


def _rows(values: Array) -> Iterable[str]:
    least = np.iinfo(np.int32).min
    for start in range(0, len(values), _VALUES_PER_LINE):
        line = values[start : start + _VALUES_PER_LINE].tolist()
        yield ", ".join("INT32_MIN" if v == least else str(v) for v in line) + ","
