"""Graph -> text, for people and golden files."""

from __future__ import annotations

import dataclasses
import enum
import hashlib

from edgekit.ir.graph import Graph, Operator, Tensor


def to_text(graph: Graph) -> str:
    """One line for each operator; constants by digest, so that a changed value shows."""
    lines = [f"graph {graph.name}({', '.join(map(_typed, graph.inputs))})"]
    constants = [t for t in graph.tensors if t.constant is not None]
    lines += [f"  {_typed(t)} = constant {_digest(t)}" for t in constants]
    lines += [_line(operator) for operator in graph.operators]
    lines += [f"  return {', '.join(_name(t) for t in graph.outputs)}"]
    return "\n".join(lines) + "\n"


def _line(operator: Operator) -> str:
    inputs = ", ".join("none" if t is None else _name(t) for t in operator.inputs)
    outputs = ", ".join(map(_typed, operator.outputs))
    attributes = _attributes(operator.attributes)
    return f"  {outputs} = {operator.kind}({inputs}){attributes}  #{operator.index}"


def _attributes(attributes: object) -> str:
    """Attributes that differ from their defaults, in braces."""
    if not dataclasses.is_dataclass(attributes):
        return ""
    shown = []
    for spec in dataclasses.fields(attributes):
        value = getattr(attributes, spec.name)
        if value != spec.default:
            text = value.name if isinstance(value, enum.Enum) else str(value)
            shown.append(f"{spec.name}={text}")
    return f" {{{', '.join(shown)}}}" if shown else ""


def _name(tensor: Tensor) -> str:
    return f"%{tensor.id}"


def _typed(tensor: Tensor) -> str:
    shape = "x".join(map(str, tensor.shape)) or "scalar"
    text = f"%{tensor.id}: {tensor.dtype.value}[{shape}]"
    q = tensor.quantization
    if q is None:
        return text
    if q.per_tensor:
        return f"{text} q({q.scales[0]:.8g}, {q.zero_points[0]})"
    return f"{text} q({len(q.scales)} scales, axis {q.axis})"


def _digest(tensor: Tensor) -> str:
    assert tensor.constant is not None
    if tensor.elements <= 8:
        return str(tensor.constant.tolist())
    return "sha256:" + hashlib.sha256(tensor.constant.tobytes()).hexdigest()[:12]
