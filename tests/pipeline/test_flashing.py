"""A board counts as flashed only when it says itself that it runs the image."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.flash_images import image_for, write_build
from support.played_chip import Application, played_chip

from edgekit import flash
from edgekit.errors import BoardError, FlashError, SerialPortError
from edgekit.flash import FlashImage
from edgekit.link import FakeBoard
from edgekit.pipeline.flashing import Flashed, flash_board

ROM = "ESP-ROM:esp32c3-api1-20210207\r\nBuild:Feb  7 2021\r\n"
IMAGE = image_for("esp32c3")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_build(IMAGE, tmp_path / "project")


def firmware(**changes: str) -> FakeBoard:
    """The application of IMAGE, or nearly so."""
    facts = {
        "board_id": IMAGE.board_id,
        "model_name": IMAGE.model_name,
        "model_sha256": IMAGE.model_sha256,
        "build_id": IMAGE.build_id,
        **changes,
    }
    return FakeBoard(inputs=(), outputs=(), run=lambda inputs: (), **facts)  # type: ignore[arg-type]


def flashed(project: Path, application: Application, **options: bool) -> Flashed:
    with played_chip("esp32c3", application=application) as chip:
        done = flash_board(project, chip.port, patience_s=1.0, **options)
        for part in IMAGE.parts:
            assert chip.flash[part.offset : part.end] == part.content
    return done


def test_the_image_itself_answers(project: Path):
    done = flashed(project, firmware())
    assert done.hello is not None
    assert done.hello.build_id == IMAGE.build_id
    assert done.written.written_bytes == IMAGE.size_bytes


def test_a_board_that_kept_its_old_firmware_is_found_out(project: Path):
    with pytest.raises(FlashError, match="answers with another build of the model: feedface"):
        flashed(project, firmware(build_id="feedface"))


def test_a_firmware_that_does_not_say_its_build_is_none_of_ours(project: Path):
    with pytest.raises(FlashError, match=r"another build .*: one that does not say which"):
        flashed(project, firmware(build_id=""))


def test_another_model_is_named(project: Path):
    with pytest.raises(FlashError, match=r"answers with another model: 'kws' \(00000000"):
        flashed(project, firmware(model_name="kws", model_sha256="00" * 32))


def test_a_board_that_stays_silent_is_no_success(project: Path):
    with pytest.raises(FlashError, match="does not answer: nothing was received"):
        flashed(project, lambda sent: b"")


def test_a_boot_loop_is_told_from_what_the_chip_prints(project: Path):
    words = 3 * (
        f"{ROM}rst:0x7 (TG0WDT_SYS_RST),boot:0x8 (SPI_FAST_FLASH_BOOT)\r\n"
        "invalid header: 0xffffffff\r\n"
    )
    with pytest.raises(FlashError, match="empty where its boot loader belongs") as caught:
        flashed(project, lambda sent: words.encode())
    assert "--erase" in str(caught.value.hint)


def test_a_brown_out_is_named(project: Path):
    words = b"E BOD: Brownout detector was triggered\r\n"
    with pytest.raises(FlashError, match="supply voltage fell") as caught:
        flashed(project, lambda sent: words)
    assert "USB port" in str(caught.value.hint)


def test_other_firmware_is_quoted(project: Path):
    with pytest.raises(FlashError, match="it said 'Hello from the blinking example'"):
        flashed(project, lambda sent: b"Hello from the blinking example\r\n")


def test_an_application_without_the_link_is_verified_only(tmp_path: Path):
    project = write_build(image_for("esp32c3", build_id=""), tmp_path / "own")
    assert flashed(project, lambda sent: b"").hello is None


def test_a_merged_image_is_flashed_as_its_project(tmp_path: Path):
    flash.write_merged(IMAGE, tmp_path / "factory.bin")
    assert flashed(tmp_path / "factory.bin", firmware()).hello is not None


def test_verifying_hears_the_firmware_too(project: Path):
    with played_chip("esp32c3") as chip:
        flash.write(IMAGE, chip.port)
        memory = chip.memory
    with played_chip("esp32c3", memory=memory, application=firmware()) as chip:
        done = flash_board(project, chip.port, verify_only=True, patience_s=1.0)
    assert done.hello is not None
    assert done.written.written_bytes == 0


def test_a_port_is_found_for_known_boards_only(tmp_path: Path):
    image: FlashImage = image_for("esp32c3", board_id="no-such-board")
    with pytest.raises(BoardError, match="no board 'no-such-board'"):
        flash_board(write_build(image, tmp_path / "project"), "auto")


def test_a_missing_port_is_the_users_mistake(project: Path):
    with pytest.raises(SerialPortError, match="there is no serial port /dev/ttyUSB99") as caught:
        flash_board(project, "/dev/ttyUSB99")
    assert caught.value.exit_code == 2
