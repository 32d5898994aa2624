"""Keras and TensorFlow, imported when they are first needed: that takes seconds."""

from __future__ import annotations

import functools
import os
from typing import Any

from edgekit.errors import ToolMissingError


@functools.cache
def tensorflow() -> Any:
    """The module `tensorflow`.

    Raises:
        ToolMissingError: the extra `keras` is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # what it says of CPUs is no news
    try:
        import tensorflow
    except ImportError as error:
        raise ToolMissingError(
            f"TensorFlow, which trains models, cannot be imported: {error}",
            hint="pip install 'edgekit[keras]'",
        ) from error
    return tensorflow


@functools.cache
def keras() -> Any:
    """The module `keras`, on TensorFlow.

    Raises:
        ToolMissingError: the extra `keras` is not installed, or Keras was told to use another
            framework than TensorFlow.
    """
    tensorflow()
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ToolMissingError(
            f"Keras runs on {keras.backend.backend()} here, and edgekit trains on TensorFlow",
            hint="unset KERAS_BACKEND, or set it to tensorflow",
        )
    return keras


def make_deterministic(seed: int) -> None:
    """From here on, the same calls give the same weights, bit by bit, on the same machine.

    Seeds Python, NumPy and TensorFlow for this whole process.
    """
    keras().utils.set_random_seed(seed)
    tensorflow().config.experimental.enable_op_determinism()
