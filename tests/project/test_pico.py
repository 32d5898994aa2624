"""Projects for Picos on arduino-pico, as the real PlatformIO reads them. None is compiled here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from project.test_esp32 import read_by_platformio
from support.firmware import tiny_files

from edgekit import boards
from edgekit.codegen import TflmNeeds
from edgekit.errors import UserError
from edgekit.ir import DType, Quantization, Tensor
from edgekit.project import ModelBytes, Project, ProjectOptions, application_files, write_project

PICOS = ("rpi-pico", "rpi-pico2", "rpi-pico2-riscv")
TENSOR = Tensor(0, "x", (1, 16), DType.INT8, Quantization((0.5,), (3,)))
TFLM = TflmNeeds(kernels=("add", "conv"))
PINNED = re.compile(r"https://github\.com/\S+#[0-9a-f]{40}")


def project(
    directory: Path, board_id: str, *, tflm: TflmNeeds | None = None, **options: Any
) -> Project:
    return write_project(
        tiny_files(),
        model_name="tiny",
        board=boards.load(board_id, "arduino"),
        options=ProjectOptions(**options),
        directory=directory / "project",
        tflm=tflm,
    )


@pytest.mark.parametrize("link", ["usb", "uart"])
@pytest.mark.parametrize("board_id", PICOS)
def test_platformio_reads_the_project(board_id: str, link: str, tmp_path: Path):
    made = project(tmp_path, board_id, link=link)
    found = read_by_platformio(made, tmp_path / "core")
    assert PINNED.fullmatch(found["platform"])
    assert found["framework"] == ["arduino"]
    assert found["board_build.core"] == "earlephilhower"
    assert found.get("board_build.mcu") == ("rp2350-riscv" if "riscv" in board_id else None)
    assert ("-DEK_LINK_SERIAL=Serial1" in found["build_flags"]) == (link == "uart")
    assert int(found["board_build.f_cpu"].rstrip("L")) == made.board.clock_hz


def test_arduino_is_what_a_pico_stands_on_unless_told_otherwise():
    for board_id in PICOS:
        board = boards.load(board_id)
        assert (board.framework, board.link, board.frameworks) == (
            "arduino",
            "usb",
            ("arduino", "none"),
        )


def test_the_link_is_usb_unless_told_otherwise(tmp_path: Path):
    ini = (project(tmp_path, "rpi-pico").directory / "platformio.ini").read_text()
    assert "EK_LINK_SERIAL" not in ini  # Serial is USB in arduino-pico


def test_engine_tflm_takes_the_library_that_is_named(tmp_path: Path):
    with pytest.raises(UserError, match="brings no TensorFlow Lite Micro") as caught:
        project(tmp_path / "none", "rpi-pico", tflm=TFLM)
    assert "--tflm-library" in str(caught.value.hint)
    named = project(tmp_path / "named", "rpi-pico", tflm=TFLM, tflm_library="somebody/TFLM@1.2.3")
    found = read_by_platformio(named, tmp_path / "core")
    assert found["lib_deps"] == ["somebody/TFLM@1.2.3"]
    assert "-DTF_LITE_STATIC_MEMORY" in found["build_flags"]
    (tmp_path / "here").mkdir()
    local = project(tmp_path / "local", "rpi-pico", tflm=TFLM, tflm_library=str(tmp_path / "here"))
    assert read_by_platformio(local, tmp_path / "core")["lib_deps"][0].startswith("symlink:///")


def test_an_application_has_the_serial_port_to_itself(tmp_path: Path):
    made = application_files(
        tiny_files(),
        model_name="tiny",
        board=boards.load("rpi-pico"),
        options=ProjectOptions(),
        tflm=None,
        model_bytes=ModelBytes(),
        title="Doorbell",
        engine="aot",
        inputs=(TENSOR,),
        outputs=(TENSOR,),
        run="",
    )
    assert set(made.own) >= {"platformio.ini", "src/main.cpp", "README.md"}
    assert "EK_PROFILE" not in made.own["platformio.ini"]
    assert "Serial.begin" in made.own["src/main.cpp"]
    assert not any(path.startswith("src/ports") for path in made.library)
