"""A model's constants and code in flash memory or in RAM, by choice: where they lie, that the image
still computes the same, and who has no choice."""

from __future__ import annotations

import dataclasses
import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from support.command import Command, command, own_cache
from support.firmware import ready, tiny_project
from support.zoo import ZOO

from edgekit import boards, pipeline, report, toolchain
from edgekit.boards import Board
from edgekit.errors import DoesNotFitError, UserError
from edgekit.frontends import tflite_writer
from edgekit.ir import Graph
from edgekit.project import ProjectOptions
from edgekit.report import tables
from edgekit.toolchain import FirmwareImage

__all__ = ["command", "own_cache"]

CORES = ["qemu-cortex-m0plus", "qemu-cortex-m4", "qemu-riscv32"]
OWN_START = ["rpi-pico", "rpi-pico2", "rpi-pico2-riscv", "esp32-c3"]
LAYERS: Graph = next(graph for graph in ZOO if graph.name == "layers")


def addresses(elf: Path) -> dict[str, int]:
    with elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        return {symbol.name: int(symbol["st_value"]) & ~1 for symbol in table.iter_symbols()}


def lies_in_ram(board: Board, address: int) -> bool:
    """On an ESP32-C3, RAM has a second address for code."""
    flash = board.memory("flash")
    assert flash is not None
    alias = 0x3C00_0000 if board.port == "esp32c3" else flash.start
    in_flash = any(start <= address < start + flash.size_bytes for start in (flash.start, alias))
    ram = board.memory("ram")
    assert ram is not None
    code = ram.start + (0x70_0000 if board.port == "esp32c3" else 0)
    in_ram = any(start <= address < start + ram.size_bytes for start in (ram.start, code))
    assert in_flash != in_ram
    return in_ram


def image_of(board: Board, directory: Path, **options: Any) -> FirmwareImage:
    return toolchain.build_project(
        tiny_project(board, directory, options=ProjectOptions(**options))
    )


def placed(board: Board, directory: Path, weights: str, kernels: str) -> FirmwareImage:
    """An image whose parts were seen to lie where they were asked for."""
    image = image_of(board, directory, weights_in=weights, kernels_in=kernels)
    at = addresses(image.elf)
    assert lies_in_ram(board, at["tiny_kernel"]) == (kernels == "ram")
    assert lies_in_ram(board, at["ek_tiny_weights"]) == (weights == "ram")
    assert lies_in_ram(board, at["ek_tiny"]) == (weights == "ram")
    assert not lies_in_ram(board, at["ek_server_run"])
    assert (image.weights_in, image.kernels_in) == (weights, kernels)
    return image


@pytest.mark.emulated
@pytest.mark.parametrize("board_id", [*CORES, *OWN_START])
def test_what_is_copied_to_ram_is_counted_there_and_still_in_flash_memory(
    board_id: str, tmp_path: Path
):
    board = boards.load(board_id, "none" if board_id in OWN_START else None)
    missing = toolchain.missing_for(board)
    if missing:
        pytest.skip(f"{board_id} needs {', '.join(missing)}")
    plain = placed(board, tmp_path / "plain", "flash", "flash")
    copied = placed(board, tmp_path / "copied", "ram", "ram")
    grown = copied.static_ram_bytes - plain.static_ram_bytes
    assert abs(grown - plain.inference_flash_bytes) <= 16  # and calls that the linker shortened
    assert abs(copied.inference_flash_bytes - plain.inference_flash_bytes) <= 16
    assert abs(copied.flash_bytes - plain.flash_bytes) < 256  # stepping stones of calls


@pytest.mark.emulated
def test_weights_and_kernels_have_their_places_apart(tmp_path: Path):
    board = ready("qemu-cortex-m4")
    plain = placed(board, tmp_path / "plain", "flash", "flash")
    weights = placed(board, tmp_path / "weights", "ram", "flash").static_ram_bytes
    kernels = placed(board, tmp_path / "kernels", "flash", "ram").static_ram_bytes
    constants, code = (grown - plain.static_ram_bytes for grown in (weights, kernels))
    assert constants > 16 and code > 16
    assert constants + code == plain.inference_flash_bytes


