"""A machine behind a real sshd."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import sshd
from support.sshd import Sshd

from edgekit import remote
from edgekit.remote import SshMachine


@pytest.fixture(scope="session")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd.running(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def server(one_server: Sshd, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    """As it is after installation; nothing may be left there."""
    one_server.know("host")
    one_server.configure()
    monkeypatch.setenv("EDGEKIT_SSH", one_server.ssh)
    yield one_server
    assert one_server.left() == []


@pytest.fixture
def machine(server: Sshd) -> Iterator[SshMachine]:
    with remote.connect(sshd.HOST) as connected:
        yield connected
