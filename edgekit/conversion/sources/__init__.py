"""A trained model, in whatever form it comes -> FloatModel."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from edgekit.conversion.sources.float_model import FloatModel
from edgekit.conversion.sources.formats import KNOWN, Format, recognise
from edgekit.errors import ModelError
from edgekit.progress import Progress, silent

__all__ = ["FloatModel", "Format", "load", "recognise"]


def load(source: object, *, progress: Progress = silent) -> FloatModel:
    """Convert a trained model to a float32 .tflite.

    Args:
        source: the path of a .keras, .h5, float .tflite, .onnx or .pt2 file or of a SavedModel
            directory (its content decides, not its name); the bytes of a float .tflite; a live
            keras.Model, torch.export.ExportedProgram or onnx.ModelProto; or a torch.nn.Module
            with a tuple of example inputs, `(module, example_inputs)`.
        progress: told of what is being done.

    Raises:
        ModelError: the model cannot be read, or has what no microcontroller could run.
        ToolMissingError: the extra that reads this format is not installed.
        ConversionError: a converter failed; it names the log.
    """
    from edgekit.conversion.sources import tflite

    if isinstance(source, str | os.PathLike):
        return tflite.checked(_from_path(Path(os.fspath(source)), progress))
    return tflite.checked(_from_object(source, progress))


def _from_path(path: Path, progress: Progress) -> FloatModel:
    found = recognise(path)
    if found is Format.TFLITE:
        from edgekit.conversion.sources import tflite

        return tflite.load(path)
    if found is Format.ONNX:
        from edgekit.conversion.sources import onnx

        return onnx.load(path, progress=progress)
    if found is Format.PYTORCH:
        from edgekit.conversion.sources import pytorch

        return pytorch.load(path, progress=progress)
    from edgekit.conversion.sources import keras

    return keras.load(path, found, progress=progress)


def _from_object(source: object, progress: Progress) -> FloatModel:
    if isinstance(source, bytes | bytearray | memoryview):
        from edgekit.conversion.sources import tflite

        return tflite.load(bytes(source))
    first = source[0] if isinstance(source, tuple) and source else source
    if _is_a(first, "torch", "nn.Module") or _is_a(first, "torch", "export.ExportedProgram"):
        from edgekit.conversion.sources import pytorch

        return pytorch.load(source, progress=progress)
    if _is_a(source, "onnx", "ModelProto"):
        from edgekit.conversion.sources import onnx

        return onnx.load(source, progress=progress)
    if _is_a(source, "keras", "Model"):
        from edgekit.conversion.sources import keras

        return keras.load_live(source, progress=progress)
    kind = type(source)
    raise ModelError(f"a {kind.__module__}.{kind.__qualname__} is no trained model", hint=KNOWN)


def _is_a(source: object, package: str, name: str) -> bool:
    """isinstance, without importing a package that made nothing here."""
    found: object = sys.modules.get(package)
    for part in name.split("."):
        found = getattr(found, part, None)
    return isinstance(found, type) and isinstance(source, found)
