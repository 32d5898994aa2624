"""Board + image -> the command line that runs it."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from edgekit.boards import Board, Emulator
from edgekit.errors import BoardError, ToolMissingError
from edgekit.toolchain import qemu_plugin, rp2040js

# Semihosting lets start-up code end the emulator and say why. The serial port is standard input and
# output, with Ctrl-C as an ordinary byte.
_QEMU = (
    *("-display", "none", "-monitor", "none"),
    *("-semihosting-config", "enable=on,target=native"),
    *("-chardev", "stdio,id=s0,signal=off", "-serial", "chardev:s0"),
)


def command_for(board: Board, program: Path) -> list[str]:
    """The command that runs `program` with the board's serial port on standard input and output.

    Args:
        program: an ELF; for a board with [uf2], also a UF2.

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
    image = str(program.resolve())
    if emulator.kind == "process":
        return [image]
    if emulator.kind == "rp2040js":
        board_script = str(rp2040js.scripts() / "board.mjs")
        return [rp2040js.node(), board_script, str(rp2040js.required().resolve()), image]
    executable = shutil.which(emulator.program)
    if executable is None:
        raise ToolMissingError(
            f"{board.id} needs {emulator.program}, which is not installed",
            hint=f"install Debian's {emulator.package}: sudo scripts/install-debian-packages",
        )
    if emulator.kind == "qemu-user":
        counter = f"{qemu_plugin.instruction_counter(executable)},fd={_counter_fd(board)}"
        return [executable, *emulator.args, "-plugin", counter, image]
    return [executable, *_arguments(emulator, image)]


def environment_for(board: Board, command: Sequence[str]) -> dict[str, str]:
    """What `command` has to find in its environment beside what is there."""
    if board.emulator is None or board.emulator.kind != "qemu-user":
        return {}
    return {"EDGEKIT_HOST_COMMAND": "\n".join(command)}  # what the firmware runs to reboot


def command_line(board: Board, elf: str) -> str:
    """The same for a person to type, whether or not the emulator is installed; empty for a real
    board.
    """
    emulator = board.emulator
    if emulator is None:
        return ""
    if emulator.kind == "process":
        return elf
    if emulator.kind in ("rp2040js", "qemu-user"):  # with files of a cache: no paths to type
        return shlex.join(["python3", "-m", "edgekit.emulators", board.id, elf])
    return shlex.join([emulator.program, *_arguments(emulator, elf)])


def _counter_fd(board: Board) -> str:
    """The file descriptor that its port reads the count from."""
    return dict(board.defines)["EK_INSTRUCTION_COUNTER_FD"]


def _arguments(emulator: Emulator, elf: str) -> list[str]:
    arguments = [*emulator.args, *_QEMU, "-kernel", elf]
    if emulator.icount_shift is not None:
        # sleep=on: while the CPU sleeps its clock goes like ours, so timeouts mean what they say.
        arguments += ["-icount", f"shift={emulator.icount_shift},align=off,sleep=on"]
    return arguments
