"""Projects for ESP32 boards, as the real PlatformIO reads them. None is compiled here."""

from __future__ import annotations

import csv
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.firmware import tiny_files

from edgekit import boards
from edgekit.codegen import TflmNeeds
from edgekit.errors import BoardError, DoesNotFitError, UserError
from edgekit.project import ModelBytes, Project, ProjectOptions, write_project

PAGE = 0x1_0000
ESP32 = tuple(
    board.id for board in boards.all_boards() if board.esptool is not None and board.frameworks
)
TFLM = TflmNeeds(kernels=("add", "conv"))


def project(
    directory: Path,
    board_id: str,
    framework: str = "espidf",
    *,
    tflm: TflmNeeds | None = None,
    sizes: ModelBytes | None = None,
    **options: Any,
) -> Project:
    return write_project(
        tiny_files(),
        model_name="tiny",
        board=boards.load(board_id, framework),
        options=ProjectOptions(**options),
        directory=directory / "project",
        tflm=tflm,
        model_bytes=sizes,
    )


def read_by_platformio(made: Project, core: Path) -> dict[str, Any]:
    """The settings of the project's only environment."""
    pytest.importorskip("platformio")
    done = subprocess.run(
        [sys.executable, "-m", "platformio", "project", "config", "--json-output"],
        cwd=made.directory,
        env={**os.environ, "PLATFORMIO_CORE_DIR": str(core)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sections = {name: dict(settings) for name, settings in json.loads(done.stdout)}
    assert sections["platformio"]["default_envs"] == [made.board.id]
    return sections[f"env:{made.board.id}"]


def text_of(made: Project, path: str) -> str:
    return (made.directory / path).read_text()


def settings_of(made: Project) -> dict[str, str]:
    lines = text_of(made, "sdkconfig.defaults").splitlines()
    return dict(line.split("=", 1) for line in lines if line.startswith("CONFIG_"))


def partitions_of(made: Project) -> dict[str, tuple[int, int]]:
    """Name -> (offset, bytes)."""
    lines = [line for line in text_of(made, "partitions.csv").splitlines() if line[0] != "#"]
    rows = list(csv.reader(lines, skipinitialspace=True))
    return {name: (int(offset, 16), int(size, 16)) for name, _, _, offset, size in rows}


@pytest.mark.parametrize("link", ["uart", "usb"])
@pytest.mark.parametrize("tflm", [None, TFLM], ids=["aot", "tflm"])
@pytest.mark.parametrize("framework", ["espidf", "arduino"])
@pytest.mark.parametrize("board_id", ESP32)
def test_platformio_accepts_every_project(
    board_id: str, framework: str, tflm: TflmNeeds | None, link: str, tmp_path: Path
):
    if board_id == "esp32" and link == "usb":
        with pytest.raises(BoardError, match="esp32 has no USB of its own"):
            project(tmp_path, board_id, framework, link=link)
        return
    made = project(tmp_path, board_id, framework, tflm=tflm, link=link)
    settings = read_by_platformio(made, tmp_path / "core")
    facts = made.board.platformio
    assert facts is not None
    assert (settings["platform"], settings["board"]) == (facts.platform, facts.board)
    assert settings["framework"] == [framework]
    assert settings["board_build.partitions"] == "partitions.csv"
    assert settings["test_framework"] == "custom"
    assert settings["monitor_speed"] == 115200
    assert "upload_protocol" not in settings
    assert "main.c" in " ".join(made.files)
    assert f"+{made.build_id}" in "".join(
        text_of(made, path) for path in made.files if path.startswith("src/main.")
    )


@pytest.mark.parametrize("framework", ["espidf", "arduino"])
@pytest.mark.parametrize("board_id", ESP32)
def test_partitions_follow_one_another_and_end_within_flash_memory(
    board_id: str, framework: str, tmp_path: Path
):
    for number, constants in enumerate((0, 300_000, 3_500_000)):
        made = project(
            tmp_path / str(number), board_id, framework, sizes=ModelBytes(constants=constants)
        )
        places = sorted(partitions_of(made).values())
        for (offset, size), (following, _) in itertools.pairwise(places):
            assert offset + size == following
        offset, size = places[-1]
        assert (offset, size % PAGE) == (PAGE, 0)
        assert size > constants
        assert offset + size <= (made.board.flash_bytes or 0)


def test_a_model_larger_than_flash_memory_is_refused(tmp_path: Path):
    with pytest.raises(DoesNotFitError, match=r"flash memory but esp32 has 4,128,768: 100 too"):
        project(tmp_path, "esp32", sizes=ModelBytes(constants=(4 << 20) - PAGE + 100))


def test_what_idf_is_told_of_the_chip_is_what_the_board_is(tmp_path: Path):
    for board_id in ESP32:
        board, made = boards.load(board_id), project(tmp_path / board_id, board_id)
        settings = settings_of(made)
        assert board.esptool is not None
        assert settings["CONFIG_IDF_TARGET"] == f'"{board.esptool.chip}"'
        assert settings[f"CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ_{board.clock_hz // 1_000_000}"] == "y"
        assert settings[f"CONFIG_ESPTOOLPY_FLASHSIZE_{(board.flash_bytes or 0) >> 20}MB"] == "y"
        assert settings["CONFIG_ESP_MAIN_TASK_STACK_SIZE"] == str(board.stack_bytes)
        assert settings["CONFIG_LOG_DEFAULT_LEVEL_NONE"] == "y"
        assert ("CONFIG_ESP32S3_DATA_CACHE_64KB" in settings) == board_id.startswith("esp32-s3")


def test_the_stack_is_as_large_as_is_asked(tmp_path: Path):
    idf = project(tmp_path / "idf", "esp32", stack_bytes=12345)
    arduino = project(tmp_path / "arduino", "esp32", "arduino", stack_bytes=12345)
    assert settings_of(idf)["CONFIG_ESP_MAIN_TASK_STACK_SIZE"] == "12345"
    assert "SET_LOOP_TASK_STACK_SIZE(12345)" in text_of(arduino, "src/main.cpp")


@pytest.mark.parametrize("framework", ["espidf", "arduino"])
def test_psram_is_used_only_where_it_is_and_the_arena_does_not_fit_elsewhere(
    framework: str, tmp_path: Path
):
    small, large = ModelBytes(arena=100_000, inputs=1000), ModelBytes(arena=1 << 20, inputs=1000)
    cases = {"esp32-s3": (False, False), "esp32-s3-psram": (False, True)}
    for board_id, expected in cases.items():
        for sizes, used in zip((small, large), expected, strict=True):
            folder = tmp_path / f"{board_id}{sizes.arena}"
            made = project(folder, board_id, framework, sizes=sizes)
            written = "".join(text_of(made, path) for path in made.files)
            signs = (
                ("CONFIG_SPIRAM=y", "EXT_RAM_BSS_ATTR")
                if framework == "espidf"
                else ("-DBOARD_HAS_PSRAM", "MALLOC_CAP_SPIRAM")
            )
            assert all((sign in written) == used for sign in (*signs, "qio_opi"))


def test_tflite_micro_on_idf_is_the_pinned_component_unless_another_is_named(tmp_path: Path):
    manifest = "lib/ek_tiny/idf_component.yml"
    assert manifest not in project(tmp_path / "aot", "esp32").files
    pinned = project(tmp_path / "a", "esp32", tflm=TFLM)
    assert 'espressif/esp-tflite-micro: "==1.4.0"' in text_of(pinned, manifest)
    assert settings_of(pinned)["CONFIG_NN_OPTIMIZED"] == "y"
    named = project(tmp_path / "b", "esp32", tflm=TFLM, tflm_library="me/tflm@1.2.3")
    assert 'me/tflm: "==1.2.3"' in text_of(named, manifest)
    own = tmp_path / "own"
    own.mkdir()
    with pytest.raises(UserError, match="is no component of ESP-IDF"):
        project(tmp_path / "c", "esp32", tflm=TFLM, tflm_library=str(own))
    (own / "CMakeLists.txt").write_text("idf_component_register()\n")
    local = project(tmp_path / "d", "esp32", tflm=TFLM, tflm_library=str(own))
    assert f'path: "{own}"' in text_of(local, manifest)
    with pytest.raises(UserError, match="neither a directory nor a component"):
        project(tmp_path / "e", "esp32", tflm=TFLM, tflm_library="/nowhere")


def test_tflite_micro_on_arduino_is_the_cores_unless_another_is_named(tmp_path: Path):
    core = tmp_path / "core"
    assert "lib_deps" not in read_by_platformio(
        project(tmp_path / "a", "esp32-s3", "arduino", tflm=TFLM), core
    )
    named = project(tmp_path / "b", "esp32-s3", "arduino", tflm=TFLM, tflm_library="me/tflm@1.2.3")
    assert read_by_platformio(named, core)["lib_deps"] == ["me/tflm@1.2.3"]
    local = project(tmp_path / "c", "esp32-s3", "arduino", tflm=TFLM, tflm_library=str(tmp_path))
    assert read_by_platformio(local, core)["lib_deps"] == [f"symlink://{tmp_path}"]
    assert "-DTF_LITE_STATIC_MEMORY" in text_of(local, "lib/ek_tiny/library.json")


def test_cmake_lists_every_source_of_the_project(tmp_path: Path):
    made = project(tmp_path, "esp32-c3")
    for folder in ("src", "lib/ek_tiny"):
        listed = text_of(made, f"{folder}/CMakeLists.txt").split()
        for path in made.files:
            if path.startswith(f"{folder}/") and path.endswith((".c", ".cpp")):
                assert path.removeprefix(f"{folder}/") in listed


def test_usb_is_a_define_and_the_console_of_crash_reports(tmp_path: Path):
    usb = project(tmp_path / "usb", "esp32-c6", link="usb")
    uart = project(tmp_path / "uart", "esp32-c6")
    assert "EK_LINK_USB=1" in text_of(usb, "src/CMakeLists.txt").split()
    assert "CONFIG_ESP_CONSOLE_USB_SERIAL_JTAG" in settings_of(usb)
    assert "EK_LINK_USB=1" not in text_of(uart, "src/CMakeLists.txt").split()
    assert "CONFIG_ESP_CONSOLE_UART_DEFAULT" in settings_of(uart)
    arduino = project(tmp_path / "arduino", "esp32-c6", "arduino", link="usb")
    assert "-DARDUINO_USB_CDC_ON_BOOT=1" in text_of(arduino, "platformio.ini").split()
