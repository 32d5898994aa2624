"""FlashImage -> one file for a factory line, with a manifest of what is in it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from edgekit import files
from edgekit.errors import UserError
from edgekit.flash.image import ERASED, FlashImage
from edgekit.flash.manifest import SCHEMA


def merge(image: FlashImage) -> bytes:
    """All parts at their offsets, from the start of flash memory; gaps are as if erased."""
    merged = bytearray([ERASED]) * image.end
    for part in image.parts:
        merged[part.offset : part.end] = part.content
    return bytes(merged)


def write_merged(image: FlashImage, path: Path) -> Path:
    """Write the merged image, to be written at 0, and beside it its manifest.

    Args:
        image: what read() gave.
        path: of the image; the manifest takes its name and the ending .json.

    Returns:
        The manifest's path. read() takes either.

    Raises:
        UserError: one of the two cannot be written.
    """
    manifest = path.with_suffix(".json")
    if manifest == path:
        raise UserError(
            f"{path} would be the manifest and the image at once",
            hint="give the image another ending, such as .bin",
        )
    files.refuse_unwritable(manifest)
    merged = merge(image)
    files.write_whole(path, merged)
    files.write_whole(manifest, _manifest(image, merged, path.name).encode())
    return manifest


def _manifest(image: FlashImage, merged: bytes, name: str) -> str:
    document = {
        "schema": SCHEMA,
        "board": image.board_id,
        "framework": image.framework,
        "chip": image.chip,
        "flash_size_bytes": image.flash_size_bytes,
        "model_name": image.model_name,
        "model_sha256": image.model_sha256,
        "build_id": image.build_id,
        "elf": None,
        "image": {
            "file": name,
            "bytes": len(merged),
            "sha256": hashlib.sha256(merged).hexdigest(),
        },
        "parts": [
            {
                "offset": part.offset,
                "file": part.name,
                "bytes": len(part.content),
                "sha256": part.sha256,
            }
            for part in image.parts
        ],
    }
    return json.dumps(document, indent=2) + "\n"
