"""What is asked of a Linux machine that runs models, be it this one or one behind ssh."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from edgekit import processes
from edgekit.errors import RemoteError

_TAIL_BYTES = 4096


class RunningProgram(Protocol):
    """A program on a machine, its standard input and output ours; ended when it is closed."""

    def fileno(self) -> tuple[int, int]:
        """File descriptors: what it says can be read from the first, the second it reads."""
        ...

    def poll(self) -> int | None:
        """None while it runs, else its exit code; -n if signal n ended it."""
        ...

    def wait(self, patience_s: float) -> int | None:
        """As poll(), but wait for its end for as long as `patience_s`."""
        ...

    def last_words(self) -> str:
        """The end of what it wrote on its standard error."""
        ...

    def close(self) -> None:
        """End it, on its machine too. Harmless when done twice."""
        ...


class Machine(Protocol):
    """A Linux machine that takes files and runs programs."""

    @property
    def name(self) -> str:
        """For messages: "this computer", "pi@raspberrypi.local"."""
        ...

    def run(self, command: Sequence[str], *, timeout_s: float = 30.0) -> str:
        """Run a program to its end and return what it wrote on its standard output.

        Raises:
            RemoteError: it failed, was not there, or took longer; with its last words.
        """
        ...

    def read(self, path: str) -> str | None:
        """The text of a small file, such as one of /proc or /sys; None if it cannot be read."""
        ...

    def directory(self) -> contextlib.AbstractContextManager[str]:
        """A new directory of the machine, for as long as the `with` statement lasts."""
        ...

    def put(self, content: bytes, path: str, *, executable: bool = False) -> None:
        """Make a file, whole or not at all.

        Raises:
            RemoteError: the disk is full, or the path may not be written.
        """
        ...

    def start(self, command: Sequence[str]) -> RunningProgram:
        """Start a program that is spoken with; that it cannot be started, its end may say."""
        ...

    def check(self) -> None:
        """Do nothing while the machine can be reached.

        Raises:
            RemoteError: the connection to it was lost.
        """
        ...


class ThisMachine:
    """The computer that edgekit itself runs on."""

    name = "this computer"

    def run(self, command: Sequence[str], *, timeout_s: float = 30.0) -> str:
        """Run a program to its end and return what it wrote on its standard output."""
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s
            )
        except subprocess.TimeoutExpired as error:
            raise RemoteError(
                f"{command[0]} took longer than {timeout_s:g} s on {self.name}"
            ) from error
        except OSError as error:
            raise RemoteError(f"{command[0]} does not start: {error.strerror}") from error
        if done.returncode != 0:
            words = done.stderr.decode(errors="replace").strip()
            raise RemoteError(f"{command[0]} failed on {self.name}: {words or done.returncode}")
        return done.stdout.decode(errors="replace")

    def read(self, path: str) -> str | None:
        """The text of a small file; None if it cannot be read."""
        try:
            return Path(path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None

    @contextlib.contextmanager
    def directory(self) -> Iterator[str]:
        """A new directory, for as long as the `with` statement lasts."""
        with tempfile.TemporaryDirectory(prefix="edgekit-") as path:
            yield path

    def put(self, content: bytes, path: str, *, executable: bool = False) -> None:
        """Make a file, whole or not at all."""
        target = Path(path)
        beside = target.with_name(f".{target.name}.part")
        try:
            beside.write_bytes(content)
            beside.chmod(0o755 if executable else 0o644)
            shutil.move(beside, target)
        except OSError as error:
            raise RemoteError(f"{path} cannot be written: {error.strerror}") from error
        finally:
            beside.unlink(missing_ok=True)

    def start(self, command: Sequence[str]) -> RunningProgram:
        """Start a program that is spoken with."""
        return LocalProgram(command)

    def check(self) -> None:
        """Nothing: it can always be reached."""


class LocalProgram:
    """A child process of this one: the program itself, or the ssh that leads to it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        try:
            self._process = processes.start(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
            )
        except OSError as error:
            self._errors.close()
            raise RemoteError(f"{command[0]} does not start: {error.strerror}") from error
        self._words = ""

    def fileno(self) -> tuple[int, int]:
        """What it says, and what it reads."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdout.fileno(), self._process.stdin.fileno()

    def poll(self) -> int | None:
        """None while it runs, else its exit code."""
        return self._process.poll()

    def wait(self, patience_s: float) -> int | None:
        """As poll(), but wait for its end for as long as `patience_s`."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience_s)
        return self.poll()

    def last_words(self) -> str:
        """The end of what it wrote on its standard error."""
        if not self.closed:
            start = max(0, os.fstat(self._errors.fileno()).st_size - _TAIL_BYTES)
            # at a place of its own: the program goes on writing where it is
            tail = os.pread(self._errors.fileno(), _TAIL_BYTES, start)
            self._words = tail.decode(errors="replace").strip()
        return self._words

    @property
    def closed(self) -> bool:
        """True after close()."""
        return self._errors.closed

    def end_input(self) -> None:
        """Let it read the end of its standard input."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def close(self) -> None:
        """End it."""
        if self.closed:
            return
        self.end_input()
        assert self._process.stdout is not None
        self._process.stdout.close()
        processes.end(self._process)
        self.last_words()
        self._errors.close()
