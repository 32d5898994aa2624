"""A board that esptool writes is flashed before it is measured: `edgekit run --port`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from edgekit import boards, emulators, pipeline, toolchain
from edgekit.emulators import VirtualEsp32
from edgekit.errors import UserError, WrongBoardError
from edgekit.pipeline import BuiltFirmware, Where, virtual
from edgekit.pipeline.reaching import on_board
from edgekit.progress import silent


@pytest.fixture
def built(model: Path, tmp_path: Path) -> BuiltFirmware:
    """As `edgekit build -o` leaves it for an ESP32, but for the code within its image."""
    board = boards.load("esp32")
    made = pipeline.build(virtual.compile(model, board), directory=tmp_path)
    parts = emulators.stand_in(made.image.elf, board, made.image.elf.parent)
    image = dataclasses.replace(made.image, flash_parts=parts)
    graph = made.model.graph
    toolchain.write_flash_manifest(image, board, model_name=graph.name, model_sha256=graph.sha256)
    real = {"flash": "esptool", "esptool": board.esptool, "emulator": None}
    compiled = dataclasses.replace(made.model, board=made.model.board.model_copy(update=real))
    return BuiltFirmware(model=compiled, image=image)


def test_a_board_is_flashed_and_what_it_runs_is_measured(built: BuiltFirmware, tmp_path: Path):
    with (
        VirtualEsp32(boards.load("esp32")) as chip,
        on_board(built, tmp_path, Where(port=chip.serial_port), silent) as device,
    ):
        assert chip.resets  # it was flashed
        assert device.hello.build_id == built.image.build_id
        measured = pipeline.measure(device, built.model, 2, image=built.image, runs=2)
    assert measured.verify.mismatched_bytes == 0 < measured.verify.compared_bytes
    assert measured.board == "esp32"


def test_a_board_that_is_another_chip_is_not_measured(built: BuiltFirmware, tmp_path: Path):
    with (
        VirtualEsp32(boards.load("esp32-c3")) as chip,
        pytest.raises(WrongBoardError, match="is an ESP32-C3, the image is for an ESP32 "),
        on_board(built, tmp_path, Where(port=chip.serial_port), silent),
    ):
        pass


def test_only_an_interpreters_arena_can_be_fitted(model: Path):
    with pytest.raises(UserError, match="fitted only for engine tflm"):
        pipeline.run(model, "host", fit=True)
