"""Board + image -> a running emulated board with a serial port.

The serial port is a pseudo-terminal. The board's process has its master side as standard input and
output; the slave side has a name that pyserial opens like any other, as late and as often as it
likes: this process holds it open too, so the board never sees the line drop.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pty
import signal
import subprocess
import tempfile
import time
import tty
import weakref
from pathlib import Path
from types import TracebackType

from edgekit import processes
from edgekit.boards import Board
from edgekit.emulators import guard, virtual
from edgekit.emulators.command import command_for, command_line, environment_for
from edgekit.emulators.virtual import VirtualEsp32
from edgekit.emulators.virtual_faults import (
    BootNoise,
    BrownOutLoop,
    Fault,
    Mode,
    PortVanishes,
    Reenumeration,
    Reset,
    WatchdogInInvoke,
    WrongBootMode,
)
from edgekit.emulators.virtual_image import settings_of, stand_in
from edgekit.emulators.virtual_wiring import Wiring
from edgekit.errors import EmulatorError
from edgekit.progress import Progress, silent
from edgekit.toolchain import FirmwareImage, rp2040js

__all__ = [
    "BootNoise",
    "BrownOutLoop",
    "EmulatedBoard",
    "Fault",
    "Mode",
    "PortVanishes",
    "Reenumeration",
    "Reset",
    "VirtualEsp32",
    "WatchdogInInvoke",
    "Wiring",
    "WrongBootMode",
    "command_for",
    "command_line",
    "environment_for",
    "prepare",
    "settings_of",
    "stand_in",
    "start",
]

_GRACE_S = 2.0  # between asking a process to end and killing it
_LAST_GASP_S = 0.1  # what a dying process may take to be gone
_TAIL_BYTES = 4096
_SILENT_S = 5.0  # without an answer and without computing: such a board is not going to answer

_running: weakref.WeakSet[EmulatedBoard] = weakref.WeakSet()


def start(board: Board, image: FirmwareImage | Path) -> EmulatedBoard:
    """Start `image` on `board`; use the result in a `with` statement.

    Raises:
        BoardError: the board is a real one.
        ToolMissingError: its emulator is not installed.
        EmulatorError: the process cannot be started.
    """
    return EmulatedBoard(board, command_for(board, _program_of(board, image)))


def prepare(board: Board, progress: Progress = silent) -> None:
    """Get what the board's emulator needs and edgekit may get itself, with a word to `progress`.

    Raises:
        ToolMissingError: it cannot be had.
    """
    if board.emulator is not None and board.emulator.kind == "rp2040js":
        rp2040js.fetched(progress)


def _program_of(board: Board, image: FirmwareImage | Path) -> Path:
    """What a board is started with: its UF2 if it takes one, else the ELF."""
    if isinstance(image, Path):
        return image
    return image.flash_parts[0].path if board.uf2 is not None else image.elf


class EmulatedBoard:
    """A board that runs as a child process until close()."""

    def __init__(self, board: Board, command: list[str]) -> None:
        self.board = board
        self.command = tuple(command)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        master, self._slave = pty.openpty()
        self.serial_port = os.ttyname(self._slave)
        self._closed = False
        try:
            tty.setraw(self._slave)
            self._process = self._start(command, master)
        except BaseException:
            self._release()
            raise
        finally:
            os.close(master)
        self._computed_s, self._active_at = self._cpu_s(), time.monotonic()
        _running.add(self)

    def _start(self, command: list[str], master: int) -> subprocess.Popen[bytes]:
        guard.start()
        try:
            process = processes.start(
                command,
                stdin=master,
                stdout=master,
                stderr=self._errors,
                env={**os.environ, **environment_for(self.board, command)},
            )
        except OSError as error:
            raise EmulatorError(f"{self.board.id} does not start: {error}") from error
        guard.watch(process.pid)
        return process

    @property
    def pid(self) -> int:
        """Of the board's process, which leads a process group of its own."""
        return self._process.pid

    def poll(self) -> int | None:
        """None while the board runs, else its exit code; -n if signal n ended it."""
        return self._process.poll()

    def last_output(self) -> str:
        """The end of what the board's process wrote on its standard error: not the link."""
        if self._closed:
            return self._last_words
        size = os.fstat(self._errors.fileno()).st_size
        start = max(0, size - _TAIL_BYTES)
        return os.pread(self._errors.fileno(), _TAIL_BYTES, start).decode(errors="replace").strip()

    def check_alive(self) -> None:
        """Raise EmulatorError, with the last output, if the board no longer runs."""
        code = self.poll()
        if code is None:
            return
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        words = self.last_output()
        said = f":\n{words}" if words else ", without a word"
        raise EmulatorError(
            f"{self.board.id}: {Path(self.command[0]).name} ended with {how}{said}",
            hint="`edgekit monitor --input FILE --elf IMAGE` says where a fault happened",
        )

    def watch(self, silent_s: float) -> None:
        """Raise EmulatorError if the board, unheard of for `silent_s`, can no longer answer.

        A board that computes is left to; one whose process has neither said nor done anything for
        some seconds, though it was asked, is given up.
        """
        self.check_alive()
        now, computed_s = time.monotonic(), self._cpu_s()
        if computed_s is None or computed_s != self._computed_s:
            self._computed_s, self._active_at = computed_s, now
        if min(silent_s, now - self._active_at) > _SILENT_S:
            words = self.last_output()
            said = f"; it last said:\n{words}" if words else ""
            raise EmulatorError(
                f"{self.board.id} went silent: asked {silent_s:.0f} s ago, its process "
                f"{self.pid} ({Path(self.command[0]).name}) neither answers nor computes{said}",
                hint="was it stopped (kill -STOP), or is the computer suspended? try again",
            )

    def _cpu_s(self) -> float | None:
        """CPU time of the board's process; None where the system does not tell."""
        try:
            stat = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii")
        except OSError:
            return None
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def explain(self, error: Exception) -> None:
        """Raise EmulatorError from `error` if the conversation broke because the board died."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST_GASP_S)
        try:
            self.check_alive()
        except EmulatorError as death:
            raise death from error

    def close(self) -> None:
        """End the board and reap it. May be called twice."""
        if self._closed:
            return
        try:
            self._end()
        finally:
            self._release()

    def _end(self) -> None:
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE_S)
        if self._process.poll() is None:
            self._signal(signal.SIGKILL)
            self._process.wait()
        guard.release(self._process.pid)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _release(self) -> None:
        self._last_words = self.last_output()
        self._closed = True
        os.close(self._slave)
        self._errors.close()
        _running.discard(self)

    def __enter__(self) -> EmulatedBoard:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


@atexit.register
def _close_all() -> None:
    for board in list(_running):
        board.close()
    virtual.close_all()
    guard.stop()
