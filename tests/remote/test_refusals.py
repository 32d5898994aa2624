"""Why a connection does not come about: each cause with a sentence and a way out of its own."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from support import sshd
from support.sshd import HOST, Sshd

from edgekit import remote
from edgekit.errors import EdgekitError, HostError, RemoteError, ToolMissingError
from edgekit.remote.refusals import refusal, words


def refused(host: str = HOST) -> tuple[EdgekitError, str]:
    """The error of a connection, and all that a user reads of it."""
    with pytest.raises(EdgekitError) as caught, remote.connect(host):
        pass
    return caught.value, f"{caught.value} {caught.value.hint}"


def test_another_host_key_names_the_line_and_how_to_forget_it(server: Sshd):
    server.know("other")
    error, said = refused()
    assert isinstance(error, HostError)
    assert f"not the one of {server.folder}/known_hosts:1" in said
    assert "another computer answers" in said
    assert f'ssh-keygen -f "{server.folder}/known_hosts" -R "[127.0.0.1]:{server.port}"' in said


def test_an_unknown_host_key_is_shown_and_how_to_accept_it(server: Sshd):
    (server.folder / "known_hosts").write_text("")
    error, said = refused()
    assert isinstance(error, HostError)
    assert "its host key is not known yet: ssh-ed25519 SHA256:" in said
    assert f"run `ssh {HOST}` once" in said


def test_a_refused_login_names_the_keys_that_were_offered(server: Sshd):
    server.configure(IdentityFile=f"{server.folder}/stranger")
    error, said = refused()
    assert isinstance(error, HostError)
    assert "Permission denied (publickey)" in said
    assert f"ssh offered the keys {server.folder}/stranger" in said
    assert f"ssh-copy-id {HOST}" in said


def test_a_refused_login_without_a_key_says_so(server: Sshd):
    server.configure(IdentityFile=f"{server.folder}/nothing", IdentityAgent="none")
    assert "ssh offered no key" in refused()[1]


def test_a_key_that_others_can_read_is_named(server: Sshd):
    bare = server.folder / "bare"
    bare.write_bytes((server.folder / "user").read_bytes())
    bare.chmod(0o644)
    server.configure(IdentityFile=str(bare))
    error, said = refused()
    bare.unlink()
    assert isinstance(error, HostError)
    assert f"chmod 600 {bare}" in said


def test_an_unknown_name_is_said(server: Sshd):
    server.configure(HostName="nowhere.invalid")
    error, said = refused()
    assert isinstance(error, HostError)
    assert "no computer of the name 'nowhere.invalid'" in said


def test_a_computer_without_a_server_is_said(server: Sshd):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        server.configure(Port=str(taken.getsockname()[1]))
        error, said = refused()
    assert isinstance(error, RemoteError)
    assert "no ssh server answers: " in said and "Connection refused" in said
    assert "raspi-config" in said


def test_who_hangs_up_before_the_login_is_said(server: Sshd):
    server.configure(ProxyCommand="true")
    error, said = refused()
    assert isinstance(error, RemoteError)
    assert "hung up before the login" in said


def test_a_wrong_configuration_is_said(server: Sshd):
    server.configure(Nonsense="yes")
    error, said = refused()
    assert isinstance(error, HostError)
    assert "Nonsense" in said or "nonsense" in said


@pytest.mark.parametrize("host", ["", "-oProxyCommand=x", "a b"])
def test_what_is_no_host_never_reaches_ssh(server: Sshd, host: str):
    error, said = refused(host)
    assert isinstance(error, HostError)
    assert f"{host!r} names no computer" in said


def test_a_missing_ssh_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EDGEKIT_SSH", "/nowhere/ssh -4")
    error, said = refused()
    assert isinstance(error, ToolMissingError)
    assert "/nowhere/ssh does not start" in said and "openssh-client" in said


def test_a_malformed_command_for_ssh_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EDGEKIT_SSH", "ssh -F 'file")
    error, said = refused()
    assert isinstance(error, HostError)
    assert "EDGEKIT_SSH=ssh -F 'file: No closing quotation" in said


def test_an_account_without_a_shell_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    command = "ForceCommand echo this account is for files only; exit 1"
    with sshd.running(tmp_path, command) as server:
        monkeypatch.setenv("EDGEKIT_SSH", server.ssh)
        error, said = refused()
        assert isinstance(error, RemoteError)
        assert "does not get a shell there: this account is for files only" in said


@pytest.mark.parametrize(
    ("said", "kind", "told"),
    [
        ("ssh: connect to host pi port 22: Connection timed out", RemoteError, "nobody answers"),
        ("ssh: connect to host pi port 22: No route to host", RemoteError, "nobody answers"),
        ("kex_exchange_identification: Connection closed by remote host", RemoteError, "hung up"),
        (
            "Received disconnect from 10.0.0.9 port 22:2: Too many authentication failures",
            HostError,
            "login was refused",
        ),
        ("debug1: a\nodd", RemoteError, "does not get a shell there: odd"),
        ("", RemoteError, "it said nothing"),
    ],
)
def test_what_cannot_be_brought_about_here(said: str, kind: type[EdgekitError], told: str):
    error = refusal("pi", said)
    assert isinstance(error, kind)
    assert told in str(error)
    assert error.hint


def test_words_are_what_is_wrong_and_not_what_ssh_does():
    assert words("debug1: hello\r\nOpenSSH_9.2\r\n@@@\r\nno\r\n") == "@@@; no"


def test_a_machine_that_never_answers_is_said(server: Sshd, monkeypatch: pytest.MonkeyPatch):
    """A port that takes connections, and then says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        server.configure(Port=str(port))
        monkeypatch.setenv("EDGEKIT_SSH", f"{server.ssh} -o ConnectTimeout=1")
        error, said = refused()
    assert isinstance(error, RemoteError)
    assert "nobody answers" in said
