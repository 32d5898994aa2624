"""A Linux machine behind ssh."""

from __future__ import annotations

import contextlib
import hashlib
import os
import select
import subprocess
import time
from collections.abc import Iterator, Sequence

from edgekit.errors import RemoteError
from edgekit.remote.connection import Connection, control_folder, finish, script
from edgekit.remote.machine import LocalProgram, RunningProgram

_START_S = 30.0
_GRACE_S = 0.5  # for a program to end by itself when nothing more is to be read
_LOST = 255  # ssh's exit code when it could not do what was asked


@contextlib.contextmanager
def connect(host: str) -> Iterator[SshMachine]:
    """The machine that the system's `ssh host` leads to, with the user's keys and configuration.

    When the `with` statement ends, or this process dies, or the connection is lost, what was
    started there is ended, and the directories made there are removed.

    Args:
        host: "user@name", or a name of the ssh configuration.

    Raises:
        HostError: the host is unknown, has another key than is known, or refuses the login.
        RemoteError: it cannot be reached, or gives no shell.
        ToolMissingError: ssh is not installed.
    """
    with control_folder() as control:
        connection = Connection(host, control)
        try:
            yield SshMachine(connection)
        finally:
            connection.close()


class SshMachine:
    """What is asked of a Linux machine, over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.name = connection.host

    def run(self, command: Sequence[str], *, timeout_s: float = 30.0) -> str:
        """Run a program to its end and return what it wrote on its standard output."""
        code, output, errors = self._finished(command, timeout_s)
        if code != 0:
            raise RemoteError(f"{command[0]} failed on {self.name}: {errors.strip() or code}")
        return output

    def read(self, path: str) -> str | None:
        """The text of a small file; None if it cannot be read."""
        code, output, _ = self._finished(["cat", "--", path], _START_S)
        return output if code == 0 else None

    @contextlib.contextmanager
    def directory(self) -> Iterator[str]:
        """A new directory, for as long as the `with` statement lasts, or the connection does."""
        path = self.run(["mktemp", "-d", f"{self._connection.folder}/XXXXXXXX"]).strip()
        try:
            yield path
        finally:
            with contextlib.suppress(RemoteError):  # then the other side removes it itself
                self.run(["rm", "-rf", path])

    def put(self, content: bytes, path: str, *, executable: bool = False) -> None:
        """Make a file, whole or not at all."""
        digest = hashlib.sha256(content).hexdigest()
        mode = "700" if executable else "600"
        command = self._connection.plain(script("put", path, digest, mode))
        code, _, said = finish(command, content)
        if code == 0:
            return
        if code == _LOST:
            self._connection.check(_GRACE_S)
        raise _not_put(f"{self.name}: {path}", len(content), said.decode(errors="replace"))

    def start(self, command: Sequence[str]) -> RunningProgram:
        """Start a program that is spoken with."""
        return SshProgram(self._connection, command)

    def check(self) -> None:
        """Raise RemoteError if the connection was lost."""
        self._connection.check()

    def _finished(self, command: Sequence[str], timeout_s: float) -> tuple[int, str, str]:
        mark = self._connection.new_mark()
        try:
            code, output, errors = finish(
                self._connection.marked(mark, command), timeout_s=timeout_s
            )
        except subprocess.TimeoutExpired as error:
            self._connection.check()
            self._connection.end(mark)
            raise RemoteError(
                f"{command[0]} took longer than {timeout_s:g} s on {self.name}"
            ) from error
        if code == _LOST:
            self._connection.check(_GRACE_S)
        answer = output.partition(_greeting(mark))[2]  # a login shell may have said something too
        return code, answer.decode(errors="replace"), errors.decode(errors="replace")


class SshProgram(LocalProgram):
    """A program on the other side: the child process is the ssh that leads to it."""

    def __init__(self, connection: Connection, command: Sequence[str]) -> None:
        self._connection, self._mark = connection, connection.new_mark()
        super().__init__(connection.marked(self._mark, command))
        try:
            self._skip_greeting(command[0])
        except BaseException:
            self.close()
            raise

    def _skip_greeting(self, name: str) -> None:
        """Read, byte by byte, what comes before the program's own words."""
        output, heard = self.fileno()[0], b""
        deadline = time.monotonic() + _START_S
        while not heard.endswith(_greeting(self._mark)):
            ready, _, _ = select.select([output], [], [], max(0.0, deadline - time.monotonic()))
            byte = os.read(output, 1) if ready else b""
            if not byte:
                self._connection.check(_GRACE_S)
                raise RemoteError(
                    f"{name} does not start on {self._connection.host}: "
                    f"{self.last_words() or 'nothing was heard of it'}"
                )
            heard += byte

    def poll(self) -> int | None:
        """None while it runs, else its exit code; -n if signal n ended it; 255: not known."""
        code = super().poll()
        return 128 - code if code is not None and 128 < code < _LOST else code

    def close(self) -> None:
        """End it, on its machine too."""
        if self.closed:
            return
        try:
            self.end_input()
            if self.wait(_GRACE_S) is None:
                self._connection.end(self._mark)
        finally:
            super().close()


def _greeting(mark: str) -> bytes:
    """What scripts/launch.sh says first."""
    return mark.partition("=")[2].encode() + b"\n"


def _not_put(what: str, size: int, said: str) -> RemoteError:
    """Why a file was not made, by the words of scripts/put.sh, which end with those of df."""
    *told, table = said.strip().splitlines() or [""]
    free = table.split()[3:4]
    if "No space left" in said and free and free[0].isdecimal():
        return RemoteError(
            f"{what} does not fit: it needs {size:,} bytes, {int(free[0]) * 1024:,} are free there",
            hint="make room there, or name another place by TMPDIR in /etc/environment there",
        )
    return RemoteError(f"{what} cannot be written: {told[0] if told else said.strip()}")
