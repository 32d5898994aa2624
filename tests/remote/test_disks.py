"""Disks of the other side that are full, or that no program runs from."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import sshd
from support.sshd import HOST, Sshd

from edgekit import remote
from edgekit.errors import RemoteError


@contextlib.contextmanager
def on_disk(folder: Path, options: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    """A server whose $TMPDIR is a small file system of its own."""
    if os.getuid() != 0:
        pytest.skip("only root can mount a small disk")
    (folder / "tmp").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size=256k,{options}", "tmpfs", str(folder / "tmp")]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("this container cannot mount a tmpfs")
    try:
        with sshd.running(folder) as server:
            monkeypatch.setenv("EDGEKIT_SSH", server.ssh)
            yield server
    finally:
        subprocess.run(["umount", str(folder / "tmp")], check=True)


def test_a_full_disk_is_said_with_how_much_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with on_disk(tmp_path, "exec", monkeypatch) as server:
        with remote.connect(HOST) as machine, machine.directory() as directory:
            with pytest.raises(RemoteError) as caught:
                machine.put(os.urandom(300_000), f"{directory}/firmware")
            assert machine.run(["ls", "-A", directory]) == ""
            machine.put(os.urandom(200_000), f"{directory}/firmware")
        assert server.left() == []
    assert "does not fit: it needs 300,000 bytes, 262,144 are free there" in str(caught.value)
    assert "TMPDIR" in str(caught.value.hint)


def test_where_no_program_runs_another_place_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with on_disk(tmp_path, "noexec", monkeypatch) as server:
        with remote.connect(HOST) as machine, machine.directory() as directory:
            assert directory.startswith("/tmp/edgekit-")
            machine.put(b"#!/bin/sh\n", f"{directory}/program", executable=True)
            machine.run([f"{directory}/program"])
        assert not Path(directory).parent.exists()
        assert server.left() == []


def test_no_place_at_all_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As with disks that are full to the last byte, or read-only."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "mktemp").symlink_to("/bin/false")
    with sshd.running(tmp_path, path=f"{tmp_path}/bin:") as server:
        monkeypatch.setenv("EDGEKIT_SSH", server.ssh)
        with pytest.raises(RemoteError, match="no program can be put there"), remote.connect(HOST):
            pass
        assert server.left() == []
