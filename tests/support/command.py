"""edgekit's command line in this process, and what a command left behind.

A conftest imports the fixtures `command` and `own_cache`.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgekit import cli


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str

    def said(self, code: int, *words: str) -> None:
        """Assert an error with all `words` and a hint, and nothing on stdout."""
        self.failed(code, "hint: ", *words)

    def failed(self, code: int, *words: str) -> None:
        """Assert an error with all `words`, and nothing on stdout."""
        assert self.code == code, self.stderr
        assert self.stderr.startswith("error: "), self.stderr
        flat = " ".join(self.stderr.split())
        for word in words:
            assert word in flat, self.stderr
        assert "internal error" not in flat
        assert self.stdout == ""


Command = Callable[..., Done]


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEKIT_CACHE", str(folder))
        patch.setenv("COLUMNS", "100")
        patch.setenv("NO_COLOR", "1")
        yield folder


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """command("run", path, …): edgekit's command line."""
    handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def call(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["edgekit", *map(str, words)])
        capfd.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        return Done(code, *capfd.readouterr())

    yield call
    for number, handler in handlers.items():
        signal.signal(number, handler)
