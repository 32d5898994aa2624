"""Board files -> Board.

A board is one file, boards/<id>.toml; there is no list to add it to. Where firmware can stand on
several frameworks, each has a section [frameworks.<name>] whose keys join, or replace, those at the
top of the file; the first section is the default.
"""

from __future__ import annotations

import difflib
import functools
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from edgekit import resources
from edgekit.boards.board import (
    Board,
    Count,
    Emulator,
    Esptool,
    Memory,
    PlatformIO,
    Reach,
    Unit,
    Verified,
)
from edgekit.errors import BoardError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = [
    "Board",
    "Count",
    "Emulator",
    "Esptool",
    "Memory",
    "PlatformIO",
    "Reach",
    "Unit",
    "Verified",
    "all_boards",
    "known_boards",
    "load",
    "read",
]


def known_boards() -> tuple[str, ...]:
    """The ids of all boards, sorted."""
    return tuple(sorted(path.stem for path in resources.tree("boards").glob("*.toml")))


def all_boards() -> tuple[Board, ...]:
    """Every board, in the order of their ids."""
    return tuple(load(board_id) for board_id in known_boards())


@functools.cache
def load(board_id: str, framework: str | None = None) -> Board:
    """The board of that id, with `framework` or the default one of those it has.

    Raises:
        BoardError: there is none of that id, it has no such framework, or its file is malformed.
    """
    known = known_boards()
    if board_id not in known:
        asked = board_id.lower()
        near = difflib.get_close_matches(asked, known, n=1) or [
            one for one in known if asked and one.endswith(asked)
        ]
        suggestion = f"did you mean {near[0]!r}? " if near else ""
        raise BoardError(
            f"no board {board_id!r}", hint=f"{suggestion}known boards: {', '.join(known)}"
        )
    return read(resources.tree("boards") / f"{board_id}.toml", framework)


def read(path: Path, framework: str | None = None) -> Board:
    """The board that a file describes; its id is the file's stem.

    Raises:
        BoardError: the file cannot be read, is no TOML, has no section for `framework`, or a key is
            wrong; it names file and key.
    """
    try:
        keys: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BoardError(f"{path.name}: {error}") from error
    if "id" in keys:
        raise BoardError(f"{path.name}: id: the id is the file's stem", hint="remove the key")
    try:
        return Board.model_validate({**_with_framework(keys, path, framework), "id": path.stem})
    except ValidationError as error:
        raise BoardError(f"{path.name}: {_first_problem(error)}") from error


def _with_framework(keys: dict[str, Any], path: Path, framework: str | None) -> dict[str, Any]:
    """The keys with those of the framework's section among them."""
    if "framework" in keys:
        raise BoardError(f"{path.name}: framework: the first of [frameworks.…] is the default")
    sections = keys.pop("frameworks", {})
    if not isinstance(sections, dict) or not all(isinstance(s, dict) for s in sections.values()):
        raise BoardError(f"{path.name}: frameworks: write sections [frameworks.<name>]")
    if not sections:
        if framework is not None:
            raise BoardError(f"{path.stem} has no choice of frameworks", hint="leave it out")
        return keys
    chosen = next(iter(sections)) if framework is None else framework
    if chosen not in sections:
        raise BoardError(
            f"{path.stem} has no framework {chosen!r}", hint=f"it has: {', '.join(sections)}"
        )
    return {**keys, **sections[chosen], "framework": chosen, "frameworks": tuple(sections)}


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    where = ".".join(str(step) for step in problem["loc"]) or "as a whole"
    if problem["type"] == "extra_forbidden":
        return f"unknown key {where!r}"
    return f"{where}: {problem['msg']}"
