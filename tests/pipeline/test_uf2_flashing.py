"""From a UF2 to a Pico that runs it, and says so: a drive of a test's, and rp2040js."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command import Command
from support.firmware import ready
from support.played_pico import PlayedPico

from edgekit import boards, pipeline
from edgekit.errors import FlashError, SerialPortError, UserError, WrongBoardError
from edgekit.flash import bootsel
from edgekit.pipeline import Where
from edgekit.pipeline.reaching import on_board
from edgekit.pipeline.uf2_flashing import flash_uf2
from edgekit.progress import silent

pytestmark = pytest.mark.emulated


@pytest.fixture(scope="module")
def project(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built for a Pico, as `edgekit build -o` leaves it."""
    ready("pico-emulated")
    directory = tmp_path_factory.mktemp("pico") / "project"
    compiled = pipeline.compile(model, boards.load("rpi-pico", "none"))
    pipeline.build(compiled, directory=directory)
    return directory


@pytest.fixture(autouse=True)
def _no_real_boards(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bootsel, "_mounted", list)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


def test_a_pico_takes_the_image_and_says_that_it_runs(project: Path, tmp_path: Path):
    with PlayedPico(tmp_path) as pico:
        done = flash_uf2(project, str(pico.port), drive=pico.drive)
    assert (done.how, done.port) == ("drive", str(pico.port))
    assert done.hello is not None
    assert done.hello.build_id == done.image.build_id
    assert done.hello.board_id == "rpi-pico"


def test_a_board_that_waits_is_found(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with PlayedPico(tmp_path) as pico:
        monkeypatch.setattr(bootsel, "_mounted", lambda: [pico.drive])
        assert flash_uf2(project, str(pico.port)).hello is not None


def test_run_flashes_verifies_and_measures(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    board = boards.load("rpi-pico", "none")
    ready("pico-emulated")
    with PlayedPico(tmp_path) as pico:
        monkeypatch.setattr(bootsel, "_mounted", lambda: [pico.drive])
        measured = pipeline.run(model, board, 1, where=Where(port=str(pico.port)), runs=1)
    assert measured.verify.mismatched_bytes == 0 < measured.verify.compared_bytes
    assert (measured.board, measured.invoke.unit) == ("rpi-pico", "us")


def test_another_build_that_answers_is_said(project: Path, other_model: Path, tmp_path: Path):
    (tmp_path / "other").mkdir()
    compiled = pipeline.compile(other_model, boards.load("rpi-pico", "none"))
    pipeline.build(compiled, directory=tmp_path / "built")
    with PlayedPico(tmp_path / "other") as other:
        flash_uf2(tmp_path / "built", str(other.port), drive=other.drive)
        with (
            PlayedPico(tmp_path, plays=None) as pico,
            pytest.raises(FlashError, match="answers with another build: "),
        ):
            flash_uf2(project, str(other.port), drive=pico.drive)


def test_a_board_that_does_not_answer_is_said(project: Path, tmp_path: Path):
    with (
        PlayedPico(tmp_path, plays=None) as pico,
        pytest.raises(FlashError, match=r"its firmware does not answer at .*no serial port"),
    ):
        flash_uf2(project, str(pico.port), drive=pico.drive, patience_s=0.1)


def test_the_wrong_board_is_left_alone(project: Path, tmp_path: Path):
    with (
        PlayedPico(tmp_path, board_id="RP2350", plays=None) as pico,
        pytest.raises(WrongBoardError, match="the image is for a RPI-RP2"),
    ):
        flash_uf2(project, str(pico.port), drive=pico.drive)
    assert not (pico.drive / "firmware.uf2").exists()


def test_a_rom_that_refuses_the_image_is_no_success(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bootsel, "_GONE_S", 0.3)
    with (
        PlayedPico(tmp_path, deaf=True) as pico,
        pytest.raises(FlashError, match="does not start it"),
    ):
        flash_uf2(project, str(pico.port), drive=pico.drive)


def test_no_board_at_all_says_what_to_press(project: Path):
    with pytest.raises(FlashError, match="no board waits for an image") as caught:
        flash_uf2(project, "/dev/none", button_wait_s=0.3)
    assert "BOOTSEL" in str(caught.value.hint)


def test_a_drive_that_is_not_mounted_is_told_how_to_be(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bootsel, "_LABELS", tmp_path)
    (tmp_path / "RPI-RP2").touch()
    with pytest.raises(FlashError) as caught:
        flash_uf2(project, "/dev/none")
    assert f"udisksctl mount -b {tmp_path / 'RPI-RP2'}" in str(caught.value.hint)


def test_without_an_adapter_a_uart_build_is_flashed_and_not_asked(project: Path, tmp_path: Path):
    with PlayedPico(tmp_path, plays=None) as pico:
        done = flash_uf2(project, drive=pico.drive)
    assert (done.port, done.hello) == (None, None)
    with (
        PlayedPico(tmp_path / "again" if (tmp_path / "again").mkdir() is None else tmp_path) as two,
        pytest.raises(SerialPortError, match="serial port"),
    ):
        flash_uf2(project, drive=two.drive, must_answer=True)


def test_the_command_says_what_it_did(project: Path, tmp_path: Path, command: Command):
    with PlayedPico(tmp_path, plays=None) as pico:
        done = command("flash", str(project), "--drive", str(pico.drive), "--json", "-")
    document = json.loads(done.stdout)
    assert (document["by"], document["drive_id"], document["answered"]) == (
        "drive",
        "RPI-RP2",
        None,
    )
    refused = command("flash", str(project), "--erase")
    assert refused.code == 2
    assert "are for boards that esptool writes" in refused.stderr


def test_a_board_of_uf2_has_a_way_to_be_reached(project: Path, model: Path, tmp_path: Path):
    compiled = pipeline.compile(model, boards.load("rpi-pico", "none"))
    built = pipeline.build(compiled, directory=tmp_path / "built")
    with (
        pytest.raises(FlashError, match="no board waits"),
        on_board(built, tmp_path / "built", Where(port="/dev/none"), silent),
    ):
        pass


def test_an_image_of_a_host_is_no_uf2(model: Path, tmp_path: Path, command: Command):
    refused = command("flash", str(tmp_path), "--drive", str(tmp_path))
    assert refused.code == 2
    with pytest.raises(UserError):
        flash_uf2(tmp_path)
