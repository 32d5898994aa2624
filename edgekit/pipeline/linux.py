"""Firmware that is a program of a Linux machine: of this computer, or of one behind ssh."""

from __future__ import annotations

import contextlib
import shlex
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from edgekit import link, remote
from edgekit.boards import Board
from edgekit.errors import EdgekitError, LinkError, RemoteError, UserError, WrongBoardError
from edgekit.link import Device
from edgekit.measurement import SystemWatch
from edgekit.remote import Machine, RunningProgram

_LAST_GASP_S = 2.0  # what a program that hung up may take to be gone

#: e_machine of an ELF file -> what `uname -m` says where such programs run.
#: Source: System V ABI, ELF header; Linux, COMPAT_UTS_MACHINE.
_RUNS_ON = {
    3: ("i386", "i486", "i586", "i686", "x86_64"),
    40: ("armv6l", "armv7l", "armv8l", "aarch64"),
    62: ("x86_64",),
    183: ("aarch64",),
}
_ARMV6 = "armv6l"
_NEEDS_ARMV7 = "neon"  # of a board's `isa`

#: Exit code of a program -> the error that it stands for, made of the program's last words.
Ends = Mapping[int, Callable[[str], EdgekitError]]


class LinuxDevice(Device):
    """A device that is a program of a Linux machine.

    Args:
        machine: where it runs.
        launcher: what it was started by.
        played: the machine is not the board, but plays it by means of `launcher`.
    """

    def __init__(
        self,
        transport: link.Transport,
        machine: Machine,
        launcher: Sequence[str],
        *,
        played: bool,
        attempts: int,
    ) -> None:
        super().__init__(transport, attempts=attempts)
        self.played = played
        self._machine, self._launcher = machine, launcher

    def watch(self) -> SystemWatch:
        """Watch the machine from now on."""
        return SystemWatch(self._machine.run, launcher=self._launcher)


@contextlib.contextmanager
def machine_of(board: Board, host: str | None, launcher: Sequence[str]) -> Iterator[Machine]:
    """The machine that `host` names; this computer if it is None, and the board or plays it.

    Raises:
        UserError: it is None, and this computer is not such a board.
        HostError, RemoteError, ToolMissingError: ssh does not get there.
    """
    if host is not None:
        with remote.connect(host) as machine:
            yield machine
        return
    here = remote.ThisMachine()
    if not launcher and not _is_the_board(board, here):
        raise UserError(
            f"this computer is no {board.name}",
            hint=f"say where one is: --board {board.id} --host USER@NAME, reached through ssh",
        )
    yield here


def refuse_another(
    board: Board, program: bytes | None, machine: Machine, launcher: Sequence[str]
) -> bool:
    """Refuse a machine that cannot run `program`, or is another board.

    Args:
        program: an ELF; None where no program of ours runs there.

    Returns:
        True if it is not the board, but plays it by means of `launcher`.

    Raises:
        WrongBoardError: it cannot, or is not, and nothing plays the board there.
    """
    kind = machine.run(["uname", "-m"]).strip()
    runs = program is None or _runs(program, kind)
    if kind == _ARMV6 and _NEEDS_ARMV7 in board.isa:
        runs = False
    if launcher:
        return not (runs and _is_the_board(board, machine))
    if not runs:
        raise WrongBoardError(
            f"{machine.name} does not run programs for {board.name}: {_described(kind)}",
            hint=_way_out(board, kind),
        )
    if not _is_the_board(board, machine):
        model = (machine.read("/proc/device-tree/model") or f"another {kind} computer").strip("\0")
        raise WrongBoardError(
            f"{machine.name} is no {board.name}: it is {model}",
            hint="choose the --board that it is: `edgekit boards` lists them",
        )
    return False


def _runs(program: bytes, kind: str) -> bool:
    """True if systems of that kind execute such ELF files."""
    return kind in _RUNS_ON.get(int.from_bytes(program[18:20], "little"), (kind,))


def _is_the_board(board: Board, machine: Machine) -> bool:
    """True if the machine's device tree names the chip that the board's file does."""
    tree = machine.read("/proc/device-tree/compatible")
    return tree is not None and board.reach.compatible in tree.split("\0")


def _described(kind: str) -> str:
    bits = "a 32-bit" if kind.startswith(("armv", "i")) else "an"
    return f"it has {bits} {kind} system"


def _way_out(board: Board, kind: str) -> str:
    if kind in _RUNS_ON[40] and kind != _ARMV6 and "linux32" in board.frameworks:
        return "build for its 32-bit system: --framework linux32"
    return "choose the --board that it is, or a --launcher there, such as qemu-aarch64"


@contextlib.contextmanager
def conversation(
    machine: Machine,
    command: Sequence[str],
    *,
    launcher: Sequence[str] = (),
    played: bool = False,
    attempts: int = 5,
    ends: Ends = MappingProxyType({}),
) -> Iterator[LinuxDevice]:
    """Start a program that speaks the link by its standard input and output, and end it after.

    Args:
        attempts: how often it is asked before it is given up: more if it takes long to start.
        ends: what exit codes of the program mean, where they have a meaning of their own.

    Raises:
        RemoteError: it does not start, or ended in the middle, or its machine was lost.
    """
    with contextlib.closing(machine.start([*launcher, *command])) as program:
        output, input = program.fileno()
        name = f"the program on {machine.name}"

        def watch(silent_s: float) -> None:
            del silent_s
            if program.poll() is not None:
                raise _end_of(program, machine, launcher, ends)

        pipes = link.PipeTransport(output, input, name=name)
        transport = link.WatchedTransport(pipes, watch)
        try:
            yield LinuxDevice(transport, machine, launcher, played=played, attempts=attempts)
        except LinkError as error:
            if program.wait(_LAST_GASP_S) is None:
                raise
            raise _end_of(program, machine, launcher, ends) from error


def _end_of(
    program: RunningProgram, machine: Machine, launcher: Sequence[str], ends: Ends
) -> EdgekitError:
    """Why a program that has ended did so."""
    try:
        machine.check()
    except RemoteError as lost:
        return lost
    code, words = program.poll() or 0, program.last_words()
    if code in ends:
        return ends[code](words)
    how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
    if code == 127 and launcher:
        hint: str | None = f"install {launcher[0]} there, or give its whole path"
    elif launcher and code not in _HINTS:
        hint = f"it was started by {shlex.join(launcher)}: does that run such a program there?"
    else:
        hint = _HINTS.get(code)
    said = f": {words}" if words else ", without a word"
    return RemoteError(f"the program on {machine.name} ended with {how}{said}", hint=hint)


_HINTS = {
    -signal.SIGILL: "its CPU lacks an instruction that the board's has: is it another board?",
    -signal.SIGKILL: "somebody killed it; `sudo dmesg` there says if memory had run out",
    126: "the system there does not execute such programs",
}
