"""The real PlatformIO builds for emulated boards, with no network."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from support.firmware import ready, tiny_files, tiny_project

from edgekit import boards, toolchain
from edgekit.boards import Board
from edgekit.errors import BuildError, DoesNotFitError, ToolMissingError
from edgekit.project import ProjectOptions
from edgekit.toolchain import FirmwareImage, platformio_core

BY_CMAKE = ProjectOptions(builder="cmake")
BY_PLATFORMIO = ProjectOptions(builder="platformio")
_QUICK = {"host", "qemu-cortex-m4", "qemu-riscv32"}
_SHF_ALLOC = 0x2

#: Boards without a framework; the three whose builds differ most are not slow.
BOARDS = [
    pytest.param(
        board.id,
        marks=[
            *([] if board.id == "host" else [pytest.mark.emulated]),
            *([] if board.id in _QUICK else [pytest.mark.slow]),
        ],
    )
    for board in boards.all_boards()
    if not board.framework
]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a space in it, as on many a computer."""
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "my cache"))
    return tmp_path / "my cache"


@pytest.fixture
def host() -> Board:
    return ready("host")


def loaded(elf: Path) -> dict[str, tuple[int, int, str]]:
    """Every section that is in memory: address, bytes, digest of its contents."""
    with elf.open("rb") as file:
        return {
            section.name: (
                section["sh_addr"],
                section["sh_size"],
                ""
                if section["sh_type"] == "SHT_NOBITS"
                else hashlib.sha256(section.data()).hexdigest(),
            )
            for section in ELFFile(file).iter_sections()
            if section["sh_flags"] & _SHF_ALLOC and section.name != ".note.gnu.build-id"
        }


def sizes(image: FirmwareImage) -> tuple[int, int, int]:
    return image.flash_bytes, image.static_ram_bytes, image.inference_flash_bytes


@pytest.mark.parametrize("board_id", BOARDS)
def test_platformio_makes_the_same_image_as_cmake(board_id: str, tmp_path: Path):
    board = ready(board_id)
    images = [
        toolchain.build_project(
            tiny_project(board, tmp_path / str(options.builder), options=options)
        )
        for options in (BY_CMAKE, BY_PLATFORMIO)
    ]
    assert loaded(images[0].elf) == loaded(images[1].elf)
    assert len(loaded(images[0].elf)) > 3
    assert sizes(images[0]) == sizes(images[1])
    assert images[0].build_id == images[1].build_id
    assert images[0].toolchain == images[1].toolchain
    assert "platformio run" in images[1].log.read_text()
    assert images[1].warnings == 0


def test_no_network_is_needed(host: Board, tmp_path: Path):
    """In a network name space without any interface, or with every request sent to a dead proxy."""
    project = tiny_project(host, tmp_path / "p", options=BY_PLATFORMIO)
    command = platformio_build_of(project.directory)
    if subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode == 0:
        command = ["unshare", "-n", *command]
    dead = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "all_proxy")}
    run = subprocess.run(command, env=os.environ | dead, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.endswith("firmware.elf\n")


def platformio_build_of(directory: Path) -> list[str]:
    program = (
        "from pathlib import Path\n"
        "from support.firmware import tiny_project\n"
        "from edgekit import boards, toolchain\n"
        "from edgekit.project import ProjectOptions\n"
        "options = ProjectOptions(builder='platformio')\n"
        f"project = tiny_project(boards.load('host'), Path({str(directory)!r}), options=options)\n"
        "print(toolchain.build_project(project).elf)\n"
    )
    return [sys.executable, "-c", program]


@pytest.fixture(autouse=True)
def tests_are_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    roots = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(roots))


def test_the_users_own_platformio_is_left_alone(
    host: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(home / "core"))
    project = tiny_project(host, tmp_path / "p", options=BY_PLATFORMIO)
    before = {path for path in project.directory.rglob("*")}
    toolchain.build_project(project)
    assert list(home.iterdir()) == []
    assert {path for path in project.directory.rglob("*")} == before


def test_the_core_directory_is_made_once_and_sends_nothing_home(own_cache: Path):
    core = platformio_core.seeded()
    assert core.is_relative_to(own_cache)
    assert platformio_core.seeded() == core
    assert [path.name for path in (own_cache / "platformio").iterdir()] == [core.name]
    assert '"enable_telemetry": false' in (core / "appstate.json").read_text()


def test_the_library_finder_finds_the_model(host: Board, tmp_path: Path):
    directory = tmp_path / "my first model"
    image = toolchain.build_project(tiny_project(host, directory, options=BY_PLATFORMIO))
    assert "|-- ek_tiny @ " in image.log.read_text()


