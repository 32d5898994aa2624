"""Garbage never crashes the server, and never makes it deaf."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent

#: About a second for each seed with the sanitizers; raise it for a night's work.
ROUNDS = int(os.environ.get("EDGEKIT_FUZZ_ROUNDS", "15000"))


@pytest.fixture(scope="module")
def fuzz_server(compile_c: Callable[..., Path]) -> Path:
    firmware = HERE.parents[1] / "firmware"
    server = [*(firmware / "protocol").glob("*.c"), *(firmware / "runtime").glob("*.c")]
    return compile_c("fuzz_server", *server, HERE / "fuzz_server.c", HERE / "tiny_model.c")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_any_garbage_a_hello_is_answered(fuzz_server: Path, seed: int):
    command = [fuzz_server, str(seed), str(ROUNDS)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60 + ROUNDS / 100)
    assert run.returncode == 0, run.stderr
    words = run.stdout.split()
    counts = dict(zip(words[::2], map(int, words[1::2]), strict=True))
    assert counts["rounds"] == ROUNDS
    assert counts["runs"] > ROUNDS / 10, "hardly any request was good enough to run the model"