@pytest.mark.emulated
def test_constants_lie_in_ram_on_a_core_whose_code_cannot(tmp_path: Path):
    board = ready("qemu-xtensa")
    image = image_of(board, tmp_path / "weights", weights_in="ram")
    assert lies_in_ram(board, addresses(image.elf)["ek_tiny_weights"])
    assert (image.weights_in, image.kernels_in) == ("ram", None)
    with pytest.raises(UserError, match="qemu-xtensa has no choice of where kernels lie"):
        tiny_project(board, tmp_path / "kernels", options=ProjectOptions(kernels_in="ram"))


@pytest.mark.emulated
@pytest.mark.parametrize("board_id", CORES)
def test_copied_to_ram_a_model_gives_the_same_bytes_and_the_report_says_so(
    board_id: str, tmp_path: Path
):
    path = tmp_path / "model.tflite"
    path.write_bytes(tflite_writer.write(LAYERS))
    options = ProjectOptions(weights_in="ram", kernels_in="ram")
    measured = pipeline.run(path, ready(board_id), 2, options=options, runs=1)
    assert measured.verify.mismatched_bytes == 0 < measured.verify.compared_bytes
    document = json.loads(report.to_json(measured))
    assert document["build"]["weights_in"] == document["build"]["kernels_in"] == "ram"
    rows = [str(cell) for column in tables.summary(measured).columns for cell in column.cells]
    assert "the weights and the kernels' code" in rows


@pytest.mark.parametrize(
    ("board_id", "part"), list(product(("host", "esp32-s3"), ("weights", "kernels")))
)
def test_a_board_without_a_linker_script_of_ours_has_no_choice(
    board_id: str, part: str, tmp_path: Path
):
    board = boards.load(board_id)
    options = ProjectOptions(**{f"{part}_in": "ram"})  # type: ignore[arg-type]
    with pytest.raises(UserError, match=f"{board_id}.* has no choice of where {part} lie"):
        tiny_project(board, tmp_path / "p", options=options)
    assert not (tmp_path / "p").exists()


def test_platformio_builds_emulated_boards_without_a_choice(tmp_path: Path):
    options = ProjectOptions(weights_in="ram", builder="platformio")
    with pytest.raises(UserError, match="weights can be in RAM only where CMake builds"):
        tiny_project(boards.load("qemu-cortex-m4"), tmp_path, options=options)


def test_a_report_of_a_board_without_a_choice_says_nothing(tmp_path: Path):
    image = image_of(ready("host"), tmp_path)
    assert (image.weights_in, image.kernels_in) == (None, None)
    assert tables.copied_text(image.weights_in, image.kernels_in) == ""


@pytest.mark.emulated
def test_what_does_not_fit_into_ram_fits_into_flash_memory(tmp_path: Path):
    path = tmp_path / "model.tflite"
    path.write_bytes(tflite_writer.write(LAYERS))
    board = ready("qemu-cortex-m4")
    plain = pipeline.build(pipeline.compile(path, board)).image
    needed = board.stack_bytes + plain.static_ram_bytes + 8 * 1024
    memories = tuple(
        memory.model_copy(update={"size_bytes": needed}) if memory.kind == "ram" else memory
        for memory in board.memories
    )
    compiled = dataclasses.replace(
        pipeline.compile(path, board), board=board.model_copy(update={"memories": memories})
    )
    assert pipeline.build(compiled).image.static_ram_bytes == plain.static_ram_bytes
    with pytest.raises(DoesNotFitError) as caught:
        pipeline.build(compiled, options=ProjectOptions(weights_in="ram", kernels_in="ram"))
    assert (caught.value.memory, caught.value.free_bytes) == ("RAM", needed)
    assert str(caught.value.hint).startswith("leave weights and kernels in flash memory; it fits")


@pytest.mark.parametrize("option", ["--weights-in", "--kernels-in"])
def test_there_are_two_places(command: Command, tmp_path: Path, option: str):
    path = tmp_path / "model.tflite"
    path.write_bytes(tflite_writer.write(LAYERS))
    done = command("build", path, "--board", "host", option, "psram")
    assert done.code == 2
    assert f"error: {option} psram: there is no such place" in done.stderr
