"""A machine behind a real sshd: files, programs, and what becomes of them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from support.sshd import HOST, Sshd

from edgekit import remote
from edgekit.errors import RemoteError
from edgekit.remote import RunningProgram, SshMachine

ECHO = ["sh", "-c", "echo ready; echo working >&2; cat"]
#: Does not read, so that it does not notice that nobody is there any more.
BUSY = ["sh", "-c", "trap '' HUP TERM PIPE; echo ready; while :; do sleep 60; done"]


def heard(program: RunningProgram) -> bytes:
    return os.read(program.fileno()[0], 100)


def test_a_program_is_put_and_run(machine: SshMachine):
    with machine.directory() as directory:
        machine.put(b"#!/bin/sh\necho $1 there\n", f"{directory}/say", executable=True)
        assert machine.run([f"{directory}/say", "who's $HOME"]) == "who's $HOME there\n"
        assert machine.run(["ls", "-A", directory]) == "say\n"
    assert machine.read(f"{directory}/say") is None


def test_a_file_of_any_bytes_replaces_another(machine: SshMachine, tmp_path: Path):
    content = os.urandom(1_000_000)
    for sent in (b"", content):
        machine.put(sent, f"{tmp_path}/it's a file")
        assert (tmp_path / "it's a file").read_bytes() == sent


def test_a_file_is_read_or_it_is_not_there(machine: SshMachine, tmp_path: Path):
    (tmp_path / "a").write_text("b\n\nc")
    assert machine.read(f"{tmp_path}/a") == "b\n\nc"
    assert machine.read(f"{tmp_path}/c") is None


def test_what_cannot_be_written_is_said(machine: SshMachine, tmp_path: Path):
    with pytest.raises(RemoteError, match=r"pi: .*nowhere/file cannot be written: .*nonexistent"):
        machine.put(b"", f"{tmp_path}/nowhere/file")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["/nowhere/at/all"], "at/all failed on pi: .*not found"),
        (["sh", "-c", "echo out of luck >&2; exit 255"], "sh failed on pi: out of luck"),
        (["false"], "false failed on pi: 1"),
    ],
)
def test_a_program_that_fails_is_said(machine: SshMachine, command: list[str], said: str):
    with pytest.raises(RemoteError, match=said):
        machine.run(command)
    machine.check()


def test_a_program_that_takes_too_long_is_said_and_ended(machine: SshMachine):
    with pytest.raises(RemoteError, match="sleep took longer than"):
        machine.run(["sleep", "61.5"], timeout_s=0.5)
    assert "61.5" not in machine.run(["ps", "-eo", "args"])


def test_a_program_is_spoken_with_and_ended(machine: SshMachine):
    program = machine.start(ECHO)
    assert heard(program) == b"ready\n"
    os.write(program.fileno()[1], b"hello")
    assert heard(program) == b"hello"
    assert program.poll() is None
    program.close()
    program.close()
    assert program.poll() == 0  # it saw the end of what it reads
    assert program.last_words() == "working"


def test_a_program_that_does_not_read_is_ended_all_the_same(machine: SshMachine):
    program = machine.start(BUSY)
    assert heard(program) == b"ready\n"
    program.close()
    assert "while :" not in machine.run(["ps", "-eo", "args"])


@pytest.mark.parametrize(("how", "code"), [("exit 3", 3), ("kill -SEGV $$", -signal.SIGSEGV)])
def test_how_a_program_ended_is_told(machine: SshMachine, how: str, code: int):
    program = machine.start(["sh", "-c", f"echo bad >&2; {how}"])
    assert heard(program) == b""
    while program.poll() is None:
        time.sleep(0.01)
    assert program.poll() == code
    assert program.last_words().startswith("bad")
    program.close()


def test_what_a_login_shell_says_is_no_answer(
    server: Sshd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """As `echo` in a ~/.bashrc does, which breaks scp."""
    noisy = tmp_path / "ssh"
    noisy.write_text(
        '#!/bin/sh\nfor last; do :; done\ncase $last in exec*) printf "welcome to $(hostname)";; '
        f'esac\nexec {server.ssh} "$@"\n'
    )
    noisy.chmod(0o755)
    monkeypatch.setenv("EDGEKIT_SSH", str(noisy))
    with remote.connect(HOST) as machine:
        assert machine.run(["echo", "a"]) == "a\n"
        program = machine.start(ECHO)
        assert heard(program) == b"ready\n"
        program.close()


@pytest.mark.parametrize("command", [ECHO, BUSY])
def test_a_lost_connection_is_found_and_leaves_nothing(server: Sshd, command: list[str]):
    with remote.connect(HOST) as machine, machine.directory() as directory:
        machine.put(b"1", f"{directory}/file")
        program = machine.start(command)
        assert heard(program) == b"ready\n"
        server.cut()
        assert heard(program) == b""
        with pytest.raises(RemoteError, match=r"the connection to pi was lost: .*closed"):
            machine.run(["true"])
        with pytest.raises(RemoteError, match="the connection to pi was lost"):
            machine.check()
        with pytest.raises(RemoteError, match="the connection to pi was lost"):
            machine.put(b"2", f"{directory}/file")
        assert program.poll() == 255
        assert server.left() == []
        program.close()


def test_an_error_on_this_side_leaves_nothing(server: Sshd):
    started: list[RunningProgram] = []

    def interrupted() -> None:
        with remote.connect(HOST) as machine, machine.directory() as directory:
            machine.put(b"1", f"{directory}/file")
            started.append(machine.start(BUSY))
            assert heard(started[0]) == b"ready\n"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert server.left() == []
    started[0].close()
