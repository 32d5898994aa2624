from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from edgekit import boards, resources
from edgekit.boards import Board
from edgekit.errors import BoardError

HOST = (resources.tree("boards") / "host.toml").read_text()
ESPTOOL = """
[esptool]
chip = "esp32"
image_chip_id = 0
bootloader_offset = 0x1000
source = "esptool"
"""
M4 = (resources.tree("boards") / "qemu-cortex-m4.toml").read_text()


def refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(BoardError) as caught:
        boards.read(path)
    return str(caught.value)


EVERY_FRAMEWORK = [
    (board.id, framework)
    for board in boards.all_boards()
    for framework in board.frameworks or (None,)
]


@pytest.mark.parametrize(("board_id", "framework"), EVERY_FRAMEWORK)
def test_a_board_names_only_files_that_exist_and_gives_a_source_for_each_fact(
    board_id: str, framework: str | None
):
    board = boards.load(board_id, framework)
    firmware = resources.tree("firmware")
    assert board.id == board_id
    assert any((firmware / "ports" / f"{board.port}{kind}").is_file() for kind in (".c", ".cpp"))
    assert not board.startup or list((firmware / "startup").glob(f"{board.startup}.[cS]"))
    assert not board.linker or (firmware / "startup" / f"{board.linker}.ld").is_file()
    assert board.clock_source
    assert board.count.source
    assert all(memory.source for memory in board.memories)
    assert all(
        section is None or section.source
        for section in (board.emulator, board.esptool, board.platformio)
    )
    assert board.reach.kind == "pty" or board.reach.source


def test_every_board_that_the_design_asks_for_is_there():
    cores = ("m0plus", "m3", "m4", "m7", "m33", "m55")
    wanted = {"host", "qemu-riscv32", "qemu-xtensa", *(f"qemu-cortex-{core}" for core in cores)}
    wanted |= {"rpi-pico", "pico-emulated"}
    wanted |= {"esp32", "esp32-s3", "esp32-s3-psram", "esp32-c3", "esp32-c6"}
    assert wanted <= {board.id for board in boards.all_boards()}


@pytest.mark.parametrize("board_id", [id for id in boards.known_boards() if id.startswith("esp32")])
def test_an_esp32_stands_on_esp_idf_by_default_and_on_arduino(board_id: str):
    default, arduino = boards.load(board_id), boards.load(board_id, "arduino")
    assert (default.framework, default.port) == ("espidf", "espidf")
    assert default.frameworks[:2] == ("espidf", "arduino")
    assert arduino.port == "arduino"
    for board in (default, arduino):
        assert board.platformio is not None
        assert board.platformio.framework == board.framework
        assert board.count.unit == "us"
        assert board.verified == "configured"


def test_what_esptool_is_told_of_a_chip_is_what_it_knows_itself():
    targets = pytest.importorskip("esptool.targets")
    for board in boards.all_boards():
        if board.esptool is not None:
            chip = targets.CHIP_DEFS[board.esptool.chip]
            assert board.esptool.image_chip_id == chip.IMAGE_CHIP_ID
            assert board.esptool.bootloader_offset == chip.BOOTLOADER_FLASH_OFFSET


def test_an_unknown_board_is_refused_with_the_nearest_and_all_known_ones():
    with pytest.raises(BoardError, match="no board 'qemu-cortex-m5'") as caught:
        boards.load("qemu-cortex-m5")
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("did you mean 'qemu-cortex-m")
    assert "host, pico-emulated, qemu-arm1176" in caught.value.hint


@pytest.mark.parametrize("board_id", ["../boards/host", "host.toml", "", "HOST"])
def test_an_id_is_a_name_and_never_a_path(board_id: str):
    with pytest.raises(BoardError, match="no board"):
        boards.load(board_id)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("name =", "nmae ="), "mine.toml: name: Field required"),
        (("port =", "prot = 1\nport ="), "mine.toml: unknown key 'prot'"),
        (("[count]\n", "[count]\nper_tick = 2\n"), "mine.toml: unknown key 'count.per_tick'"),
        (("clock_hz = 25_000_000", 'clock_hz = "fast"'), "mine.toml: clock_hz: "),
        (("size_bytes = 0x40_0000", "size_bytes = 0"), "mine.toml: memory.0.size_bytes: "),
        (('verified = "emulated"', 'verified = "surely"'), "mine.toml: verified: "),
        (('flash = "emulator"', 'flash = "uf2"'), "mine.toml: as a whole: "),
        (('kind = "ram"', 'kind = "flash"'), "mine.toml: as a whole: "),
        (('kind = "qemu"', 'kind = "process"'), "mine.toml: emulator: "),
        (("name =", 'id = "other"\nname ='), "mine.toml: id: "),
        (("[count]", "[count"), "mine.toml: "),
    ],
)
def test_a_malformed_file_is_refused_by_file_and_key(
    tmp_path: Path, change: tuple[str, str], complaint: str
):
    assert refusal(tmp_path, M4.replace(*change, 1)).startswith(complaint)


