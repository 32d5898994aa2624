"""Boards that PlatformIO builds with packages of the user's: here a stand-in platform's."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import pio_core
from support.firmware import tiny_files

from edgekit import boards, toolchain
from edgekit.boards import Board, PlatformIO
from edgekit.errors import BuildError, DoesNotFitError, ToolMissingError
from edgekit.project import Project, ProjectOptions
from edgekit.toolchain import platformio_packages, platformio_parts

BOARD = """
name = "A board for tests"
mcu = "ESP32"
core = "lx6"
isa_flags = []
toolchain = "xtensa-esp32-elf"
clock_hz = 240_000_000
clock_source = "the test's"
port = "host"
build = "platformio"
flash = "esptool"
verified = "configured"

[[memory]]
name = "flash memory"
kind = "flash"
start = 0
size_bytes = 0x40_0000
source = "the test's"

[[memory]]
name = "RAM"
kind = "ram"
start = 0x3FFB_0000
size_bytes = 0x2_0000
source = "the test's"

[esptool]
chip = "esp32"
image_chip_id = 0
bootloader_offset = 0x1000
source = "the test's"

[reach]
kind = "usb"

[count]
unit = "us"
source = "the test's"

[frameworks.espidf.platformio]
platform = "espressif32@6.13.0"
board = "esp32dev"
framework = "espidf"
source = "the test's"
"""
INI = """
[env:my-esp32]
platform = espressif32@6.13.0
board = esp32dev
framework = espidf
lib_compat_mode = off
"""
MAIN = '#include "ek_tiny.h"\nint main(void) { return ek_tiny.invoke() == EK_OK; }\n'


@pytest.fixture(autouse=True)
def core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's core directory: empty, until a test fills it."""
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path / "core"))
    return tmp_path / "core"


@pytest.fixture
def board(tmp_path: Path) -> Board:
    (tmp_path / "my-esp32.toml").write_text(BOARD)
    return boards.read(tmp_path / "my-esp32.toml")


def project_of(board: Board, directory: Path, *, main: str = MAIN, ini: str = INI) -> Project:
    """What a framework's module would write, as small as can be."""
    tree = {"platformio.ini": ini, "src/main.c": main}
    tree |= {f"lib/ek_tiny/{path}": text for path, text in tiny_files().items()}
    tree["lib/ek_tiny/library.json"] = json.dumps(
        {"name": "ek_tiny", "version": "1.0.0", "build": {"srcDir": ".", "includeDir": "."}}
    )
    for path, text in tree.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    return Project(
        directory=directory,
        board=board,
        model_name="tiny",
        options=ProjectOptions(),
        builder="platformio",
        files=tuple(sorted(tree)),
        flags=("-O2",),
        build_id="0123456789abcdef",
    )


def how(board: Board) -> PlatformIO:
    assert board.platformio is not None
    return board.platformio


def test_a_platform_that_is_missing_is_said_within_seconds(board: Board, tmp_path: Path):
    project = project_of(board, tmp_path / "p")
    started = time.monotonic()
    with pytest.raises(ToolMissingError) as caught:
        toolchain.build_project(project)
    assert time.monotonic() - started < 10  # a second on an idle computer; PlatformIO's own: 60
    assert "PlatformIO cannot build for my-esp32: not installed: espressif32@6.13.0" in str(
        caught.value
    )
    assert "pio pkg install --global --platform espressif32@6.13.0" in str(caught.value.hint)


def test_every_tool_that_is_missing_is_named_with_its_command(core: Path, board: Board):
    pio_core.make(core, tools={"framework-espidf": "3.50503.0"})
    packages = {one.name: one for one in platformio_packages.installed(how(board))}
    assert packages["platform"].version == "6.13.0"
    assert packages["framework-espidf"].version == "3.50503.0"
    assert packages["toolchain-xtensa-esp-elf"].version == ""
    assert "framework-arduinoespressif32" not in packages
    with pytest.raises(ToolMissingError, match="toolchain-xtensa-esp-elf") as caught:
        platformio_packages.refuse_missing(tuple(packages.values()), board.id)
    assert (
        "pio pkg install --global --tool espressif/toolchain-xtensa-esp-elf@14.2.0+20251107"
        in str(caught.value.hint)
    )


