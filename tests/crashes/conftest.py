from __future__ import annotations

from collections.abc import Callable

import pytest
from support.command import command, own_cache
from support.faulty import Faulty, faulty_firmware
from support.firmware import ready
from support.guru import Guru, build_guru

__all__ = ["command", "own_cache"]


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
