"""ONNX -> FloatModel, in two steps: a worker reads and runs the model, edgekit lowers it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgekit.conversion import onnx_graph, worker
from edgekit.conversion.environments import environment
from edgekit.conversion.onnx_graph.proof import prove
from edgekit.conversion.sources.float_model import FloatModel
from edgekit.errors import ModelError
from edgekit.progress import Progress, silent


def load(source: object, *, progress: Progress = silent) -> FloatModel:
    """Convert an ONNX model; inputs and outputs with channels become channels last.

    Args:
        source: the path of an .onnx file, or a live onnx.ModelProto.
        progress: told of what is being done.

    Raises:
        ModelError: the model is damaged, has dynamic dimensions, or operators without a form in a
            .tflite for microcontrollers.
        ToolMissingError: the environment with ONNX cannot be made, or LiteRT is not installed.
        ConversionError: the .tflite does not answer as the model does, or the reader failed.
    """
    with worker.scratch() as directory:
        if isinstance(source, Path):
            return convert(source, f"ONNX model {source.name}", progress, directory=directory)
        path = directory / "model.onnx"
        path.write_bytes(_serialized(source))
        return convert(path, "the ONNX model", progress, directory=directory)


def convert(
    path: Path,
    origin: str,
    progress: Progress,
    *,
    directory: Path,
    python: str | None = None,
    answers: Path | None = None,
) -> FloatModel:
    """Read, lower and prove an ONNX file.

    Args:
        path: of the file; its stem is the model's name.
        origin: what messages call it.
        progress: told of what is being done.
        directory: for scratch files.
        python: of an environment with ONNX; by default its own.
        answers: an .npz with samples and what the model's own framework makes of them, to be
            proven by instead of ONNX Runtime's answers.

    Raises:
        ModelError, ToolMissingError, ConversionError: as `load`.
    """
    python = python or environment("onnx", progress=progress)
    exchange = directory / "exchange"
    arguments = [str(path), str(exchange), origin, *([str(answers)] if answers else [])]
    facts = worker.run_worker(
        "from_onnx", arguments, python=python, progress=progress, stage=f"reading {origin}"
    )
    read = onnx_graph.read(exchange)
    lowered = onnx_graph.lower(read, origin)
    prove(read, lowered, origin, progress)
    return FloatModel(
        content=lowered.content,
        name=path.stem,
        origin=origin,
        layers=lowered.layers,
        log=Path(facts["log"]),
        source_input_shapes=tuple(read.shapes[name] for name in read.inputs),
    )


def _serialized(model: Any) -> bytes:
    """The bytes of a live model."""
    try:
        return bytes(model.SerializeToString())
    except ValueError as error:  # protobuf's limit
        raise ModelError(f"the ONNX model cannot be written: {error}") from error
