"""Keras models and SavedModels -> float32 .tflite."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from . import keras_files, keras_tracing, saved_model


def convert(form: str, source: str, output: str) -> dict[str, Any]:
    """Convert the model at `source` to a .tflite at `output`.

    Args:
        form: "archive" (.keras), "hdf5" or "saved_model".
        source: path of a file, or of a directory.
        output: path of the .tflite to write.

    Returns:
        "tokens": token in tensor names -> layer name; "outputs": the layer of each output.

    Raises:
        Refused: the model cannot be converted, and why.
        Missing: TensorFlow is not installed.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever this user trains with
    if form == "saved_model":
        content, facts = saved_model.convert_directory(Path(source))
    else:
        load = {"archive": keras_files.load_archive, "hdf5": keras_files.load_hdf5}[form]
        model = keras_tracing.in_float32(load(Path(source)))
        content, facts = keras_tracing.convert_model(model)
    Path(output).write_bytes(content)
    return facts
