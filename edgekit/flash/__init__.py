"""A firmware image -> the flash memory of a board, verified."""

from __future__ import annotations

from edgekit.flash.advice import what_it_says
from edgekit.flash.image import FlashImage, ImagePart
from edgekit.flash.manifest import read
from edgekit.flash.merging import merge, write_merged
from edgekit.flash.options import FlashOptions, Written, WrittenPart
from edgekit.flash.ports import AUTO
from edgekit.flash.ports import find as find_port
from edgekit.flash.reset_ladder import listen_to_start
from edgekit.flash.uf2_image import Uf2Image, is_uf2
from edgekit.flash.uf2_image import read as read_uf2
from edgekit.flash.writer import verify, write

__all__ = [
    "AUTO",
    "FlashImage",
    "FlashOptions",
    "ImagePart",
    "Uf2Image",
    "Written",
    "WrittenPart",
    "find_port",
    "is_uf2",
    "listen_to_start",
    "merge",
    "read",
    "read_uf2",
    "verify",
    "what_it_says",
    "write",
    "write_merged",
]