def test_another_version_than_the_pinned_one_does_not_count(core: Path, board: Board):
    pio_core.make(core)
    other = how(board).model_copy(update={"platform": "espressif32@6.12.0"})
    assert [one.version for one in platformio_packages.installed(other)] == [""]


def test_libraries_that_the_project_names_are_looked_up_too(
    core: Path, board: Board, tmp_path: Path
):
    pio_core.make(core)
    ini = INI + "lib_deps = somebody/TensorFlowLite@1.2.3\n"
    project = project_of(board, tmp_path / "p", ini=ini)
    with pytest.raises(ToolMissingError, match="library somebody/TensorFlowLite@1") as caught:
        toolchain.build_project(project)
    assert "--library somebody/TensorFlowLite@1.2.3" in str(caught.value.hint)


def test_a_platform_that_cannot_say_what_it_needs_does_not_hide_the_rest(core: Path, board: Board):
    """pioarduino's, for one, downloads while it is asked."""
    pio_core.make(core, tools={})
    module = core / "platforms" / "espressif32" / "platform.py"
    module.write_text(
        module.read_text().replace(
            "        if options",
            "        import requests; requests.get('http://x')\n        if options",
        )
    )
    packages = platformio_packages.installed(how(board))
    assert [one.name for one in packages if not one.version] == ["tool-esptoolpy"]


def test_a_real_board_is_built_and_its_parts_lie_where_the_platform_says(
    core: Path, board: Board, tmp_path: Path
):
    pio_core.make(core)
    project = project_of(board, tmp_path / "p")
    image = toolchain.build_project(project)
    assert [(part.offset, part.path.name) for part in image.flash_parts] == [
        (0x1000, "bootloader.bin"),
        (0x8000, "partitions.bin"),
        (0x10000, "firmware.bin"),
    ]
    assert image.flash_parts[0].path.read_bytes() == b"bootloader"
    assert image.flash_parts[2].path.read_bytes() == image.elf.read_bytes()
    assert image.toolchain == (
        "espressif32 6.13.0, framework-espidf 3.50503.0, toolchain-xtensa-esp-elf 14.2.0+20251107"
    )
    assert image.inference_flash_bytes > 100
    assert image.static_ram_bytes > 0


def test_an_image_whose_part_was_damaged_in_the_cache_is_built_anew(
    core: Path, board: Board, tmp_path: Path
):
    pio_core.make(core)
    project = project_of(board, tmp_path / "p")
    first = toolchain.build_project(project)
    first.flash_parts[1].path.write_bytes(b"garbage")
    again = toolchain.build_project(project)
    assert again.flash_parts[1].path.read_bytes() == b"partitions"


def test_flash_json_describes_the_parts_beside_it(core: Path, board: Board, tmp_path: Path):
    pio_core.make(core)
    image = toolchain.build_project(project_of(board, tmp_path / "p"), cache=False)
    path = toolchain.write_flash_manifest(image, board, model_name="tiny", model_sha256="ab" * 32)
    assert path == tmp_path / "p" / "build" / "flash.json"
    document = json.loads(path.read_text())
    assert document | {"parts": []} == {
        "schema": 1,
        "board": "my-esp32",
        "framework": "espidf",
        "chip": "esp32",
        "flash_size_bytes": 0x400000,
        "model_name": "tiny",
        "model_sha256": "ab" * 32,
        "build_id": "0123456789abcdef",
        "elf": "firmware.elf",
        "parts": [],
    }
    assert [part["offset"] for part in document["parts"]] == [0x1000, 0x8000, 0x10000]
    for part in document["parts"]:
        content = (path.parent / part["file"]).read_bytes()
        assert part["bytes"] == len(content)
        assert part["sha256"] == hashlib.sha256(content).hexdigest()


