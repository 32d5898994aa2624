"""The application of a virtual chip: a child process whose serial port is a socket."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from edgekit import processes
from edgekit.emulators import guard
from edgekit.emulators.virtual_faults import Reset
from edgekit.errors import EmulatorError

#: What the port `host` exits with when it is asked to reboot; no other exit has this code.
REBOOT_CODE = 86

_READ_BYTES = 65536
_TAIL_BYTES = 4096
_GASP_S = 2.0  # from the end of its output to its own end
_BUSY_ATTEMPTS = 50
#: As firmware/ports/host.c understands it.
_CAUSES = {
    Reset.SOFTWARE: "software",
    Reset.WATCHDOG: "watchdog",
    Reset.PANIC: "fault",
    Reset.BROWN_OUT: "brown-out",
}


class Program:
    """An ELF file of this computer that runs until close()."""

    def __init__(self, elf: bytes, reset: Reset) -> None:
        """Start it.

        Raises:
            EmulatorError: it cannot be started.
        """
        self._ours, theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        environment = {
            **os.environ,
            "EDGEKIT_HOST_RESET": _CAUSES.get(reset, "power-on"),
            "EDGEKIT_HOST_REBOOT_CODE": str(REBOOT_CODE),
        }
        guard.start()
        try:
            with theirs, tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
                path = Path(folder) / "firmware.elf"
                path.touch(0o700)
                path.write_bytes(elf)
                self._process = _start(path, theirs.fileno(), self._errors.fileno(), environment)
        except OSError as error:
            self._ours.close()
            self._errors.close()
            raise EmulatorError(f"the program in flash memory does not start: {error}") from error
        guard.watch(self._process.pid)

    @property
    def pid(self) -> int:
        """Of the process, which leads a process group of its own."""
        return self._process.pid

    def fileno(self) -> int:
        """Can be read when the program has written, or ended."""
        return self._ours.fileno()

    def read(self) -> bytes | None:
        """What it has written, b"" if nothing; None when it can write no more."""
        try:
            return self._ours.recv(_READ_BYTES) or None
        except BlockingIOError:
            return b""
        except ConnectionError:
            return None

    def write(self, received: bytes) -> None:
        """Give it bytes from the host; a program that reads none loses what is too many."""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            self._ours.send(received)

    def exit_code(self) -> int:
        """How it ended, now that it writes no more; -n if by signal n."""
        try:
            return self._process.wait(_GASP_S)
        except subprocess.TimeoutExpired:  # it closed its output and lives on
            self._kill()
            return self._process.wait()

    def last_output(self) -> str:
        """The end of what it wrote on its standard error: not the link."""
        size = os.fstat(self._errors.fileno()).st_size
        tail = os.pread(self._errors.fileno(), _TAIL_BYTES, max(0, size - _TAIL_BYTES))
        return tail.decode(errors="replace").strip()

    def close(self) -> None:
        """End it and reap it."""
        self._kill()
        self._process.wait()
        guard.release(self._process.pid)
        self._ours.close()
        self._errors.close()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


def _start(
    path: Path, line: int, errors: int, environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    """Start the file; it may be busy while another thread forks."""
    for attempt in range(_BUSY_ATTEMPTS):
        try:
            return processes.start(
                [str(path)], stdin=line, stdout=line, stderr=errors, env=environment
            )
        except OSError as error:
            if error.errno != errno.ETXTBSY or attempt == _BUSY_ATTEMPTS - 1:
                raise
            time.sleep(0.02)
    raise AssertionError("unreachable")
