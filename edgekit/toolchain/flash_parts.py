"""flash.json: which files of a build belong where in a board's flash memory.

It lies beside the files and names them relative to itself, so that the directory can be moved. What
reads it is in edgekit/flash, which takes no file whose length or digest is another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from edgekit.boards import Board
from edgekit.files import write_whole

NAME = "flash.json"
SCHEMA = 1


def write_flash_json(
    directory: Path,
    parts: Iterable[tuple[int, str]],
    *,
    board: Board,
    model_name: str,
    model_sha256: str,
    build_id: str,
    elf: str | None = None,
) -> Path:
    """Write flash.json to the directory that holds the parts.

    Args:
        parts: (offset in flash memory, name of a file in `directory`).
        board: one that esptool writes.
        model_sha256: of the .tflite, in hexadecimal.
        build_id: what the firmware says of itself in HELLO.
        elf: name of the ELF file in `directory`, for those who decode crashes.

    Returns:
        Its path.

    Raises:
        UserError: it cannot be written.
    """
    if board.esptool is None:
        raise ValueError(f"{board.id} is not written by esptool")
    document = {
        "schema": SCHEMA,
        "board": board.id,
        "framework": board.framework,
        "chip": board.esptool.chip,
        "flash_size_bytes": board.flash_bytes,
        "model_name": model_name,
        "model_sha256": model_sha256,
        "build_id": build_id,
        "elf": elf,
        "parts": [_part(offset, directory / name) for offset, name in sorted(parts)],
    }
    path = directory / NAME
    write_whole(path, (json.dumps(document, indent=2) + "\n").encode())
    return path


def _part(offset: int, path: Path) -> dict[str, int | str]:
    content = path.read_bytes()
    return {
        "offset": offset,
        "file": path.name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
