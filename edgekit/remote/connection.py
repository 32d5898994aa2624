"""One connection of the system's ssh, which everything that is asked of a machine goes through."""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from edgekit import processes
from edgekit.errors import HostError, RemoteError, ToolMissingError
from edgekit.remote.refusals import refusal, words

SSH_VARIABLE = "EDGEKIT_SSH"  # another ssh, or options for it: "ssh -F file"

#: Nothing is asked, nothing is forwarded, a dead connection is found within 20 s, and what a
#: user's configuration runs for people stays away. Everything else is as configured.
_OPTIONS = (
    "BatchMode=yes",
    "ConnectTimeout=10",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    "ControlPersist=no",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
)
_LOGIN_S = 60.0  # someone may have to touch a key
_CLEANING_S = 15.0
_MARK = "EDGEKIT_REMOTE"
_SCRIPTS = Path(__file__).parent / "scripts"
#: A socket's path holds 104 bytes on some systems; ssh adds 17 while it makes one.
_LONGEST_FOLDER = 60


class Connection:
    """The ssh process that leads to a host; others go through it without logging in again.

    On the other side a small script stays meanwhile. When this connection ends, in whatever way,
    it ends what was started through it and removes `folder`.

    Raises:
        HostError, RemoteError: no connection came about.
        ToolMissingError: ssh is not installed.
    """

    def __init__(self, host: str, control: Path) -> None:
        if not host or host.startswith("-") or any(c.isspace() for c in host):
            raise HostError(f"{host!r} names no computer", hint="give --host USER@NAME")
        self.host, self._ssh = host, _ssh()
        self._control = control / "c"
        self._mark, self._count = f"{_MARK}={secrets.token_hex(8)}-", 0
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        client = self._client("ControlMaster=yes", "LogLevel=DEBUG1")
        try:
            self._process = self._start([*client, script("keep", self._mark, _text("end"))])
        except BaseException:
            self._said.close()
            raise
        try:
            self.folder = self._wait_for_keeper()
        except BaseException:
            self.close()
            raise

    def _start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        try:
            return processes.start(command, stdin=pipe, stdout=pipe, stderr=self._said)
        except OSError as error:
            raise ToolMissingError(
                f"{self._ssh[0]} does not start: {error.strerror}",
                hint="install it: `sudo apt-get install openssh-client`",
            ) from error

    def _client(self, *options: str) -> list[str]:
        path = f"ControlPath={self._control}"
        words = [word for option in (*_OPTIONS, path, *options) for word in ("-o", option)]
        return [*self._ssh, *words, "-T", self.host]

    def _wait_for_keeper(self) -> str:
        """Its folder, or the error that says why there is none."""
        assert self._process.stdout is not None
        output, deadline = self._process.stdout.fileno(), time.monotonic() + _LOGIN_S
        heard = b""
        while not (parts := heard.partition(f"{self._mark}\n".encode()))[2].endswith(b"\n"):
            ready, _, _ = select.select([output], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise RemoteError(
                    f"{self.host}: no shell within {_LOGIN_S:g} s: {words(self._words())}",
                    hint=f"try `ssh {self.host} true`",
                )
            received = os.read(output, 4096)
            if not received:
                self._process.wait()
                raise refusal(self.host, self._words() + heard.decode(errors="replace"))
            heard += received
        folder = parts[2].decode().strip()
        if not folder:
            raise RemoteError(
                f"{self.host}: no program can be put there: $TMPDIR, /tmp and the home directory "
                "are full, or not to be written, or mounted noexec",
                hint="make room there, or name another place by TMPDIR in /etc/environment there",
            )
        return folder

    def _words(self) -> str:
        size = os.fstat(self._said.fileno()).st_size
        return os.pread(self._said.fileno(), size, 0).decode(errors="replace")

    def new_mark(self) -> str:
        """What the environment of one program and of those that it starts shall have."""
        self._count += 1
        return f"{self._mark}{self._count}."

    def marked(self, mark: str, command: Sequence[str]) -> list[str]:
        """A local command that runs `command` on the other side.

        It first says a line that ends with the value of `mark`.
        """
        return self.plain(f"env {mark} {script('launch', *command)}")

    def plain(self, remote: str) -> list[str]:
        """A local command that has the login shell of the other side execute `remote`."""
        # should the connection have ended, ssh is not to make another of its own
        options = ("ControlMaster=no", "LogLevel=ERROR", "ProxyCommand=exec false")
        return [*self._client(*options), f"exec {remote}"]

    def end(self, mark: str) -> None:
        """End all processes with `mark` in their environment; nothing if the connection is lost."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            finish(self.plain(script("end", mark)), timeout_s=_CLEANING_S)

    def check(self, patience_s: float = 0.0) -> None:
        """Raise RemoteError if the connection is lost, or is within `patience_s`."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience_s)
            raise RemoteError(
                f"the connection to {self.host} was lost: {words(self._words()) or 'it ended'}",
                hint="check its power supply and its network, then try again",
            )

    def close(self) -> None:
        """End the connection, and all that was started through it."""
        if self._said.closed:
            return
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_CLEANING_S)
        finally:
            if self._process.poll() is None:
                processes.end(self._process)
            self._process.stdout.close()
            self._said.close()


@contextlib.contextmanager
def control_folder() -> Iterator[Path]:
    """A private folder for ssh's socket, with a path that is short enough for one."""
    parent = tempfile.gettempdir()
    if len(os.fsencode(parent)) > _LONGEST_FOLDER:
        parent = "/tmp"
    with tempfile.TemporaryDirectory(prefix="edgekit-", dir=parent) as folder:
        yield Path(folder)


def finish(
    command: Sequence[str], content: bytes = b"", *, timeout_s: float | None = None
) -> tuple[int, bytes, bytes]:
    """Exit code, output and errors of a local command that was given `content`.

    Raises:
        subprocess.TimeoutExpired: it took longer, and was ended.
    """
    pipe = subprocess.PIPE
    process = processes.start(command, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        output, errors = process.communicate(content, timeout=timeout_s)
    finally:
        if process.poll() is None:
            processes.end(process)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):  # of what was not sent any more
                    stream.close()
    return process.returncode, output, errors


def _ssh() -> list[str]:
    """The ssh that is to be used, with options for it."""
    command = os.environ.get(SSH_VARIABLE, "ssh")
    try:
        return shlex.split(command) or ["ssh"]
    except ValueError as error:
        raise HostError(
            f"{SSH_VARIABLE}={command}: {error}", hint='give a command, such as "ssh -F file"'
        ) from error


def script(name: str, *arguments: str) -> str:
    """Words for the shell of the other side that run one of our scripts there."""
    return shlex.join(("sh", "-c", _text(name), "sh", *arguments))


def _text(name: str) -> str:
    return (_SCRIPTS / f"{name}.sh").read_text(encoding="ascii")
