"""A firmware image -> the flash memory of a board, verified."""

from __future__ import annotations

from edgekit.flash.image import FlashImage, ImagePart
from edgekit.flash.manifest import read
from edgekit.flash.options import FlashOptions, Written, WrittenPart
from edgekit.flash.writer import verify, write

__all__ = [
    "FlashImage",
    "FlashOptions",
    "ImagePart",
    "Written",
    "WrittenPart",
    "read",
    "verify",
    "write",
]
