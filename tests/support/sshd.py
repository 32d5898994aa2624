"""A real sshd on 127.0.0.1 with keys of its own: the Linux machine on the other side.

A conftest imports the fixtures `one_server` and `server`.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

#: Name of the other side in the ssh configuration that `Sshd.ssh` is given.
HOST = "pi"

_SSHD = shutil.which("sshd", path=os.defpath + ":/usr/sbin:/usr/local/sbin")
_START_S = 10.0


@dataclass(frozen=True)
class Sshd:
    """One that runs."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def ssh(self) -> str:
        """For EDGEKIT_SSH."""
        return f"ssh -F {self.folder}/config"

    @property
    def places(self) -> Path:
        """$TMPDIR of the other side: what connections leave there."""
        return self.folder / "tmp"

    def configure(self, **changed: str) -> None:
        """Write the client's configuration, with some of it changed."""
        options = {
            "HostName": "127.0.0.1",
            "Port": str(self.port),
            "User": pwd.getpwuid(os.getuid()).pw_name,
            "IdentityFile": f"{self.folder}/user",
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": f"{self.folder}/known_hosts",
            "GlobalKnownHostsFile": "/dev/null",
        }
        lines = [f"  {name} {value}\n" for name, value in (options | changed).items()]
        (self.folder / "config").write_text(f"Host {HOST}\n" + "".join(lines))

    def know(self, key: str) -> None:
        """Make `key` (a file's stem) the host key that the client knows."""
        public = (self.folder / f"{key}.pub").read_text()
        (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {public}")

    def sessions(self) -> set[int]:
        """Processes of sshd for connections."""
        found, parents = {self.process.pid}, _parents()
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= {pid for pid in more if _name(pid).startswith("sshd")}
            parents = {pid: parent for pid, parent in parents.items() if pid not in more}
        return found - {self.process.pid}

    def cut(self) -> None:
        """Lose all connections, as when the machine's network goes."""
        for pid in self.sessions():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def left(self) -> list[str]:
        """What still runs for edgekit on the other side, or lies there, after some patience."""
        deadline = time.monotonic() + 10
        while (found := [*_running(self.folder), *(p.name for p in self.places.iterdir())]) and (
            time.monotonic() < deadline
        ):
            time.sleep(0.05)
        return found


@contextlib.contextmanager
def running(folder: Path, *options: str, path: str = "") -> Iterator[Sshd]:
    """Start one that keeps all it has in `folder`; skip the test where there is no sshd.

    Args:
        options: lines for its configuration.
        path: folders to look for programs in before others, each with a colon after it.
    """
    if _SSHD is None or shutil.which("ssh") is None:
        pytest.skip("needs openssh-server and openssh-client")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # it insists on having it
    for name in ("host", "other", "user", "stranger"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    (folder / "tmp").mkdir(exist_ok=True)
    port = _free_port()
    (folder / "sshd_config").write_text(
        "".join(
            f"{line}\n"
            for line in (
                *options,
                f"ListenAddress 127.0.0.1:{port}",
                f"HostKey {folder}/host",
                f"AuthorizedKeysFile {folder}/user.pub",
                f"PidFile {folder}/pid",
                "StrictModes no",
                "UsePAM no",
                "PasswordAuthentication no",
                "KbdInteractiveAuthentication no",
                "PermitRootLogin prohibit-password",
                f"SetEnv TMPDIR={folder}/tmp PATH={path}{os.environ['PATH']}",
            )
        )
    )
    with (folder / "log").open("wb") as log:
        command = [_SSHD, "-D", "-e", "-f", str(folder / "sshd_config")]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log)
    server = Sshd(folder, port, process)
    server.know("host")
    server.configure()
    try:
        _wait_until_it_listens(server)
        _skip_if_locked(server)
        yield server
    finally:
        server.cut()
        process.terminate()
        process.wait()


@pytest.fixture(scope="session")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def server(one_server: Sshd, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    """As it is after installation; nothing may be left there."""
    one_server.know("host")
    one_server.configure()
    monkeypatch.setenv("EDGEKIT_SSH", one_server.ssh)
    yield one_server
    assert one_server.left() == []


def _wait_until_it_listens(server: Sshd) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        assert server.process.poll() is None, (server.folder / "log").read_text()
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, (server.folder / "log").read_text()
            time.sleep(0.02)


def _skip_if_locked(server: Sshd) -> None:
    """Without PAM, which needs root, sshd refuses accounts whose password is locked."""
    if os.getuid() == 0:
        return
    subprocess.run([*server.ssh.split(), "-o", "BatchMode=yes", HOST, "true"], capture_output=True)
    if "account is locked" in (server.folder / "log").read_text():
        pytest.skip("this user's account is locked: sshd lets it in only with PAM")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _running(folder: Path) -> list[str]:
    """Command lines of edgekit's processes on the other side, and of its ssh on this one."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            both = command + (entry / "environ").read_bytes()
            if b"EDGEKIT_REMOTE=" in both and os.fsencode(folder) in both:
                found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found


def _parents() -> dict[int, int]:
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return ""
