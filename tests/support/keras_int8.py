"""Keras models in INT8: TensorFlow's converter to float, edgekit's quantiser to integers."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from edgekit.conversion.dataset import Dataset
from edgekit.conversion.quantization import QuantizationOptions, quantize
from edgekit.conversion.sources import FloatModel
from edgekit.training.framework import keras, tensorflow


def to_int8(model: Any, calibration: np.ndarray) -> bytes:
    """A .tflite of batch 1, int8 from input to output, with the minimum and maximum on
    `calibration` as ranges."""
    often = np.repeat(calibration, 4, axis=0)  # the quantiser sets some aside to judge by
    samples = Dataset(inputs=(often,), labels=None, name="samples")
    options = QuantizationOptions(method="min-max")
    return quantize(to_float(model), samples, options).content


def to_float(model: Any) -> FloatModel:
    """A float .tflite of batch 1."""
    inputs = keras().Input(batch_shape=(1, *model.inputs[0].shape[1:]))
    single = keras().Model(inputs, model(inputs))
    with _silence(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = tensorflow().lite.TFLiteConverter.from_keras_model(single).convert()
    return FloatModel(content=content, name=model.name, origin="a test", layers={}, log=None)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """The converter writes to Python's streams and to those of C."""
    kept = os.dup(2)
    sys.stderr.flush()
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
