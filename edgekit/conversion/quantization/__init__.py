"""Float .tflite -> full-integer .tflite, by measured ranges and precisions."""

from edgekit.conversion.quantization.options import (
    METHODS,
    Budget,
    InterfaceType,
    Precision,
    QuantizationOptions,
)
from edgekit.conversion.quantization.quantizer import quantize
from edgekit.conversion.quantization.records import (
    Advice,
    MethodTrial,
    OperatorRecord,
    QuantizedModel,
    Score,
)

__all__ = [
    "METHODS",
    "Advice",
    "Budget",
    "InterfaceType",
    "MethodTrial",
    "OperatorRecord",
    "Precision",
    "QuantizationOptions",
    "QuantizedModel",
    "Score",
    "quantize",
]
