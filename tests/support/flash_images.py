"""Small firmware images as a build leaves them."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

from edgekit.flash import FlashImage, ImagePart

MIB = 1 << 20


def image_for(
    chip: str, *, seed: int = 1, sizes: tuple[int, ...] = (3001, 7001), **changes: object
) -> FlashImage:
    """Random bytes at the offsets that ESP-IDF uses."""
    noise = random.Random(f"{chip} {seed}")
    names = ("partitions.bin", "app.bin", "storage.bin")
    parts = tuple(
        ImagePart(offset=offset, name=name, content=noise.randbytes(size))
        for offset, name, size in zip((0x9000, 0x10000, 0x40000), names, sizes, strict=False)
    )
    facts: dict[str, object] = {
        "board_id": chip.replace("esp32", "esp32-").rstrip("-"),
        "framework": "espidf",
        "chip": chip,
        "parts": parts,
        "flash_size_bytes": 4 * MIB,
        "model_name": "tiny",
        "model_sha256": hashlib.sha256(b"tiny").hexdigest(),
        "build_id": "0123456789abcdef",
        **changes,
    }
    return FlashImage(**facts)  # type: ignore[arg-type]


def write_build(image: FlashImage, directory: Path) -> Path:
    """A project's build/ with the files of `image` and its flash.json; the project's directory."""
    build = directory / "build"
    build.mkdir(parents=True)
    for part in image.parts:
        (build / part.name).write_bytes(part.content)
    manifest = {
        "schema": 1,
        "board": image.board_id,
        "framework": image.framework,
        "chip": image.chip,
        "flash_size_bytes": image.flash_size_bytes,
        "model_name": image.model_name,
        "model_sha256": image.model_sha256,
        "build_id": image.build_id,
        "elf": None,
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
    (build / "flash.json").write_text(json.dumps(manifest), encoding="utf-8")
    return directory
