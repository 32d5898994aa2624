"""UF2 files, each block of them checked, and drives that take them."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pytest

from edgekit.errors import FlashError, ImageError, UserError, WrongBoardError
from edgekit.flash import bootsel, picotool, read, read_uf2
from edgekit.flash.uf2_image import Uf2Image
from edgekit.progress import silent
from edgekit.toolchain import uf2

RP2040 = 0xE48BFF56
CONTENT = uf2.write_uf2(bytes(range(256)) * 40, 0x1000_0000, RP2040)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "firmware.uf2"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def image(file: Path) -> Uf2Image:
    return read_uf2(file)


def drive(path: Path, board_id: str = "RPI-RP2") -> bootsel.Drive:
    path.mkdir()
    text = f"UF2 Bootloader v3.0\r\nModel: Raspberry Pi RP2\r\nBoard-ID: {board_id}\r\n"
    (path / "INFO_UF2.TXT").write_text(text)
    return bootsel.named(path)


def test_a_bare_file_is_for_the_board_of_its_family(image: Uf2Image):
    assert (image.drive_id, image.build_id, image.content) == ("RPI-RP2", "", CONTENT)


def test_the_block_of_an_erratum_belongs_to_no_image(tmp_path: Path):
    path = tmp_path / "arm.uf2"
    path.write_bytes(uf2.absolute_block() + uf2.write_uf2(b"x", 0x1000_0000, 0xE48BFF59))
    assert read_uf2(path).drive_id == "RP2350"


def _changed(at: int, by: bytes) -> bytes:
    return CONTENT[:at] + by + CONTENT[at + len(by) :]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has 0 bytes"),
        (CONTENT[:-1], "is made of blocks of 512"),
        (CONTENT[512:], "of its 48 blocks: it is not whole"),
        (CONTENT[:-512], "has 47 of its 48 blocks"),
        (_changed(0, b"X"), "block 0 is damaged"),
        (_changed(512 * 3 + 508, b"XXXX"), "block 3 is damaged"),
        (_changed(512 * 2 + 16, struct.pack("<I", 477)), "block 2 is damaged"),
        (_changed(512 + 20, struct.pack("<I", 99)), "block 1 is damaged"),
        (_changed(8, bytes(4)), "block 0 is damaged"),
        (CONTENT + uf2.write_uf2(b"x", 0, 0xE48BFF59), "is for 2 kinds of chips"),
        (uf2.write_uf2(b"x", 0, 0x12345678), "family 0x12345678, which no board"),
        (b"\x7fELF" + bytes(1020), "block 0 is damaged"),
    ],
    ids=str,
)
def test_a_damaged_file_is_refused(content: bytes, said: str, tmp_path: Path):
    path = tmp_path / "bad.uf2"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=said):
        read_uf2(path)


def test_a_file_that_is_not_there_is_said(tmp_path: Path):
    with pytest.raises(ImageError, match=r"none\.uf2 cannot be read: No such file"):
        read_uf2(tmp_path / "none.uf2")


def test_esptool_does_not_get_a_uf2(tmp_path: Path, file: Path):
    manifest = {
        "schema": 1,
        "board": "rpi-pico",
        "framework": "none",
        "uf2": {"family_id": RP2040, "board_id": "RPI-RP2"},
        "flash_size_bytes": 2 << 20,
        "model_name": "m",
        "model_sha256": "0" * 64,
        "build_id": "1" * 16,
        "elf": None,
        "parts": [],
    }
    (tmp_path / "flash.json").write_text(json.dumps(manifest))
    with pytest.raises(ImageError, match="no one that esptool writes"):
        read(tmp_path)
    with pytest.raises(ImageError, match="describes no UF2"):
        read_uf2(tmp_path)


def test_drives_are_known_by_what_they_say(tmp_path: Path, image: Uf2Image):
    pico = drive(tmp_path / "a")
    assert (pico.board_id, pico.model) == ("RPI-RP2", "Raspberry Pi RP2")
    (tmp_path / "stick").mkdir()
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "INFO_UF2.TXT").write_text("nothing of use")
    found = bootsel.drives([tmp_path / name for name in ("a", "stick", "odd", "gone")])
    assert found == (pico,)
    assert bootsel.choose(found, image) == pico
    assert bootsel.choose([], image) is None


def test_a_drive_of_another_board_is_refused(tmp_path: Path, image: Uf2Image):
    other = drive(tmp_path / "b", "RP2350")
    with pytest.raises(WrongBoardError, match=r"is a RP2350 .*the image is for a RPI-RP2"):
        bootsel.choose([other], image)
    pico = drive(tmp_path / "a")
    assert bootsel.choose([other, pico], image) == pico


def test_of_two_drives_one_must_be_named(tmp_path: Path, image: Uf2Image):
    both = [drive(tmp_path / name) for name in ("a", "b")]
    with pytest.raises(UserError, match="2 boards wait for an image") as caught:
        bootsel.choose(both, image)
    assert "--drive" in str(caught.value.hint)


def test_a_directory_that_is_no_drive_is_refused(tmp_path: Path):
    with pytest.raises(UserError, match="is no drive of a Pico"):
        bootsel.named(tmp_path)


def test_what_is_mounted_is_read_from_the_kernel(monkeypatch: pytest.MonkeyPatch):
    mounts = "/dev/sda1 /media/me/RPI\\040RP2 vfat rw 0 0\n/dev/sdb / ext4 rw 0 0\n"
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: mounts)
    assert bootsel._mounted() == [Path("/media/me/RPI RP2")]


def test_a_drive_that_stays_did_not_start_the_image(
    tmp_path: Path, image: Uf2Image, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bootsel, "_GONE_S", 0.05)
    with pytest.raises(FlashError, match="has the image, but the board does not start it"):
        bootsel.write(drive(tmp_path / "a"), image, silent)


def test_a_drive_without_room_is_said(
    tmp_path: Path, image: Uf2Image, monkeypatch: pytest.MonkeyPatch
):
    pico = drive(tmp_path / "a")
    real = os.statvfs(tmp_path)
    full = os.statvfs_result((*real[:4], 2, *real[5:]))
    monkeypatch.setattr(os, "statvfs", lambda _: full)
    with pytest.raises(FlashError, match=r"bytes free, the image needs 24,576"):
        bootsel.write(pico, image, silent)
    assert not (pico.path / "firmware.uf2").exists()


def test_a_drive_that_vanishes_in_the_midst_is_said(tmp_path: Path, image: Uf2Image):
    pico = drive(tmp_path / "a")
    (pico.path / "firmware.uf2").mkdir()  # the copy cannot be made
    with pytest.raises(FlashError, match="after 0 of 24,576 bytes"):
        bootsel.write(pico, image, silent)


PICOTOOL = '#!/bin/sh\necho "$@" > {asked}\necho "{says}"\nexit {code}\n'


@pytest.mark.parametrize(
    ("says", "code", "result"),
    [
        ("The device was rebooted", 0, True),
        ("No accessible RP-series devices in BOOTSEL mode were found.", 249, False),
        ("No accessible RP2040/RP2350 devices in BOOTSEL mode were found.", 249, False),
    ],
)
def test_picotool_is_taken_where_it_sees_a_board(
    says: str,
    code: int,
    result: bool,
    tmp_path: Path,
    image: Uf2Image,
    monkeypatch: pytest.MonkeyPatch,
):
    _install(tmp_path, says, code, monkeypatch)
    assert picotool.load(image, silent) is result
    asked = (tmp_path / "asked").read_text().split()
    assert asked == ["load", "--verify", "--execute", str(image.path)]


def test_picotool_that_fails_is_quoted(
    tmp_path: Path, image: Uf2Image, monkeypatch: pytest.MonkeyPatch
):
    _install(tmp_path, "ERROR: verify failed", 1, monkeypatch)
    with pytest.raises(FlashError, match="picotool failed: ERROR: verify failed"):
        picotool.load(image, silent)


def _install(directory: Path, says: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    program = directory / "picotool"
    program.write_text(PICOTOOL.format(asked=directory / "asked", says=says, code=code))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")


def test_without_picotool_there_is_another_way(
    image: Uf2Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not picotool.load(image, silent)
