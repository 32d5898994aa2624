"""Image files -> samples of the model's height, width and channels."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.conversion.dataset.columns import pixels
from edgekit.conversion.dataset.preprocessing import Preprocessing
from edgekit.errors import InputError, ToolMissingError
from edgekit.ir import Array, Tensor

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")

_MODES = {1: "L", 3: "RGB"}
_OPAQUE = ("1", "L", "P", "RGB")
_WITH_ALPHA = ("LA", "PA", "RGBA")


def reader(tensor: Tensor, preprocessing: Preprocessing) -> Callable[[Path], Array]:
    """A function from an image file to float32 [H, W, C] (or [C, H, W], as the input is).

    The image is turned to grey (ITU-R BT.601 luma) or RGB, resized bilinearly, with antialiasing
    where it shrinks, and its pixels scaled to the pixel range. An orientation in EXIF data is not
    applied, nor do the usual training pipelines apply it.

    Raises:
        InputError: the input is no image, or later: a file is damaged or of a form not taken.
        ToolMissingError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ToolMissingError(
            "Pillow, which reads images, is not installed", hint="pip install 'edgekit[convert]'"
        ) from error
    height, width, channels, first = _layout(tensor)

    def read(path: Path) -> Array:
        image = _opaque(_decoded(Image, path), path).convert(_MODES[channels])
        if image.size != (width, height):
            image = image.resize((width, height), Image.Resampling.BILINEAR)
        values = np.asarray(image).reshape(height, width, channels)
        real = pixels(values, preprocessing.image_range)
        return np.moveaxis(real, -1, 0) if first else real

    return read


def _layout(tensor: Tensor) -> tuple[int, int, int, bool]:
    """Height, width, channels of the input, and whether channels come first."""
    if len(tensor.shape) == 4:
        _, height, width, channels = tensor.shape
        if channels in _MODES:
            return height, width, channels, False
        _, channels, height, width = tensor.shape
        if channels in _MODES:
            return height, width, channels, True
    raise InputError(
        f"the model takes {list(tensor.shape)} ({tensor.name!r}), which is no image of 1 or 3 "
        "channels",
        hint="give arrays (.npz), or a function that makes them: file.py:function",
    )


def _decoded(pillow: Any, path: Path) -> Any:
    """The only picture in a file."""
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", pillow.DecompressionBombWarning)
            image = pillow.open(file)
            pictures = getattr(image, "n_frames", 1)
            image.load()
    except Exception as error:  # decoders raise whatever a damaged file provokes
        unknown = isinstance(error, pillow.UnidentifiedImageError)  # whose text names an object
        reason = "its content is none" if unknown else " ".join(str(error).split())
        raise InputError(
            f"{path} cannot be read as an image: {reason}", hint="repair the file, or remove it"
        ) from error
    if pictures != 1:
        raise InputError(f"{path} has {pictures} pictures", hint="save one in each file")
    return image


def _opaque(image: Any, path: Path) -> Any:
    """The image without the alpha channel, which must have nothing to say."""
    if image.mode not in (*_OPAQUE, *_WITH_ALPHA):
        raise InputError(
            f"{path} has pixels of the form {image.mode!r}",
            hint="save it as grey or RGB with 8 bits for each channel",
        )
    if image.mode not in _WITH_ALPHA and "transparency" not in image.info:
        return image
    image = image.convert("RGBA")
    if image.getchannel("A").getextrema() != (255, 255):
        raise InputError(
            f"{path} is transparent in places", hint="save it with the background it should have"
        )
    return image.convert("RGB")
