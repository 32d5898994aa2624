"""A program that torch.export saved -> an ONNX file, and what PyTorch makes of some inputs."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

from .refusal import Refused

_SAMPLES = 4
_EXPORT = (
    "export it with one sample of float32: torch.export.export(model.eval(), (torch.randn(1, …),))"
)


def convert(source: str, destination: str, answers: str, name: str) -> dict[str, Any]:
    """Write an ONNX file to `destination`, and samples and answers as an .npz to `answers`.

    Args:
        source: a path of a .pt2 file.
        destination: what becomes the ONNX file.
        answers: what becomes an .npz with sample0, … [N, *shape[1:]] and answer0, … [N, *shape].
        name: what messages call the model.
    """
    torch.set_num_threads(1)
    program = _loaded(source, name)
    inputs = _inputs(program, name)
    _answer(program, inputs, answers, name)
    try:
        torch.onnx.export(program, f=destination, dynamo=True, verbose=False, external_data=False)
    except torch.onnx.OnnxExporterError as error:
        raise _not_exported(name, error) from error
    return {"torch": torch.__version__}


def _loaded(source: str, name: str) -> torch.export.ExportedProgram:
    try:
        return torch.export.load(source)
    except Exception as error:  # its readers raise what they run into
        raise Refused(
            f"{name} cannot be read by PyTorch {torch.__version__}: {_line(error)}",
            hint="it is damaged, needs custom operators, or comes from a newer PyTorch: "
            "save it again with torch.export.save",
        ) from error


def _line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].strip()[:300]


def _inputs(program: torch.export.ExportedProgram, name: str) -> dict[str, tuple[int, ...]]:
    """Name and shape of each input; the batch is 0 where the program leaves it open."""
    wanted = program.graph_signature.user_inputs
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    shapes = {}
    for key in wanted:
        value = nodes[key].meta.get("val") if isinstance(key, str) and key in nodes else key
        if not isinstance(value, torch.Tensor):
            raise Refused(f"{name}: an input is {value!r}, not a tensor", hint=_EXPORT)
        shapes[str(key)] = _shape(value, f"{name}: input {str(key)!r}")
    if not shapes:
        raise Refused(f"{name} has no inputs: there is nothing to run", hint=_EXPORT)
    return shapes


def _shape(value: torch.Tensor, label: str) -> tuple[int, ...]:
    if value.dtype != torch.float32:
        kind = str(value.dtype).removeprefix("torch.")
        raise Refused(f"{label} is {kind}, not float32", hint=_EXPORT)
    if not value.shape:
        raise Refused(f"{label} is a single number, without a batch", hint=_EXPORT)
    batch, *others = value.shape
    dynamic = [f"{i} ({n})" for i, n in enumerate(others, 1) if not isinstance(n, int)]
    if dynamic:
        what = "dimension" if len(dynamic) == 1 else "dimensions"
        raise Refused(f"{label} has the dynamic {what} {', '.join(dynamic)}", hint=_EXPORT)
    if isinstance(batch, int) and batch != 1:
        raise Refused(
            f"{label} is {list(value.shape)}: its batch size is {batch}, not 1", hint=_EXPORT
        )
    return (1 if isinstance(batch, int) else 0, *others)


def _answer(
    program: torch.export.ExportedProgram,
    inputs: dict[str, tuple[int, ...]],
    path: str,
    name: str,
) -> None:
    """Run the program on random inputs: half of them normal, half in 0..1 as pixels often are."""
    rng = np.random.default_rng(20261124)
    rows: dict[str, list[Any]] = {key: [] for key in inputs}
    for i in range(_SAMPLES):
        draw = rng.standard_normal if i % 2 == 0 else rng.random
        for key, shape in inputs.items():
            rows[key].append(draw((1, *shape[1:]), np.float32))
    samples = {key: np.concatenate(values) for key, values in rows.items()}
    together = any(shape[0] == 0 for shape in inputs.values())
    count = 1 if together else _SAMPLES  # a program with an open batch need not take one of 1
    try:
        runs = [_run(program, list(parts)) for parts in zip(*_split(samples, count), strict=True)]
    except Exception as error:
        raise Refused(f"{name} does not run: {_line(error)}", hint=_EXPORT) from error
    answers = [np.concatenate(outputs) for outputs in zip(*runs, strict=True)]
    if any(len(values) != _SAMPLES for values in answers):
        raise Refused(f"{name} has an output without a batch", hint=_EXPORT)
    arrays: dict[str, Any] = {f"sample{i}": rows for i, rows in enumerate(samples.values())}
    arrays |= {f"answer{i}": rows[:, None] for i, rows in enumerate(answers)}
    np.savez(path, **arrays)


def _split(samples: dict[str, Any], count: int) -> list[list[Any]]:
    return [np.split(values, count) for values in samples.values()]


def _run(program: torch.export.ExportedProgram, inputs: list[Any]) -> list[Any]:
    flat = [torch.from_numpy(np.ascontiguousarray(values)) for values in inputs]
    arguments, keywords = pytree.tree_unflatten(flat, program.call_spec.in_spec)
    with torch.no_grad():
        outputs = program.module()(*arguments, **keywords)
    return [output.detach().numpy() for output in pytree.tree_leaves(outputs)]


def _not_exported(name: str, error: BaseException) -> Refused:
    """Which operator ONNX does not have; the exporter stops at the first."""
    found = re.search(r"No ONNX function found for <OpOverload\(op='([^']+)'", str(error))
    if found is None:
        return Refused(
            f"{name} has no form in ONNX: {_line(error.__cause__ or error)}",
            hint="torch.onnx.export(program, 'model.onnx', dynamo=True) must work",
        )
    return Refused(
        f"{name} has an operator that ONNX lacks: {found[1]}",
        hint="replace it in the model and export it again",
    )
