"""A model too large for a board: by how much, and where it fits."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command import Command
from support.dense import dense_graph
from support.firmware import ready

import edgekit
from edgekit import boards
from edgekit.boards import Board
from edgekit.errors import DoesNotFitError
from edgekit.frontends import tflite_writer


@pytest.fixture(scope="session")
def wide_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Activations of 4 MiB, hardly any weights."""
    path = tmp_path_factory.mktemp("models") / "wide.tflite"
    path.write_bytes(tflite_writer.write(dense_graph(rows=1 << 20, size=2)))
    return path


def smaller(board: Board, **sizes: int) -> Board:
    """`board` with other sizes of its memories."""
    memories = tuple(
        region.model_copy(update={"size_bytes": sizes.get(region.kind, region.size_bytes)})
        for region in board.memories
    )
    return board.model_copy(update={"memories": memories})


def test_too_much_ram_says_by_how_much_and_where_it_fits(command: Command, wide_model: Path):
    board = boards.load("qemu-cortex-m0plus")
    with pytest.raises(DoesNotFitError) as caught:
        edgekit.compile(wide_model, board)
    error = caught.value
    assert error.memory == "RAM"
    assert error.free_bytes == board.ram_bytes
    assert error.needed_bytes > 4 << 20
    assert "host" in error.fits
    assert board.id not in error.fits
    done = command("run", wide_model, "--board", board.id)
    too_many = f"{error.needed_bytes - error.free_bytes:,} too many"
    done.said(2, "bytes of RAM", board.id, too_many, "it fits on:", "host")


def test_too_much_flash_memory_says_so(model: Path):
    with pytest.raises(DoesNotFitError, match=r"bytes of flash memory but .* has 100: ") as caught:
        edgekit.compile(model, smaller(boards.load("qemu-cortex-m4"), flash=100))
    assert {"host", "qemu-cortex-m7"} <= set(caught.value.fits)


def test_what_fits_nowhere_says_so():
    error = DoesNotFitError(board="b", memory="RAM", needed_bytes=3000, free_bytes=2000)
    assert str(error) == "the model needs 3,000 bytes of RAM but b has 2,000: 1,000 too many"
    assert error.hint == "it fits on no board that edgekit has"


@pytest.mark.emulated
@pytest.mark.parametrize(
    ("kind", "size", "memory"), [("flash", 6000, "flash memory"), ("ram", 20_000, "RAM")]
)
def test_the_linker_says_it_of_the_whole_firmware(model: Path, kind: str, size: int, memory: str):
    """The model alone would fit: code, stack and the link's buffers do not."""
    board = smaller(ready("qemu-cortex-m4"), **{kind: size})
    compiled = edgekit.compile(model, board)
    with pytest.raises(DoesNotFitError) as caught:
        edgekit.build(compiled)
    error = caught.value
    assert (error.memory, error.free_bytes) == (memory, size)
    assert error.needed_bytes > size
    assert {"host", "qemu-cortex-m7"} <= set(error.fits)


def test_every_board_named_takes_the_model(wide_model: Path):
    with pytest.raises(DoesNotFitError) as caught:
        edgekit.compile(wide_model, "qemu-cortex-m0plus")
    for board_id in boards.known_boards():
        if board_id in caught.value.fits:
            edgekit.compile(wide_model, board_id)
        else:
            with pytest.raises(DoesNotFitError):
                edgekit.compile(wide_model, board_id)


def test_inspect_shows_what_is_missing_where(command: Command, wide_model: Path):
    done = command("inspect", wide_model)
    assert done.code == 0, done.stderr
    assert "bytes too little" in done.stdout
    assert "[red]" not in done.stdout
