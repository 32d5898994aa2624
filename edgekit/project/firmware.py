"""The parts of firmware/ that a board needs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from edgekit import resources
from edgekit.boards import Board
from edgekit.errors import BoardError

_BESIDE = re.compile(r'^#include "([\w.]+)"', re.MULTILINE)


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
        paths += _with_headers(root.glob(f"startup/{board.startup}*.[cS]"))
    if board.linker:
        paths.append(root / "startup" / f"{board.linker}.ld")
    for path in paths:
        if not path.is_file():
            raise BoardError(f"{board.id}: there is no firmware/{path.relative_to(root)}")
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def _with_headers(sources: Iterable[Path]) -> list[Path]:
    """The sources, and the headers beside them that they, and those, include."""
    found = list(sources)
    for path in found:  # grows as it goes
        names = _BESIDE.findall(path.read_text(encoding="utf-8"))
        found += [header for name in names if (header := path.with_name(name)) not in found]
    return found