def test_platformio_accepts_the_project(host: Board, tmp_path: Path):
    tiny_project(host, tmp_path, options=BY_PLATFORMIO)
    core = {"PLATFORMIO_CORE_DIR": str(platformio_core.seeded())}
    run = subprocess.run(
        [*platformio_core.command(), "project", "config", "--lint", "-d", str(tmp_path)],
        env=platformio_core.quiet_environment() | core,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0
    assert run.stdout.strip().endswith("is free from linting errors.")


def test_progress_counts_every_file(host: Board, tmp_path: Path):
    seen: list[tuple[str, int, int]] = []
    toolchain.build_project(
        tiny_project(host, tmp_path, options=BY_PLATFORMIO),
        progress=lambda *step: seen.append(step),
    )
    stages = {stage for stage, _, _ in seen}
    assert stages == {"building for host"}
    assert [done for _, done, _ in seen] == list(range(len(seen)))
    assert {total for _, _, total in seen} == {len(seen) - 1}
    assert len(seen) > 10


@pytest.mark.parametrize(
    ("main", "said"),
    [
        ("int main(void) { return 1 }\n", r"src/main\.c:1:26: error: expected"),
        (
            '#include "nothing.h"\nint main(void) { return 0; }\n',
            r"src/main\.c:1:10: fatal error: ",
        ),
        (
            "int f(void);\nint main(void) { return f(); }\n",
            r"src/main\.c:2: undefined reference to",
        ),
        ("int main(void) { int unused; return 0; }\n", r"src/main\.c:1:22: error: unused variable"),
    ],
)
def test_the_first_error_is_shown_with_file_and_line(
    host: Board, tmp_path: Path, main: str, said: str
):
    project = tiny_project(host, tmp_path, main=f"{main}\n", options=BY_PLATFORMIO)
    with pytest.raises(BuildError, match=said) as caught:
        toolchain.build_project(project)
    first = str(caught.value).splitlines()[1]
    assert "main.c" in first
    assert caught.value.hint is not None
    log = Path(caught.value.hint.removeprefix("the whole output is in "))
    assert "Processing host" in log.read_text()


@pytest.mark.emulated
@pytest.mark.parametrize(
    ("kind", "main", "memory"),
    [
        ("flash", "volatile const char big[8192] = {1};", "flash memory"),
        ("ram", "volatile char big[40960];", "RAM"),
    ],
)
def test_an_image_that_does_not_fit_says_by_how_much(
    tmp_path: Path, kind: str, main: str, memory: str
):
    board = ready("qemu-cortex-m4")
    sizes_of = {"flash": 8 * 1024, "ram": 32 * 1024}
    memories = tuple(
        region.model_copy(update={"size_bytes": sizes_of[region.kind]}) for region in board.memories
    )
    small = board.model_copy(update={"memories": memories})
    main = f"{main}\nint main(void) {{ return big[0]; }}\n"
    with pytest.raises(DoesNotFitError) as caught:
        toolchain.build_project(tiny_project(small, tmp_path, main=main, options=BY_PLATFORMIO))
    assert caught.value.memory == memory
    assert caught.value.free_bytes == sizes_of[kind]
    assert caught.value.needed_bytes > sizes_of[kind]


def test_a_missing_compiler_is_said_before_platformio_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    board = boards.load("qemu-cortex-m4")
    project = tiny_project(board, tmp_path, options=BY_PLATFORMIO)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match="arm-none-eabi-gcc"):
        toolchain.build_project(project)


def test_an_edited_project_is_built_anew(host: Board, tmp_path: Path):
    project = tiny_project(host, tmp_path, options=BY_PLATFORMIO)
    first = toolchain.build_project(project)
    kernel = tmp_path / "lib" / "ek_tiny" / "tiny_kernel.c"
    assert kernel.read_text() == tiny_files()["tiny_kernel.c"]
    kernel.write_text(kernel.read_text() + "\n/* edited */\n")
    assert toolchain.build_project(project).elf != first.elf


def test_another_scons_than_platformio_asks_for_is_named(
    host: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    version = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "4.7.0" if name == "scons" else version(name)
    )
    with pytest.raises(ToolMissingError, match=r"needs SCons 4\.\d+\.\d+, 4\.7\.0 is") as caught:
        toolchain.build_project(tiny_project(host, tmp_path, options=BY_PLATFORMIO))
    assert caught.value.hint == f"pip install scons=={version('scons')}"


def test_without_platformio_its_extra_is_named(
    host: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "platformio" else find(name)
    )
    with pytest.raises(ToolMissingError, match="PlatformIO is not installed") as caught:
        toolchain.build_project(tiny_project(host, tmp_path, options=BY_PLATFORMIO))
    assert caught.value.hint == "pip install 'edgekit[esp32]'"
