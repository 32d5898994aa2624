"""PyTorch -> ONNX in an environment of its own, and from there as any ONNX model."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgekit.conversion import worker
from edgekit.conversion.environments import environment
from edgekit.conversion.sources import onnx
from edgekit.conversion.sources.float_model import FloatModel
from edgekit.errors import ModelError
from edgekit.progress import Progress, silent

_EXAMPLE = "give (module, example_inputs), example_inputs being a tuple of float32 tensors"


def load(source: object, *, progress: Progress = silent) -> FloatModel:
    """Convert a PyTorch model; inputs and outputs with channels become channels last.

    Args:
        source: the path of a program saved by torch.export.save, a live
            torch.export.ExportedProgram, or (torch.nn.Module, example inputs). A module is
            exported in evaluation mode and with the first of the examples only.
        progress: told of what is being done.

    Raises:
        ModelError: the model cannot be read or exported, has dynamic dimensions, or operators
            without a form in a .tflite for microcontrollers.
        ToolMissingError: the environment with PyTorch cannot be made, or LiteRT is not installed.
        ConversionError: the .tflite does not answer as the model does, or a converter failed.
    """
    with worker.scratch() as directory:
        if isinstance(source, Path):
            return _convert(
                source, source.stem, f"PyTorch program {source.name}", directory, progress
            )
        name, origin = _names(source)
        progress(f"exporting {origin}", 0, 0)
        path = directory / "program.pt2"
        _save(_program(source, origin), path, origin)
        return _convert(path, name, origin, directory, progress)


def _convert(path: Path, name: str, origin: str, directory: Path, progress: Progress) -> FloatModel:
    python = environment("pytorch", progress=progress)
    exported, answers = directory / f"{name}.onnx", directory / "answers.npz"
    worker.run_worker(
        "from_pytorch",
        [str(path), str(exported), str(answers), origin],
        python=python,
        progress=progress,
        stage=f"exporting {origin} to ONNX",
    )
    return onnx.convert(
        exported, origin, progress, directory=directory, python=python, answers=answers
    )


def _names(source: Any) -> tuple[str, str]:
    """(name, origin) of a live object."""
    if isinstance(source, tuple):
        name = type(source[0]).__name__
        return name.lower(), f"PyTorch module {name}"
    return "model", "the PyTorch program"


def _program(source: Any, origin: str) -> Any:
    """A live object as an ExportedProgram."""
    import torch

    if not isinstance(source, tuple):
        if isinstance(source, torch.nn.Module):
            raise ModelError(f"{origin} comes without example inputs", hint=_EXAMPLE)
        return source
    module, examples = _module_and_examples(source, origin)
    try:
        with _evaluating(module), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own deprecations
            return torch.export.export(module, examples)
    except Exception as error:  # whatever the module's own code and the tracer run into
        raise ModelError(
            f"{origin} cannot be exported: {_line(error)}",
            hint="torch.export.export(module, example_inputs) must work",
        ) from error


def _module_and_examples(source: tuple[Any, ...], origin: str) -> tuple[Any, tuple[Any, ...]]:
    """The module and one sample of each example input."""
    import torch

    examples = source[1] if len(source) == 2 else None
    examples = (examples,) if isinstance(examples, torch.Tensor) else examples
    if not isinstance(examples, tuple | list) or not examples:
        raise ModelError(f"{origin} comes without example inputs", hint=_EXAMPLE)
    for i, example in enumerate(examples):
        if not isinstance(example, torch.Tensor) or example.ndim == 0 or len(example) == 0:
            raise ModelError(f"{origin}: example input {i} is no batch of samples", hint=_EXAMPLE)
    module = source[0]
    tensors = [*module.parameters(), *module.buffers(), *examples]
    elsewhere = next((str(t.device) for t in tensors if t.device.type != "cpu"), None)
    if elsewhere is not None:
        raise ModelError(
            f"{origin} or its examples lie on {elsewhere}, not on the CPU",
            hint="give module.cpu() and examples on the CPU",
        )
    return module, tuple(example[:1].detach() for example in examples)


@contextlib.contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """The module in evaluation mode; afterwards each of its parts as it was."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def _save(program: Any, path: Path, origin: str) -> None:
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.export.save(program, path)
    except OSError:
        raise
    except Exception as error:
        raise ModelError(f"{origin} cannot be saved: {_line(error)}") from error


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].strip()
