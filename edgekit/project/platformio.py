"""The tree that PlatformIO builds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgekit.errors import BoardError
from edgekit.project.context import ProjectParts

#: For real boards: framework -> the module's files().
_TREES: Mapping[str, Callable[[ProjectParts], dict[str, str]]] = {}


def files(parts: ProjectParts) -> dict[str, str]:
    """The whole tree: path -> text.

    Raises:
        BoardError: there is no such tree for the board.
    """
    board = parts.board
    framework = board.platformio.framework if board.platformio is not None else ""
    if framework not in _TREES:
        raise BoardError(f"{board.id} cannot be built with platformio")
    return _TREES[framework](parts)
