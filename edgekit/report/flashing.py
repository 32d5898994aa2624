"""What `edgekit flash` did, as JSON and as a table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from edgekit.flash import FlashImage, Written
from edgekit.link import Hello
from edgekit.report.tables import plain

if TYPE_CHECKING:
    from rich.table import Table

SCHEMA = 1


def flashed_json(image: FlashImage, written: Written, hello: Hello | None) -> str:
    """One document: the image, where it went, what had to be written, and who answered."""
    document = {
        "schema": SCHEMA,
        "board": image.board_id,
        "framework": image.framework,
        "chip": written.chip,
        "mac": written.mac,
        "port": written.port,
        "model": {"name": image.model_name, "sha256": image.model_sha256},
        "build_id": image.build_id,
        "flash_size_bytes": written.flash_size_bytes,
        "parts": [
            {
                "name": part.name,
                "offset": part.offset,
                "bytes": part.size_bytes,
                "written_bytes": part.written_bytes,
            }
            for part in written.parts
        ],
        "baud": written.baud,
        "failed_attempts": list(written.failures),
        "seconds": written.seconds,
        "answered": None
        if hello is None
        else {
            "board": hello.board_id,
            "engine": hello.engine,
            "edgekit": hello.edgekit_version,
            "build_id": hello.build_id,
            "reset_cause": hello.reset_cause.name.lower(),
        },
        "log": str(written.log),
    }
    return json.dumps(document, indent=2) + "\n"


def flashed_table(written: Written) -> Table:
    """The parts, and what of them had to be written."""
    table = plain("part", ">offset", ">bytes", ">written")
    for part in written.parts:
        state = f"{part.written_bytes:,}" if part.written_bytes else "was there"
        table.add_row(part.name, f"{part.offset:#x}", f"{part.size_bytes:,}", state)
    return table


def flashed_lines(image: FlashImage, written: Written, hello: Hello | None) -> list[str]:
    """In what state the board is."""
    mac = f", MAC {written.mac}" if written.mac else ""
    lines = [f"failed before: {failure}" for failure in written.failures]
    lines.append(f"verified on {written.chip} at {written.port}{mac}, at {written.baud} baud")
    if hello is None:
        lines.append("its firmware does not speak edgekit's link: whether it runs was not checked")
    else:
        lines.append(f"build {hello.build_id} of {image.model_name} runs there and answers")
    return lines
