"""Boards as a user names them, several at a time, and where each of them is."""

from __future__ import annotations

import fnmatch
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from edgekit import boards, flash
from edgekit.boards import Board
from edgekit.errors import UserError
from edgekit.pipeline.reaching import Where

#: What stands for every emulated board.
ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A board, and which one of its kind."""

    board: Board
    where: Where = field(default_factory=Where)


def targets(named: Sequence[str | Target], framework: str | None = None) -> tuple[Target, ...]:
    """Boards as a user names them: ids, patterns such as qemu-*, all (every emulated board), and
    ID@PORT or ID@HOST for one of several real boards.

    Raises:
        UserError: a board is unknown or named twice, nothing matches a pattern, or a port or host
            was given for a board that has none.
    """
    found: list[Target] = []
    for one in named:
        found += [one] if isinstance(one, Target) else _parsed(one, framework)
    if not found:
        raise UserError("no board was named", hint="give ids, separated by commas, or 'qemu-*'")
    for first, second in itertools.combinations(found, 2):
        if first.board.id == second.board.id:
            how = "twice" if first == second else "at two places"
            raise UserError(
                f"board {first.board.id} was given {how}",
                hint="results are told apart by the board's id: name each board once",
            )
    return tuple(found)


def _parsed(text: str, framework: str | None) -> list[Target]:
    name, _, place = text.partition("@")
    loaded = [boards.load(board_id, framework) for board_id in _ids(name)]
    return [Target(board=board, where=_where(board, place, text)) for board in loaded]


def _ids(name: str) -> Sequence[str]:
    if name == ALL:
        return [board.id for board in boards.all_boards() if board.emulated]
    if not any(letter in name for letter in "*?["):
        return [name]
    matching = fnmatch.filter(boards.known_boards(), name)
    if not matching:
        raise UserError(f"no board matches {name!r}", hint="`edgekit boards` lists them")
    return matching


def _where(board: Board, place: str, text: str) -> Where:
    if not place:
        return Where()
    if board.flash == "emulator":
        raise UserError(
            f"{text}: edgekit starts {board.id} itself, it is at no port or host",
            hint=f"write {board.id}",
        )
    return Where(host=place) if board.flash == "ssh" else Where(port=place)


def placed(several: Sequence[Target], where: Where) -> tuple[Target, ...]:
    """`several`, of which the only one that needs a place gets `where`.

    Raises:
        UserError: none needs it, or more than one does.
    """
    if where == Where():
        return tuple(several)
    real = [t for t in several if t.board.flash != "emulator" and t.where == Where()]
    if not real:
        raise UserError(
            "a port or host was given, but no board here needs one",
            hint="edgekit starts emulated boards itself; leave it out",
        )
    if len(real) > 1:
        raise UserError(
            f"a port or host was given for {' and '.join(t.board.id for t in real)} at once",
            hint="write it behind the board's id: --board ID@PORT or --board ID@HOST",
        )
    return tuple(Target(board=t.board, where=where) if t is real[0] else t for t in several)


def may_be_one(a: Target, b: Target) -> bool:
    """True if the two may be one real board: one serial port, or one host."""
    if "emulator" in (a.board.flash, b.board.flash):
        return False
    if "ssh" in (a.board.flash, b.board.flash):
        return a.board.flash == b.board.flash and a.where.host == b.where.host
    ports = [target.where.port for target in (a, b)]
    found_later = {port.partition(":")[0] == flash.AUTO for port in ports}
    # which port "auto" is shows only when it is looked for
    if flash.AUTO in ports or len(found_later) == 2:
        return True
    return os.path.realpath(ports[0]) == os.path.realpath(ports[1])
