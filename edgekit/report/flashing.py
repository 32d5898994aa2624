"""What `edgekit flash` did, as JSON and as a table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from edgekit.flash import FlashImage, Uf2Image, Written
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
        "answered": _answered(hello),
        "log": str(written.log),
    }
    return json.dumps(document, indent=2) + "\n"


def _answered(hello: Hello | None) -> dict[str, str] | None:
    if hello is None:
        return None
    return {
        "board": hello.board_id,
        "engine": hello.engine,
        "edgekit": hello.edgekit_version,
        "build_id": hello.build_id,
        "reset_cause": hello.reset_cause.name.lower(),
    }


def copied_json(image: Uf2Image, how: str, port: str | None, hello: Hello | None) -> str:
    """One document: the image, how it came to the board, and who answered."""
    document = {
        "schema": SCHEMA,
        "board": image.board_id or None,
        "framework": image.framework or None,
        "drive_id": image.drive_id,
        "file": str(image.path),
        "bytes": len(image.content),
        "by": how,
        "port": port,
        "model": {"name": image.model_name, "sha256": image.model_sha256}
        if image.model_sha256
        else None,
        "build_id": image.build_id or None,
        "answered": _answered(hello),
    }
    return json.dumps(document, indent=2) + "\n"


_BY = {
    "picotool": "picotool wrote it, read it back and started it",
    "drive": "the board's drive took all of it, and the board restarted",
}


def copied_lines(image: Uf2Image, how: str, hello: Hello | None) -> list[str]:
    """In what state the board is."""
    lines = [f"{image.path.name}, {len(image.content):,} bytes for a {image.drive_id}: {_BY[how]}"]
    if hello is not None:
        lines.append(f"build {hello.build_id} of {image.model_name} runs there and answers")
    elif image.build_id:
        lines.append(
            "whether it runs was not checked: its link is UART0, on GPIO0 and GPIO1. With an "
            "adapter there: edgekit bench MODEL --port PORT"
        )
    else:
        lines.append("whether it runs was not checked: nothing is known of what is in it")
    return lines


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
