from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.command import Command, Done
from support.faulty import Faulty, faulty_firmware
from support.firmware import ready
from support.guru import Guru, build_guru

from edgekit import cli


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
    """command("monitor", …): edgekit's command line, in this process."""
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


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Faulty]:
    """The firmware that goes wrong, built once for each board."""
    known: dict[str, Faulty] = {}

    def build(board_id: str) -> Faulty:
        ready(board_id)
        if board_id not in known:
            folder = tmp_path_factory.mktemp(board_id)
            known[board_id] = faulty_firmware(board_id, folder / "project", folder / "dense.tflite")
        return known[board_id]

    return build


@pytest.fixture(scope="session")
def xtensa(tmp_path_factory: pytest.TempPathFactory) -> Guru:
    """An ELF at the addresses of an ESP32's code."""
    return build_guru("xtensa-lx106-elf", 0x400D_0000, tmp_path_factory.mktemp("xtensa"))


@pytest.fixture(scope="session")
def riscv(tmp_path_factory: pytest.TempPathFactory) -> Guru:
    """An ELF at the addresses of an ESP32-C3's code."""
    return build_guru("riscv64-unknown-elf", 0x4200_0000, tmp_path_factory.mktemp("riscv"))
