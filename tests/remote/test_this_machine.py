"""The computer that edgekit itself runs on, as a machine among others."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from edgekit.errors import RemoteError
from edgekit.remote import ThisMachine

HERE = ThisMachine()


def test_a_program_is_put_and_run():
    with HERE.directory() as directory:
        HERE.put(b"#!/bin/sh\necho $1 there\n", f"{directory}/say", executable=True)
        assert HERE.run([f"{directory}/say", "who is"]) == "who is there\n"
        assert [path.name for path in Path(directory).iterdir()] == ["say"]
    assert not Path(directory).exists()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["/nowhere/at/all"], "does not start: No such file"),
        (
            [sys.executable, "-c", "import sys; sys.exit('out of luck')"],
            "failed on .*: out of luck",
        ),
        (["false"], "false failed on this computer: 1"),
    ],
)
def test_a_program_that_fails_is_said(command: list[str], said: str):
    with pytest.raises(RemoteError, match=said):
        HERE.run(command)


def test_a_program_that_takes_too_long_is_said():
    with pytest.raises(RemoteError, match="sleep took longer than"):
        HERE.run(["sleep", "10"], timeout_s=0.05)


def test_a_file_is_read_or_it_is_not_there(tmp_path: Path):
    (tmp_path / "a").write_text("b")
    assert HERE.read(f"{tmp_path}/a") == "b"
    assert HERE.read(f"{tmp_path}/c") is None


def test_what_cannot_be_written_is_said(tmp_path: Path):
    with pytest.raises(RemoteError, match="cannot be written: No such file"):
        HERE.put(b"", f"{tmp_path}/nowhere/file")


def test_a_program_is_spoken_with_and_ended():
    program = HERE.start(["sh", "-c", "echo ready; echo working >&2; cat"])
    output, input = program.fileno()
    assert os.read(output, 100) == b"ready\n"
    os.write(input, b"hello")
    assert os.read(output, 100) == b"hello"
    assert program.poll() is None
    program.close()
    program.close()
    assert program.poll() is not None
    assert program.last_words() == "working"
