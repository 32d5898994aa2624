"""Which packages PlatformIO has for a real board: said at once, where it would fall silent.

PlatformIO itself downloads what is missing when it builds, and without a network gives up after a
minute without a word of what it wanted.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit import processes
from edgekit.boards import PlatformIO
from edgekit.errors import ToolMissingError
from edgekit.toolchain import platformio_core, platformio_query

_PATIENCE_S = 20.0  # a loaded computer; a second is usual
_LIBRARY = "library "


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One package that PlatformIO needs for a board."""

    name: str  # "platform", the name of a tool, or "library <spec>"
    wanted: str  # as one writes it for `pio pkg install`
    version: str  # empty: it is not installed

    @property
    def title(self) -> str:
        """What people call it; of an archive on the web its last name."""
        if self.name == "platform":
            return self.wanted.rpartition("/")[2] if "://" in self.wanted else self.wanted
        return self.name

    @property
    def plain_name(self) -> str:
        """The title without the version: "espressif32"."""
        return self.title.partition("@")[0].removesuffix(".zip")

    @property
    def install_command(self) -> str:
        """What a person types to get it."""
        kind = "--platform" if self.name == "platform" else "--tool"
        if self.name.startswith(_LIBRARY):
            kind = "--library"
        return f"pio pkg install --global {kind} {shlex.quote(self.wanted)}"


def installed(how: PlatformIO, *, project: Path | None = None) -> tuple[Package, ...]:
    """The packages that a board needs, the platform first; in the user's own core directory.

    A platform that is not installed cannot say what else it needs.

    Args:
        how: the board, as PlatformIO has it.
        project: one whose libraries are looked up too.

    Raises:
        ToolMissingError: PlatformIO is not installed, or does not answer.
    """
    return installed_for([how], project=project)[0]


def installed_for(
    hows: Sequence[PlatformIO], *, project: Path | None = None
) -> tuple[tuple[Package, ...], ...]:
    """`installed` of several boards; PlatformIO is started once."""
    platformio_core.command()
    questions = [
        {
            "platform": how.platform,
            "board": how.board,
            "framework": how.framework,
            "project": None if project is None else str(project.resolve()),
        }
        for how in hows
    ]
    return tuple(
        tuple(
            Package(name=one["name"], wanted=one["wanted"], version=one["version"] or "")
            for one in answer["packages"]
        )
        for answer in _asked(questions)
    )


def _asked(questions: list[dict[str, str | None]]) -> list[dict[str, Any]]:
    """What platformio_query.py answers."""
    process = processes.start(
        [sys.executable, platformio_query.__file__, json.dumps(questions)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=platformio_core.quiet_environment(),
    )
    complaint = b""
    try:
        answer, complaint = process.communicate(timeout=_PATIENCE_S)
        return list(json.loads(answer))
    except (subprocess.TimeoutExpired, ValueError) as error:
        words = complaint.decode(errors="replace").strip()
        last = words.splitlines()[-1] if words else "it does not answer"
        raise ToolMissingError(
            f"PlatformIO cannot say what is installed: {last}",
            hint="`pio pkg list --global` shows what it makes of its packages",
        ) from error
    finally:
        if process.poll() is None:
            processes.end(process)


def refuse_missing(packages: Sequence[Package], board_id: str) -> None:
    """Say at once what is missing, and the commands that get it.

    Raises:
        ToolMissingError: a package is not installed.
    """
    missing = [package for package in packages if not package.version]
    if not missing:
        return
    names = ", ".join(package.title for package in missing)
    commands = "".join(f"\n  {package.install_command}" for package in missing)
    raise ToolMissingError(
        f"PlatformIO cannot build for {board_id}: not installed: {names}",
        hint=f"with a network:{commands}\n"
        "or write the project with --project-only and run `pio run` there: it downloads them",
    )
