"""Board + image -> the command line that runs it."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

from edgekit.boards import Board, Emulator
from edgekit.errors import BoardError, ToolMissingError

# Semihosting lets start-up code end the emulator and say why. The serial port is standard input and
# output, with Ctrl-C as an ordinary byte.
_QEMU = (
    *("-display", "none", "-monitor", "none"),
    *("-semihosting-config", "enable=on,target=native"),
    *("-chardev", "stdio,id=s0,signal=off", "-serial", "chardev:s0"),
)


def command_for(board: Board, elf: Path) -> list[str]:
    """The command that runs `elf` with the board's serial port on standard input and output.

    Raises:
        BoardError: the board is a real one.
        ToolMissingError: the emulator is not installed.
    """
    emulator = board.emulator
    if emulator is None:
        raise BoardError(
            f"{board.id} is a real board: nothing on this computer emulates it",
            hint="connect it and name its serial port",
        )
    if emulator.kind == "process":
        return [str(elf.resolve())]
    program = shutil.which(emulator.program)
    if program is None:
        raise ToolMissingError(
            f"{board.id} needs {emulator.program}, which is not installed",
            hint=f"install Debian's {emulator.package}: sudo scripts/install-debian-packages",
        )
    return [program, *_arguments(emulator, str(elf.resolve()))]


def command_line(board: Board, elf: str) -> str:
    """The same for a person to type, whether or not the emulator is installed; empty for a real
    board.
    """
    emulator = board.emulator
    if emulator is None:
        return ""
    if emulator.kind == "process":
        return elf
    return shlex.join([emulator.program, *_arguments(emulator, elf)])


def _arguments(emulator: Emulator, elf: str) -> list[str]:
    arguments = [*emulator.args, *_QEMU, "-kernel", elf]
    if emulator.icount_shift is not None:
        # sleep=on: while the CPU sleeps its clock goes like ours, so timeouts mean what they say.
        arguments += ["-icount", f"shift={emulator.icount_shift},align=off,sleep=on"]
    return arguments
