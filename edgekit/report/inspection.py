"""What can be said of a model without running it: for people and as JSON."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from edgekit.ir import Shape, Tensor
from edgekit.report.tables import memory_over_time, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedStep:
    """One step of the compiled model."""

    index: int  # of the operator in the .tflite
    name: str
    kernel: str
    macs: int
    constant_bytes: int  # weights and tables in flash memory
    output_shape: Shape
    live_bytes: int  # in the arena while it runs


@dataclass(frozen=True, slots=True)
class BoardFit:
    """Bytes that a board would have left beside the model; negative: missing; None: no limit."""

    id: str
    ram_left_bytes: int | None
    flash_left_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A compiled model, looked at."""

    name: str
    sha256: str
    macs: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    operators_in_file: int  # some may have been folded or fused away
    steps: tuple[InspectedStep, ...]
    arena_bytes: int
    arena_lower_bound_bytes: int
    arena_proof: str
    constant_bytes: int
    boards: tuple[BoardFit, ...]


def to_json(inspection: Inspection) -> str:
    """The inspection as a JSON document."""
    document = {
        field.name: getattr(inspection, field.name)
        for field in dataclasses.fields(inspection)
        if field.name not in ("inputs", "outputs", "steps", "boards")
    }
    document["inputs"] = [_tensor(t) for t in inspection.inputs]
    document["outputs"] = [_tensor(t) for t in inspection.outputs]
    document["steps"] = [dataclasses.asdict(step) for step in inspection.steps]
    document["boards"] = [dataclasses.asdict(board) for board in inspection.boards]
    return json.dumps(document, indent=2) + "\n"


def _tensor(tensor: Tensor) -> dict[str, Any]:
    q = tensor.quantization
    return {
        "name": tensor.name,
        "type": tensor.dtype.value,
        "shape": tensor.shape,
        "scale": None if q is None else q.scales[0],
        "zero_point": None if q is None else q.zero_points[0],
    }


def tables(inspection: Inspection) -> list[Table]:
    """Facts, operators, memory over time, boards."""
    arena = inspection.arena_bytes
    live = [(f"#{step.index} {step.name}", step.live_bytes) for step in inspection.steps]
    return [
        _facts(inspection),
        _steps(inspection),
        memory_over_time(live, arena),
        _boards(inspection),
    ]


def _facts(inspection: Inspection) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("model", inspection.name)
    table.add_row("SHA-256", inspection.sha256)
    for what, tensors in (("input", inspection.inputs), ("output", inspection.outputs)):
        for tensor in tensors:
            table.add_row(what, _described(tensor))
    table.add_row("MACs", f"{inspection.macs:,}")
    table.add_row("constants", f"{inspection.constant_bytes:,} bytes of flash memory")
    proven = "optimal" if inspection.arena_proof != "none" else "not proven optimal"
    table.add_row(
        "arena",
        f"{inspection.arena_bytes:,} bytes, {proven} "
        f"(lower bound {inspection.arena_lower_bound_bytes:,})",
    )
    return table


def _described(tensor: Tensor) -> str:
    q = tensor.quantization
    scale = "" if q is None else f", scale {q.scales[0]:.6g}, zero point {q.zero_points[0]}"
    return f"{tensor.name}: {tensor.dtype.value} {list(tensor.shape)}{scale}"


def _steps(inspection: Inspection) -> Table:
    removed = inspection.operators_in_file - len(inspection.steps)
    note = f", {removed} folded or fused away" if removed else ""
    headings = ("#", "operator", "output", "kernel", ">MACs", ">constants")
    table = plain(*headings, title=f"operators{note}")
    for step in inspection.steps:
        table.add_row(
            str(step.index),
            step.name,
            "x".join(map(str, step.output_shape)),
            step.kernel.removeprefix("ek_"),
            f"{step.macs:,}" if step.macs else "–",
            f"{step.constant_bytes:,}" if step.constant_bytes else "–",
        )
    return table


def _boards(inspection: Inspection) -> Table:
    headings = ("board", ">RAM", ">flash memory")
    table = plain(*headings, title="left on each board before code is added")
    for board in inspection.boards:
        table.add_row(board.id, _left(board.ram_left_bytes), _left(board.flash_left_bytes))
    return table


def _left(size_bytes: int | None) -> str | Text:
    if size_bytes is None:
        return "no limit"
    if size_bytes < 0:
        return Text(f"{-size_bytes:,} bytes too little", style="red")
    return f"{size_bytes:,} bytes"
