"""The parts of firmware/ that a board needs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from edgekit import resources
from edgekit.boards import Board
from edgekit.errors import BoardError


def files(board: Board, *, tflm: bool = False) -> dict[str, str]:
    """Headers, runtime, protocol, the board's port and its start-up code: path -> text.

    Args:
        tflm: also what TensorFlow Lite Micro wants of its port, where no framework has it.

    Raises:
        BoardError: one of the files that the board names is not there.
    """
    root = resources.tree("firmware")
    ports = [root / "ports" / f"{board.port}{suffix}" for suffix in (".c", ".cpp")]
    paths = [
        *root.glob("include/edgekit/*.h"),
        *(path for part in ("runtime", "protocol") for path in root.glob(f"{part}/*.[ch]")),
        next((path for path in ports if path.is_file()), ports[0]),
    ]
    if tflm:
        paths += [*root.glob("tflm/*.c"), *(root.glob("tflm/bare/*.c") if board.startup else ())]
    if board.startup:
        sources = sorted(root.glob(f"startup/{board.startup}*.[cS]"))
        paths += [*sources, *_included(sources)]
    if board.linker:
        paths.append(root / "startup" / f"{board.linker}.ld")
    for path in paths:
        if not path.is_file():
            raise BoardError(f"{board.id}: there is no firmware/{path.relative_to(root)}")
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def _included(sources: Iterable[Path]) -> set[Path]:
    """The headers beside `sources` that they, or such headers, include."""
    found: set[Path] = set()
    for source in sources:
        names = re.findall(
            r'^#include "(\w+\.h)"', source.read_text(encoding="utf-8"), re.MULTILINE
        )
        new = {path for name in names if (path := source.with_name(name)).is_file()} - found
        found |= new | _included(new)
    return found
