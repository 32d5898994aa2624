""".tflite -> Graph."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit import ops
from edgekit.errors import (
    CorruptModelError,
    FloatModelError,
    ModelError,
    UnsupportedOperator,
    UnsupportedOperatorsError,
)
from edgekit.frontends import other_formats, schema
from edgekit.frontends.flatbuffer import FlatBuffer, Table
from edgekit.frontends.tensors import Tensors
from edgekit.ir import DType, Graph, Operator, problems

_MAX_NAME = 63  # characters of an identifier that every C compiler tells apart
_DAMAGED = "the file is damaged: fetch or convert it again"
_QUANTISE = "make it INT8 first: edgekit convert MODEL -o MODEL.tflite --calibration DATA"


def read(source: str | os.PathLike[str] | bytes, name: str | None = None) -> Graph:
    """Read a model that TFLite Micro can run.

    Args:
        source: the path of a .tflite, or its bytes.
        name: the graph's name; by default the path's stem, or "model" for bytes. What C does not
            allow in an identifier becomes an underscore.

    Raises:
        CorruptModelError: it is not a whole, well-formed .tflite.
        ModelError: it is, but holds what edgekit has no form for (dynamic shapes, control flow,
            state, types such as int4).
    """
    if isinstance(source, bytes):
        content, stem, label = source, "model", name or "the model"
    else:
        path = Path(source)
        content, stem, label = _content(path), path.stem, path.name
    try:
        return _graph(content, _identifier(name or stem))
    except UnsupportedOperatorsError:
        raise  # it names the model
    except ModelError as error:
        error.args = (f"{label}: {error}",)
        raise


def refuse_float(graph: Graph) -> None:
    """Raise FloatModelError if all that the model computes with is float32.

    QUANTIZE and DEQUANTIZE do not count, so float32 may go into and come out of a model. Single
    operators that a converter left in float32 are refused later, with all others that are.
    """
    computing = [op for op in graph.operators if op.kind not in ("quantize", "dequantize")]
    floats = [op for op in computing if _handles(op, DType.FLOAT32)]
    integers = (DType.INT8, DType.INT16)
    if not floats or any(_handles(op, dtype) for op in computing for dtype in integers):
        return
    first = floats[0]
    count = f"{len(floats)} of {len(graph.operators)} operators compute in float32"
    raise FloatModelError(
        f"{graph.name}: {count}, the first is #{first.index} {first.kind.upper()}",
        hint=_QUANTISE,
    )


def _handles(operator: Operator, dtype: DType) -> bool:
    return any(t.dtype is dtype for t in (*operator.activations, *operator.outputs))


def _content(path: Path) -> bytes:
    if path.is_dir():
        raise ModelError(
            f"{path} is a directory (a SavedModel?)",
            hint="make it INT8 first: edgekit convert MODEL -o MODEL.tflite --calibration DATA",
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error


def _identifier(text: str) -> str:
    """`text` as a C identifier (the generated code puts `ek_` before it)."""
    word = re.sub(r"[^0-9A-Za-z_]", "_", text)[:_MAX_NAME]
    return word if word and not word[0].isdigit() else f"model_{word}"[:_MAX_NAME]


def _graph(content: bytes, name: str) -> Graph:
    _check_identifier(content)
    file = FlatBuffer(content)
    model = file.root("model")
    version = model.scalar(schema.Model.VERSION, "uint32", 0)
    if version != schema.VERSION:
        raise ModelError(
            f"its schema version is {version}; edgekit reads version {schema.VERSION}",
            hint="convert the model again with a TensorFlow of this decade",
        )
    codes = model.tables(schema.Model.OPERATOR_CODES, "operator code")
    kinds = [_kind(code) for code in codes]
    nodes, subgraph = _nodes(model, kinds)
    inputs = _indices(subgraph, schema.SubGraph.INPUTS, "inputs")
    outputs = _indices(subgraph, schema.SubGraph.OUTPUTS, "outputs")
    if not inputs or not outputs:
        raise ModelError("it has no inputs or no outputs: there is nothing to run")
    tensors = Tensors(
        file,
        subgraph.tables(schema.SubGraph.TENSORS, "tensor"),
        model.tables(schema.Model.BUFFERS, "buffer"),
    )
    used = {*inputs, *outputs, *(i for node in nodes for i in node.used)}
    refused = tensors.refusals(sorted(used))
    if refused:
        raise _refused(name, nodes, tensors, refused)
    graph = Graph(
        name=name,
        operators=tuple(node.operator(tensors) for node in nodes),
        inputs=tuple(tensors[i] for i in inputs),
        outputs=tuple(tensors[i] for i in outputs),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    for problem in problems(graph):
        raise CorruptModelError(problem, hint=_DAMAGED)
    return graph


def _refused(name: str, nodes: list[_Node], tensors: Tensors, why: dict[int, str]) -> ModelError:
    """The error for a model with tensors that the IR cannot hold: all that stands in the way."""
    types = {tensors.type_name(i) for node in nodes for i in node.used}
    if "float16" in types and "int8" not in types:
        return FloatModelError("its weights are float16: it computes in float", hint=_QUANTISE)
    operators = []
    for node in nodes:
        odd = next((why[i] for i in node.used if i in why), None)
        reason = odd or ops.refusal(node.operator(tensors))
        if node.kind.definition is None:
            reason = "edgekit has no kernel for it"
        if reason is not None:
            kind = tensors.type_name(next(iter(node.used))) if node.used else "no tensors"
            operators.append(UnsupportedOperator(node.index, node.kind.name, kind, reason))
    if operators:
        return UnsupportedOperatorsError(name, operators)
    return ModelError(next(iter(why.values())), hint="convert the model to plain int8")


def _check_identifier(content: bytes) -> None:
    if not content:
        raise CorruptModelError("the file is empty", hint="fetch or convert it again")
    if content[4:8] == schema.IDENTIFIER:
        return
    known = other_formats.describe(content)
    if known is not None:
        raise CorruptModelError(f"it is not a .tflite: it looks like {known[0]}", hint=known[1])
    raise CorruptModelError(
        f"it is not a .tflite: bytes 4 to 7 are {content[4:8]!r}, not {schema.IDENTIFIER!r}"
    )


def _nodes(model: Table, kinds: list[_Kind]) -> tuple[list[_Node], Table]:
    """The operators of the first subgraph, and that subgraph."""
    subgraphs = model.tables(schema.Model.SUBGRAPHS, "subgraph")
    if not subgraphs:
        raise CorruptModelError("it has no subgraph", hint=_DAMAGED)
    tables = subgraphs[0].tables(schema.SubGraph.OPERATORS, "operator")
    nodes = [_node(table, i, kinds) for i, table in enumerate(tables)]
    callers = [node for node in nodes if node.kind.name in schema.CONTROL_FLOW]
    if len(subgraphs) > 1 and callers:
        raise ModelError(
            f"operator #{callers[0].index} {callers[0].kind.name} runs other subgraphs",
            hint="edgekit compiles straight-line models: convert it without control flow",
        )
    return nodes, subgraphs[0]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What an operator code stands for."""

    name: str  # TFLite's, e.g. "CONV_2D"
    stem: str  # Operator.kind
    definition: ops.Definition[Any] | None  # None: edgekit does not know it