def test_a_missing_file_is_a_board_error(tmp_path: Path):
    with pytest.raises(BoardError, match=r"gone\.toml"):
        boards.read(tmp_path / "gone.toml")


def test_a_board_cannot_be_changed_and_can_be_a_key():
    board = boards.load("host")
    with pytest.raises(ValidationError):
        board.name = "other"  # type: ignore[misc]
    assert {board: 1}[boards.load("host")] == 1


def test_memories_add_up_and_an_operating_system_has_none():
    m55, host = boards.load("qemu-cortex-m55"), boards.load("host")
    assert (m55.flash_bytes, m55.ram_bytes) == (512 * 1024, 2 * 1024 * 1024)
    assert (host.flash_bytes, host.ram_bytes) == (None, None)
    assert m55.emulated
    assert not host.emulated


@pytest.mark.parametrize(
    ("board_id", "ticks", "ticks_hz", "count"),
    [
        ("host", 1_500, 1_000_000_000, 1.5),
        ("qemu-cortex-m3", 0, 25_000_000, 0),
        ("qemu-cortex-m3", 6, 25_000_000, 1),  # one instruction is 6.4 ticks
        ("qemu-cortex-m3", 7, 25_000_000, 1),
        ("qemu-cortex-m3", 6_400_000_000_000, 25_000_000, 10**12),
        ("qemu-cortex-m33", 512, 20_000_000, 100),
        ("qemu-cortex-m55", 8_192, 32_000_000, 1_000),
        ("qemu-xtensa", 512, 40_000_000, 100),
        ("qemu-riscv32", 123_456, 0, 123_456),
        ("pico-emulated", 123_456, 125_000_000, 123_456),
    ],
)
def test_ticks_become_the_boards_unit(board_id: str, ticks: int, ticks_hz: int, count: float):
    got = boards.load(board_id).count_of(ticks, ticks_hz)
    assert got == pytest.approx(count)
    assert isinstance(got, type(count))


def test_time_without_a_frequency_is_refused():
    with pytest.raises(BoardError, match="0 Hz"):
        boards.load("host").count_of(1, 0)


@pytest.mark.parametrize("board_id", ["qemu-cortex-m0plus", "qemu-cortex-m55", "qemu-xtensa"])
def test_where_between_two_ticks_a_reading_falls_does_not_change_the_count(board_id: str):
    board = boards.load(board_id)
    assert board.emulator is not None
    assert board.emulator.icount_shift is not None
    for instructions in (1, 1_000, 12_345_678, 10**12 + 7):
        whole = instructions * (board.clock_hz << board.emulator.icount_shift) // 10**9
        for ticks in (whole, whole + 1):
            assert board.count_of(ticks, board.clock_hz) == instructions


def test_a_real_board_may_be_described(tmp_path: Path):
    text = HOST.replace('flash = "emulator"', 'flash = "esptool"').split("[emulator]")[0]
    path = tmp_path / "real.toml"
    path.write_text(
        text.replace('kind = "pty"', 'kind = "usb"\nusb = ["10c4:ea60"]\nbaud = 115200') + ESPTOOL
    )
    board: Board = boards.read(path)
    assert not board.emulated
    assert board.reach.usb == ("10c4:ea60",)


FRAMEWORKS = """
[frameworks.none]
port = "riscv_virt"
[frameworks.host]
"""


def test_a_frameworks_keys_join_or_replace_those_of_the_file(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text(HOST + FRAMEWORKS)
    default, other = boards.read(path), boards.read(path, "host")
    assert (default.framework, default.port) == ("none", "riscv_virt")
    assert (other.framework, other.port) == ("host", "host")
    assert default.frameworks == other.frameworks == ("none", "host")


def test_a_framework_that_a_board_has_not_is_refused(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text(HOST + FRAMEWORKS)
    with pytest.raises(BoardError, match="mine has no framework 'arduino'") as caught:
        boards.read(path, "arduino")
    assert caught.value.hint == "it has: none, host"
    with pytest.raises(BoardError, match="host has no choice of frameworks"):
        boards.load("host", "arduino")
