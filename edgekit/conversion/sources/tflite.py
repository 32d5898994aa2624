"""A float .tflite -> FloatModel, and what holds for the .tflite of every source."""

from __future__ import annotations

from pathlib import Path

from edgekit.conversion.sources.float_model import FloatModel
from edgekit.errors import ModelError
from edgekit.frontends import tflite


def load(source: Path | bytes) -> FloatModel:
    """The model in a float .tflite, not yet checked."""
    if isinstance(source, bytes):
        return FloatModel(content=source, name="model", origin="the .tflite", layers={}, log=None)
    try:
        content = source.read_bytes()
    except OSError as error:
        raise ModelError(f"{source} cannot be read: {error.strerror}") from error
    return FloatModel(
        content=content, name=source.stem, origin=f".tflite {source.name}", layers={}, log=None
    )


def checked(model: FloatModel) -> FloatModel:
    """`model` if it is float32 with batch 1 and static shapes.

    Raises:
        ModelError: it is not.
    """
    tflite.read(model.content, model.name)
    return model
