"""What stored numbers stand for: pixels, quantised values, sound."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from edgekit.errors import InputError
from edgekit.frontends import tflite


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessing:
    """How files and integer arrays become the real numbers that the model was trained on.

    Raises:
        InputError: a value has no meaning.
    """

    #: Real values of a black and a full pixel (0 and 255). None: (0, 1) for image files, and
    #: uint8 arrays are not taken for pixels.
    pixel_range: tuple[float, float] | None = None
    #: Scale and zero point of integer arrays: real = scale * (value - zero_point).
    quantized_as: tuple[float, int] | None = None
    #: Hz that WAV files must have. None: any, if it is the same in all.
    sample_rate: int | None = None

    def __post_init__(self) -> None:
        if self.pixel_range is not None:
            low, high = self.pixel_range
            if not (math.isfinite(low) and math.isfinite(high) and low != high):
                raise InputError(
                    f"the pixel range {low:g},{high:g} is none", hint="e.g. 0,1 or -1,1 or 0,255"
                )
        if self.quantized_as is not None:
            scale, zero_point = self.quantized_as
            whole = math.isfinite(zero_point) and zero_point == int(zero_point)
            if not (whole and math.isfinite(scale) and scale > 0):
                raise InputError(
                    f"quantised as {scale:g},{zero_point} has no meaning",
                    hint="give a positive scale and a whole zero point, e.g. 0.0078125,-1",
                )
        if self.sample_rate is not None and self.sample_rate < 1:
            raise InputError(f"{self.sample_rate} is no sample rate", hint="in Hz, e.g. 16000")

    @property
    def image_range(self) -> tuple[float, float]:
        """The pixel range of image files."""
        return self.pixel_range or (0.0, 1.0)


def parse_pixel_range(text: str) -> tuple[float, float]:
    """ "LOW,HIGH" -> (low, high).

    Raises:
        InputError: it is something else.
    """
    try:
        low, high = (float(word) for word in text.split(","))
    except ValueError as error:
        raise InputError(
            f"the pixel range {text!r} is not LOW,HIGH", hint="e.g. 0,1 or -1,1 or 0,255"
        ) from error
    return low, high


def parse_quantized_as(text: str | os.PathLike[str]) -> tuple[float, int]:
    """ "SCALE,ZERO_POINT", or the path of a .tflite that has them at its inputs -> the two.

    Raises:
        InputError: it is neither, or the model's inputs have no scale or several.
        ModelError: the .tflite cannot be read.
    """
    if str(text).endswith(".tflite"):
        return _of_inputs(Path(text))
    try:
        scale, zero_point = str(text).split(",")
        return float(scale), int(zero_point)
    except ValueError as error:
        raise InputError(
            f"{str(text)!r} is neither SCALE,ZERO_POINT nor a .tflite",
            hint="e.g. 0.0078125,-1, or the INT8 model whose inputs the data are",
        ) from error


def _of_inputs(path: Path) -> tuple[float, int]:
    graph = tflite.read(path)
    found = {t.quantization for t in graph.inputs}
    quantization = found.pop()
    if found:
        raise InputError(
            f"the inputs of {path.name} have different scales",
            hint="store x0_scale, x0_zero_point, x1_scale … as scalars in the .npz",
        )
    if quantization is None or not quantization.per_tensor:
        raise InputError(f"the input of {path.name} has no scale", hint="give SCALE,ZERO_POINT")
    return quantization.scales[0], quantization.zero_points[0]