@dataclass(frozen=True, slots=True)
class _Node:
    """An operator with tensors still as indices."""

    kind: _Kind
    index: int
    inputs: tuple[int, ...]  # -1: left out
    outputs: tuple[int, ...]
    attributes: Any

    @property
    def used(self) -> tuple[int, ...]:
        return (*(i for i in self.inputs if i != -1), *self.outputs)

    def operator(self, tensors: Tensors) -> Operator:
        return Operator(
            kind=self.kind.stem,
            index=self.index,
            inputs=tuple(None if i == -1 else tensors[i] for i in self.inputs),
            outputs=tuple(tensors[i] for i in self.outputs),
            attributes=self.attributes,
        )


def _kind(code: Table) -> _Kind:
    number: int = max(
        code.scalar(schema.OperatorCode.DEPRECATED_BUILTIN_CODE, "int8", 0),
        code.scalar(schema.OperatorCode.BUILTIN_CODE, "int32", 0),
    )
    if number == schema.CUSTOM:
        custom = code.string(schema.OperatorCode.CUSTOM_CODE, "the custom code")
        return _Kind(f"custom:{custom}", f"custom:{custom}", None)
    if number < 0:
        raise CorruptModelError(f"{code.what} has the number {number}", hint=_DAMAGED)
    if number >= len(schema.BUILTIN_OPERATORS):
        return _Kind(f"BUILTIN_{number}", f"builtin_{number}", None)
    name = schema.BUILTIN_OPERATORS[number]
    definition = ops.by_builtin_code(number)
    return _Kind(name, name.lower() if definition is None else definition.stem, definition)


def _node(table: Table, index: int, kinds: list[_Kind]) -> _Node:
    code = table.scalar(schema.Operator.OPCODE_INDEX, "uint32", 0)
    if code >= len(kinds):
        why = f"has operator code {code} of {len(kinds)}"
        raise table.file.corrupt(table.position, table.what, why)
    kind = kinds[code]
    node = _Node(
        kind=kind,
        index=index,
        inputs=_indices(table, schema.Operator.INPUTS, "inputs"),
        outputs=_indices(table, schema.Operator.OUTPUTS, "outputs"),
        attributes=None if kind.definition is None else _attributes(table, kind.definition),
    )
    if kind.definition is not None and not (node.inputs and node.outputs):
        raise CorruptModelError(
            f"{table.what} {kind.name} has no input or no output", hint=_DAMAGED
        )
    return node


def _indices(table: Table, slot: int, what: str) -> tuple[int, ...]:
    numbers = table.numbers(slot, f"the list of {what}", "int32")
    return () if numbers is None else tuple(numbers.tolist())


def _attributes(table: Table, definition: ops.Definition[Any]) -> Any:
    """The definition's attributes dataclass, from the operator's options or its defaults."""
    options = None
    union = table.scalar(schema.Operator.BUILTIN_OPTIONS_TYPE, "uint8", 0)
    if definition.options_type and union == definition.options_type:
        options = table.table(schema.Operator.BUILTIN_OPTIONS, f"the options of {table.what}")
    if options is None:
        return definition.attributes()
    stored = {
        field.name: _attribute(options, field)
        for field in dataclasses.fields(definition.attributes)
        if "slot" in field.metadata
    }
    return definition.attributes(**stored)


def _attribute(options: Table, field: dataclasses.Field[Any]) -> Any:
    slot, wire = field.metadata["slot"], field.metadata["wire"]
    if wire == "[int32]":
        numbers = options.numbers(slot, f"{field.name}", "int32")
        return field.default if numbers is None else tuple(numbers.tolist())
    value = options.scalar(slot, wire, None)
    if value is None:
        return field.default
    if isinstance(field.default, enum.Enum):
        try:
            return type(field.default)(value)
        except ValueError:
            why = f"has {field.name} {value}, which means nothing"
            raise options.file.corrupt(options.position, options.what, why) from None
    return value
