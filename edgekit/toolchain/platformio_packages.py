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
    platformio_core.command()
    question = {
        "platform": how.platform,
        "board": how.board,
        "framework": how.framework,
        "project": None if project is None else str(project.resolve()),
    }
    program = Path(platformio_query.__file__)
    process = processes.start(
        [sys.executable, str(program), json.dumps(question)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=platformio_core.quiet_environment(),
    )
    try:
        answer, complaint = process.communicate(timeout=_PATIENCE_S)
        packages = json.loads(answer)["packages"]
    except (subprocess.TimeoutExpired, ValueError) as error:
        processes.end(process)
        words = "" if isinstance(error, subprocess.TimeoutExpired) else complaint.decode().strip()
        last = words.splitlines()[-1] if words else "it does not answer"
        raise ToolMissingError(
            f"PlatformIO cannot say what is installed: {last}",
            hint="`pio pkg list --global` shows what it makes of its packages",
        ) from error
    except BaseException:
        processes.end(process)
        raise
    return tuple(
        Package(name=one["name"], wanted=one["wanted"], version=one["version"] or "")
        for one in packages
    )


def refuse_missing(packages: Sequence[Package], board_id: str) -> None:
    """Say at once what is missing, and the commands that get it.

    Raises:
        ToolMissingError: a package is not installed.
    """
    missing = [package for package in packages if not package.version]
    if not missing:
        return
    names = ", ".join(
        package.wanted if package.name == "platform" else package.name for package in missing
    )
    commands = "".join(f"\n  {package.install_command}" for package in missing)
    raise ToolMissingError(
        f"PlatformIO cannot build for {board_id}: not installed: {names}",
        hint=f"with a network:{commands}\n"
        "or write the project with --project-only and run `pio run` there: it downloads them",
    )
