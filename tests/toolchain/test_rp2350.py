"""Images of an RP2350 without a framework: as its boot ROM reads them, and as they then run."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.firmware import DRILL, tiny_project
from support.picobin import definition_in
from support.played_rp2350 import FLASH, RAM, RAM_BYTES, PlayedRp2350, flash_of
from support.zoo import ZOO

from edgekit import boards, pipeline, toolchain
from edgekit.boards import Board
from edgekit.frontends import tflite_writer
from edgekit.link import Device
from edgekit.link.messages import ResetCause
from edgekit.measurement import random_samples
from edgekit.project import Place, ProjectOptions
from edgekit.toolchain.uf2 import absolute_block

pytestmark = pytest.mark.emulated

KINDS = {"rpi-pico2": "arm", "rpi-pico2-riscv": "riscv"}
GRAPHS = {graph.name: graph for graph in ZOO}


@pytest.fixture(params=KINDS, scope="module")
def board(request: pytest.FixtureRequest) -> Board:
    board = boards.load(request.param, "none")
    missing = toolchain.missing_for(board)
    if missing:
        pytest.skip(f"{board.id} needs {', '.join(missing)}")
    return board


@pytest.fixture(scope="module")
def drilled(board: Board, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The UF2 of a program that does what it is told byte by byte."""
    project = tiny_project(board, tmp_path_factory.mktemp("drill"), main=DRILL)
    return uf2_of(toolchain.build_project(project))


def uf2_of(image: toolchain.FirmwareImage) -> bytes:
    (part,) = image.flash_parts
    return part.path.read_bytes()


def played(uf2: bytes, board: Board, **how: bool) -> PlayedRp2350:
    pytest.importorskip("unicorn", reason="the package unicorn plays the CPU")
    assert board.uf2 is not None
    return PlayedRp2350(uf2, family_id=board.uf2.family_id, **how)


def answer(chip: PlayedRp2350, size: int) -> bytes:
    received = b""
    while len(received) < size:
        got = chip.read(size - len(received), 1)
        assert got, f"{len(received)} bytes, and then it waits"
        received += got
    return received


def numbers(chip: PlayedRp2350, count: int) -> tuple[int, ...]:
    received = answer(chip, 8 * count)
    return tuple(int.from_bytes(received[i : i + 8], "little") for i in range(0, 8 * count, 8))


def test_the_boot_rom_finds_what_the_image_is_and_where_it_begins(board: Board, drilled: bytes):
    assert board.uf2 is not None
    image = flash_of(drilled, board.uf2.family_id)
    found = definition_in(image)
    assert (found.is_executable, found.chip, found.cpu) == (True, "RP2350", KINDS[board.id])
    assert found.is_secure == (found.cpu == "arm")
    if found.cpu == "arm":
        assert found.entry is None
        table = found.vector_table
        assert table is not None and table % 512 == 0  # 68 vectors
        stack, entry = (int.from_bytes(image[i : i + 4], "little") for i in (0, 4))
        assert entry & 1
    else:
        assert found.vector_table is None and found.entry is not None
        entry, stack = found.entry
    assert FLASH <= entry < FLASH + len(image)
    assert RAM < stack <= RAM + RAM_BYTES and stack % 16 == 0


def test_the_first_block_of_its_uf2_is_what_erratum_e10_asks_for(drilled: bytes):
    assert drilled.startswith(absolute_block())


def test_start_up_sets_flash_memory_clocks_and_uart_as_the_datasheet_asks(
    board: Board, drilled: bytes
):
    chip = played(drilled, board)
    chip.write(b"E\x05hello")
    assert answer(chip, 5) == b"hello"
    assert chip.clock_hz == board.clock_hz
    assert chip.flash_continuous and chip.flash_clock_hz == 75e6
    assert abs(chip.baud - 115200) < 50
    chip.write(b"S")
    cause, variables, stack = numbers(chip, 3)
    assert (cause, variables) == (ResetCause.POWER_ON, 1)
    assert board.stack_bytes - 512 < stack < board.stack_bytes


def test_flash_memory_that_has_no_four_wires_is_left_as_the_boot_rom_reads_it(
    board: Board, drilled: bytes
):
    chip = played(drilled, board, has_quad=False)
    chip.write(b"E\x01a")
    assert answer(chip, 1) == b"a"
    assert not chip.flash_continuous and chip.flash_clock_hz == 37.5e6


def test_a_wait_ends_and_a_restart_goes_through_the_watchdog(board: Board, drilled: bytes):
    chip = played(drilled, board)
    chip.write(b"W")
    assert numbers(chip, 1) == (1,)
    chip.write(b"S")
    assert numbers(chip, 3)[:2] == (ResetCause.POWER_ON, 1)
    chip.write(b"RS")
    assert numbers(chip, 3)[:2] == (ResetCause.SOFTWARE, 1)
    assert chip.starts == 2


@pytest.mark.parametrize(("name", "place"), [("layers", "flash"), ("mixed", "ram")])
def test_a_model_gives_the_references_bytes(board: Board, name: str, place: Place, tmp_path: Path):
    path = tmp_path / "model.tflite"
    path.write_bytes(tflite_writer.write(GRAPHS[name]))
    compiled = pipeline.compile(path, board)
    options = ProjectOptions(weights_in=place, kernels_in=place)
    firmware = pipeline.build(compiled, options=options)
    with Device(played(uf2_of(firmware.image), board)) as device:
        assert device.hello.board_id == board.id
        assert device.hello.build_id == firmware.image.build_id
        samples = random_samples(compiled.source_graph, 2)
        measured = pipeline.measure(
            device, compiled, samples, image=firmware.image, profile=True, runs=2
        )
    assert measured.verify.mismatched_bytes == 0 < measured.verify.compared_bytes
    assert measured.invoke.unit == "us"


def test_the_end_of_main_is_a_restart_that_the_next_start_knows_of(board: Board, drilled: bytes):
    chip = played(drilled, board)
    chip.write(b"Q")  # main returns 3
    chip.write(b"S")
    assert numbers(chip, 3)[:2] == (ResetCause.FAULT, 1)


def test_a_fault_is_told_on_the_link_and_to_the_next_start(board: Board, drilled: bytes):
    chip = played(drilled, board)
    chip.write(b"F")
    said = b""
    while chip.starts == 1:
        said += chip.read(4096, 1)
    said += chip.read(4096, 1)
    kind = b"cause 0x00000007" if KINDS[board.id] == "riscv" else b"exception 0x"
    assert b"edgekit: fault, " + kind in said
    assert b" at pc 0x100" in said
    assert b"Stack memory:\r\n2000" in said
    chip.write(b"S")
    assert numbers(chip, 3)[:2] == (ResetCause.FAULT, 1)
