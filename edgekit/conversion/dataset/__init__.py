"""Samples to calibrate and evaluate with: arrays, files, folders or functions -> Dataset."""

from edgekit.conversion.dataset.calibration import MIN_SAMPLES, check_for_calibration
from edgekit.conversion.dataset.dataset import Dataset
from edgekit.conversion.dataset.preprocessing import (
    Preprocessing,
    parse_pixel_range,
    parse_quantized_as,
)
from edgekit.conversion.dataset.reading import load
from edgekit.conversion.dataset.streams import STREAM_SAMPLES

__all__ = [
    "MIN_SAMPLES",
    "STREAM_SAMPLES",
    "Dataset",
    "Preprocessing",
    "check_for_calibration",
    "load",
    "parse_pixel_range",
    "parse_quantized_as",
]
