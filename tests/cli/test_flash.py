"""`edgekit flash` and `edgekit merge` as a user has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.flash_images import image_for, write_build
from support.played_chip import PlayedChip, played_chip

from edgekit.link import FakeBoard

IMAGE = image_for("esp32c3")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_build(IMAGE, tmp_path / "project")


@pytest.fixture
def board() -> Iterator[PlayedChip]:
    """A chip in its loader that becomes the firmware of IMAGE."""
    firmware = FakeBoard(
        inputs=(),
        outputs=(),
        run=lambda inputs: (),
        board_id=IMAGE.board_id,
        model_name=IMAGE.model_name,
        model_sha256=IMAGE.model_sha256,
        build_id=IMAGE.build_id,
    )
    with played_chip("esp32c3", application=firmware) as chip:
        yield chip


def test_flash_writes_verifies_and_hears_the_firmware(edgekit, project, board, tmp_path):
    report = tmp_path / "flashed.json"
    done = edgekit("flash", project, "--port", board.port, "--json", report)
    assert done.returncode == 0, done.stderr
    assert f"build {IMAGE.build_id} of tiny runs there and answers" in done.stdout
    assert "7,001" in done.stdout
    assert "esptool" not in done.stdout + done.stderr
    document = json.loads(report.read_text())
    assert document["answered"]["build_id"] == IMAGE.build_id
    assert [part["written_bytes"] for part in document["parts"]] == [3001, 7001]
    assert document["mac"] == "24:0a:c4:1f:67:7d"
    assert Path(document["log"]).is_file()
    for part in IMAGE.parts:
        assert board.flash[part.offset : part.end] == part.content


def test_json_alone_goes_to_stdout(edgekit, project, board):
    done = edgekit("flash", project, "--port", board.port, "--json", "-")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["chip"] == "esp32c3"


def test_a_merged_image_goes_the_same_way(edgekit, project, board, tmp_path):
    merged = tmp_path / "factory.bin"
    done = edgekit("merge", project, "-o", merged)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"image     {merged}\n")
    assert merged.stat().st_size == IMAGE.end
    assert edgekit("flash", merged, "--port", board.port).returncode == 0


def test_verifying_a_board_with_other_content_exits_with_1(edgekit, project, board):
    done = edgekit("flash", project, "--port", board.port, "--verify-only")
    assert done.returncode == 1
    assert "partitions.bin, app.bin in the flash memory differs from the image" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "there is no project or image nowhere"),
        (["{project}", "--port", "/dev/ttyUSB99"], "there is no serial port /dev/ttyUSB99"),
        (["{project}", "--port", "{taken}"], "is in use by another program"),
        (["{project}", "--port", "auto:17"], "no serial port has the serial number 17"),
        (["{project}", "--erase", "--verify-only"], "--erase and --verify-only were both given"),
        (["{project}", "--port", "{board}", "--baud", "1"], "Invalid value for '--baud'"),
    ],
)
def test_a_users_mistake_exits_with_2_and_says_what(edgekit, project, board, words, message):
    import serial

    with played_chip("esp32c3") as taken, serial.Serial(taken.port, exclusive=True):
        places = {"project": project, "taken": taken.port, "board": board.port}
        done = edgekit("flash", *(word.format(**places) for word in words))
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_another_chip_exits_with_2(edgekit, project):
    with played_chip("esp32s3") as other:
        done = edgekit("flash", project, "--port", other.port)
    assert done.returncode == 2
    assert "is an ESP32-S3, the image is for an ESP32-C3" in done.stderr


def test_merge_refuses_what_was_not_built(edgekit, tmp_path):
    done = edgekit("merge", tmp_path, "-o", tmp_path / "factory.bin")
    assert done.returncode == 2
    assert "it was not built" in done.stderr
    assert list(tmp_path.iterdir()) == []
