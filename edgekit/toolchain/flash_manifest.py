"""build/flash.json: what `edgekit flash` needs to know of the files beside it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from edgekit import files
from edgekit.boards import Board
from edgekit.toolchain.artefacts import FirmwareImage

NAME = "flash.json"
SCHEMA = 1


def write(image: FirmwareImage, board: Board, *, model_name: str, model_sha256: str) -> Path:
    """Describe the image beside its ELF; the names of its parts are relative to that.

    Boards that esptool writes have "chip"; boards that are a USB drive have "uf2", and their only
    part says itself where it belongs.

    Raises:
        UserError: the file cannot be written.
    """
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "board": board.id,
        "framework": board.framework,
        **_kind(board),
        "flash_size_bytes": board.flash_bytes,
        "model_name": model_name,
        "model_sha256": model_sha256,
        "build_id": image.build_id,
        "elf": image.elf.name if image.elf.is_file() else None,
        "parts": [
            {
                "offset": part.offset,
                "file": part.path.name,
                "bytes": part.path.stat().st_size,
                "sha256": hashlib.sha256(part.path.read_bytes()).hexdigest(),
            }
            for part in image.flash_parts
        ],
    }
    path = image.elf.with_name(NAME)
    files.write_whole(path, (json.dumps(document, indent=2) + "\n").encode())
    return path


def _kind(board: Board) -> dict[str, Any]:
    """How the image's parts reach the board, and which chips take them."""
    if board.uf2 is not None:
        return {"uf2": {"family_id": board.uf2.family_id, "board_id": board.uf2.board_id}}
    assert board.esptool is not None
    return {"chip": board.esptool.chip}
