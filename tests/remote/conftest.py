"""A machine behind a real sshd."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import sshd
from support.sshd import one_server, server

from edgekit import remote
from edgekit.remote import SshMachine

__all__ = ["one_server", "server"]


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshMachine]:
    """One that nothing bad is done to."""
    with (
        sshd.running(tmp_path_factory.mktemp("machine")) as its_own,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("EDGEKIT_SSH", its_own.ssh)
        with remote.connect(sshd.HOST) as connected:
            patch.undo()
            yield connected
        assert its_own.left() == []