def test_warnings_of_code_that_is_not_ours_are_counted(core: Path, board: Board, tmp_path: Path):
    pio_core.make(core)
    main = "#warning one\n#warning two\n" + MAIN
    image = toolchain.build_project(project_of(board, tmp_path / "p", main=main))
    assert image.warnings == 2


def test_the_first_compiler_error_is_shown_with_file_and_line(
    core: Path, board: Board, tmp_path: Path
):
    pio_core.make(core)
    project = project_of(board, tmp_path / "p", main="int main(void) { return x; }\n")
    with pytest.raises(BuildError) as caught:
        toolchain.build_project(project)
    assert str(caught.value).splitlines()[1].startswith("  src/main.c:1:25: error: ")


def test_a_program_larger_than_its_partition_does_not_fit(core: Path, board: Board, tmp_path: Path):
    pio_core.make(core)
    main = "const char big[1400000] = {1};\nint main(int n, char **v) { (void)v; return big[n]; }\n"
    with pytest.raises(DoesNotFitError, match="flash memory") as caught:
        toolchain.build_project(project_of(board, tmp_path / "p", main=main))
    assert caught.value.free_bytes == 1310720
    assert caught.value.needed_bytes > 1400000


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"extra": {}}, "does not say"),
        ({"prog_path": "/nowhere/firmware.elf"}, "built no firmware.bin"),
        ({"extra": {"application_offset": "0x8004"}}, "7 bytes inside|does not say"),
    ],
)
def test_metadata_that_lack_a_part_are_refused(
    tmp_path: Path, change: dict[str, object], said: str
):
    (tmp_path / "firmware.bin").write_bytes(bytes(100))
    (tmp_path / "partitions.bin").write_bytes(bytes(11))
    images = [{"offset": "0x8000", "path": str(tmp_path / "partitions.bin")}]
    metadata = {"prog_path": str(tmp_path / "firmware.elf"), "extra": {"flash_images": images}}
    extra = change.get("extra")
    if isinstance(extra, dict) and extra:
        change = {"extra": {"flash_images": images, **extra}}
    with pytest.raises(BuildError, match=said):
        platformio_parts.read(["noise", json.dumps(metadata | change), ""])


def test_output_without_metadata_is_an_error_too():
    with pytest.raises(BuildError, match="does not say"):
        platformio_parts.read(["Processing my-esp32", "{broken"])


def test_ctrl_c_ends_platformio_and_its_compilers(core: Path, board: Board, tmp_path: Path):
    pio_core.make(core)
    slow = tmp_path / "bin" / "cc"
    slow.parent.mkdir()
    slow.write_text(f"#!/bin/sh\necho $$ >> {tmp_path}/pids\nexec sleep 60\n")
    slow.chmod(0o755)
    project_of(board, tmp_path / "p")
    program = (
        "from pathlib import Path\n"
        "from edgekit import boards, toolchain\n"
        "from toolchain.test_platformio_real_boards import project_of\n"
        f"root = Path({str(tmp_path)!r})\n"
        "toolchain.build_project(project_of(boards.read(root / 'my-esp32.toml'), root / 'p'))\n"
    )
    tests = Path(__file__).parents[1]
    environment = {
        **os.environ,
        "PATH": f"{slow.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(tests), str(tests.parent)]),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        pids = tmp_path / "pids"
        deadline = time.monotonic() + 60
        while not (pids.is_file() and pids.read_text().endswith("\n")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(15) != 0
    finally:
        process.kill()
        process.wait()
    for pid in pids.read_text().split():
        assert not Path(f"/proc/{pid}/cmdline").is_file() or not Path(
            f"/proc/{pid}/cmdline"
        ).read_bytes().startswith(b"sleep")
