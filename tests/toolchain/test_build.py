from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.firmware import EVERY_BOARD, ready, tiny_files, tiny_project

from edgekit import boards, toolchain
from edgekit.boards import Board
from edgekit.codegen import GeneratedSources
from edgekit.errors import BuildError, DoesNotFitError, ToolMissingError
from edgekit.project import ProjectOptions
from edgekit.toolchain import sizes
from edgekit.toolchain.artefacts import Built

SMALL_MAIN = '#include "ek_tiny.h"\nint main(void) { return ek_tiny.invoke() == EK_OK; }\n'


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def host() -> Board:
    return ready("host")


@pytest.mark.parametrize("board_id", EVERY_BOARD)
def test_the_whole_firmware_builds_without_warnings_for(board_id: str, tmp_path: Path):
    board = ready(board_id)
    image = toolchain.build_project(tiny_project(board, tmp_path))
    assert image.board_id == board_id
    assert image.toolchain.split()[-1][0].isdigit()
    assert "-Werror" in image.flags
    has_wide_pointers = board_id == "host" or board.toolchain.startswith("aarch64")
    assert image.static_ram_bytes == 64 + (8 if has_wide_pointers else 4)  # arena, one pointer
    assert 200 < image.inference_flash_bytes < 1000
    most = 1 << 20 if board.runs_linux else 64 * 1024  # with a C library in it
    assert image.inference_flash_bytes < image.flash_bytes < most
    assert "warning" not in image.log.read_text()


def test_unchanged_inputs_reuse_the_image_wherever_the_project_lies(
    own_cache: Path, host: Board, tmp_path: Path
):
    first = toolchain.build_project(tiny_project(host, tmp_path / "a", main=SMALL_MAIN))
    built = first.elf.stat()
    again = toolchain.build_project(tiny_project(host, tmp_path / "b", main=SMALL_MAIN))
    assert again == first
    assert again.elf.stat() == built
    assert first.elf.is_relative_to(own_cache / "builds")
    assert str(tmp_path / "a").encode() not in first.elf.read_bytes()


def test_a_changed_source_or_flag_is_another_image(own_cache: Path, host: Board, tmp_path: Path):
    del own_cache
    images = [
        toolchain.build_project(tiny_project(host, tmp_path / "a", main=SMALL_MAIN)),
        toolchain.build_project(tiny_project(host, tmp_path / "b", main=SMALL_MAIN + "\n")),
        toolchain.build_project(
            tiny_project(
                host,
                tmp_path / "c",
                main=SMALL_MAIN,
                options=ProjectOptions(optimisation="-Os"),
            )
        ),
    ]
    assert len({image.elf for image in images}) == 3
    assert len({image.sources_sha256 for image in images}) == 3


def test_without_the_cache_the_build_lies_in_the_project(
    own_cache: Path, host: Board, tmp_path: Path
):
    project = tiny_project(host, tmp_path / "p", main=SMALL_MAIN)
    for _ in range(2):
        image = toolchain.build_project(project, cache=False)
        assert image.elf == tmp_path / "p" / "build" / "firmware.elf"
        assert os.access(image.elf, os.X_OK)
    assert list((own_cache / "builds").iterdir()) == []


def test_generated_sources_become_an_image_without_leaving_a_project(own_cache: Path, host: Board):
    del own_cache
    sources = GeneratedSources(
        model_name="tiny",
        engine="aot",
        files=tiny_files(),
        arena_bytes=64,
        input_bytes=16,
        constant_bytes=0,
    )
    image = toolchain.build(sources, host, options=ProjectOptions())
    assert image.elf.is_file()


def test_sanitizers_find_what_a_kernel_does_wrong(own_cache: Path, host: Board, tmp_path: Path):
    del own_cache
    if not toolchain.find_compiler(host).name.startswith("gcc"):
        pytest.skip("the sanitizers' run-time library is known to come with gcc only")
    main = SMALL_MAIN.replace("{ return", "{ static int i = 31; i <<= i; return")
    options = ProjectOptions(sanitize=True)
    image = toolchain.build_project(tiny_project(host, tmp_path, main=main, options=options))
    run = subprocess.run([image.elf], capture_output=True, text=True)
    assert run.returncode != 0
    assert "runtime error: left shift" in run.stderr


def test_a_compiler_error_is_shown_and_the_whole_log_kept(
    own_cache: Path, host: Board, tmp_path: Path
):
    project = tiny_project(host, tmp_path, main="int main(void) { return nothing; }\n")
    with pytest.raises(BuildError, match=r"app/main\.c:1:25: error: ") as caught:
        toolchain.build_project(project)
    assert caught.value.hint is not None
    log = Path(caught.value.hint.removeprefix("the whole output is in "))
    assert log.is_relative_to(own_cache)
    assert "cmake" in log.read_text()
    assert list((own_cache / "builds").iterdir()) == []


def test_a_warning_is_an_error(own_cache: Path, host: Board, tmp_path: Path):
    del own_cache
    main = SMALL_MAIN.replace("{ return", "{ int unused; return")
    with pytest.raises(BuildError, match="unused"):
        toolchain.build_project(tiny_project(host, tmp_path, main=main))


def test_a_project_that_lost_a_file_says_which(own_cache: Path, host: Board, tmp_path: Path):
    del own_cache
    project = tiny_project(host, tmp_path)
    (tmp_path / "app" / "main.c").unlink()
    with pytest.raises(BuildError, match=r"app/main\.c"):
        toolchain.build_project(project)


@pytest.mark.emulated
@pytest.mark.parametrize(
    ("kind", "main", "memory"),
    [
        ("flash", "volatile const char big[8192] = {1};", "flash memory"),
        ("ram", "volatile char big[40960];", "RAM"),
    ],
)
def test_an_image_that_does_not_fit_says_by_how_much(
    own_cache: Path, tmp_path: Path, kind: str, main: str, memory: str
):
    del own_cache
    board = ready("qemu-cortex-m4")
    sizes_of = {"flash": 8 * 1024, "ram": 32 * 1024}
    memories = tuple(
        region.model_copy(update={"size_bytes": sizes_of[region.kind]}) for region in board.memories
    )
    small = board.model_copy(update={"memories": memories})
    project = tiny_project(small, tmp_path, main=f"{main}\nint main(void) {{ return big[0]; }}\n")
    with pytest.raises(DoesNotFitError) as caught:
        toolchain.build_project(project)
    assert caught.value.memory == memory
    assert caught.value.free_bytes == sizes_of[kind]
    assert caught.value.needed_bytes > sizes_of[kind]
    assert "qemu-cortex-m7" in caught.value.fits


def test_an_interrupted_build_leaves_nothing(own_cache: Path, tmp_path: Path):
    """A compiler that takes for ever, and a Ctrl-C."""
    slow = tmp_path / "slowcc"
    slow.write_text('#!/bin/sh\ncase "$1" in --version) echo slow 1.0; exit;; esac\nsleep 60\n')
    slow.chmod(0o755)
    program = (
        "from pathlib import Path\n"
        "from support.firmware import tiny_project\n"
        "from edgekit import boards, toolchain\n"
        f"project = tiny_project(boards.load('host'), Path({str(tmp_path / 'p')!r}))\n"
        "toolchain.build_project(project)\n"
    )
    tests = str(Path(__file__).parents[1])
    environment = {**os.environ, "CC": str(slow), "PYTHONPATH": tests}
    process = subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 30
        while not list(own_cache.glob("builds/.unfinished-*/building/build.log")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) != 0
    finally:
        process.kill()
        process.wait()
    assert list((own_cache / "builds").iterdir()) == []


def test_a_missing_cross_compiler_names_the_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("PATH", str(tmp_path))
    board = boards.load("qemu-cortex-m4")
    with pytest.raises(ToolMissingError, match="arm-none-eabi-gcc") as caught:
        toolchain.find_compiler(board)
    assert "gcc-arm-none-eabi" in str(caught.value.hint)
    assert "scripts/install-debian-packages" in str(caught.value.hint)
    assert toolchain.missing_for(board) == ("arm-none-eabi-gcc", "qemu-system-arm")


def test_a_host_without_a_compiler_gets_zigs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    pytest.importorskip("ziglang")
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    compiler = toolchain.find_compiler(boards.load("host"))
    assert compiler.name == "zig cc"
    assert compiler.command[1:] == ("-m", "ziglang", "cc")


@pytest.mark.slow
def test_zig_builds_the_host_and_its_sizes_come_from_symbols(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    del own_cache
    pytest.importorskip("ziglang")
    monkeypatch.setenv("CC", f"{sys.executable} -m ziglang cc")
    image = toolchain.build_project(tiny_project(boards.load("host"), tmp_path))
    assert image.toolchain.startswith("zig cc ")
    assert image.static_ram_bytes == 72
    assert 200 < image.inference_flash_bytes < 2000


def test_cc_that_names_nothing_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CC", "no-such-compiler -O9")
    with pytest.raises(ToolMissingError, match="no-such-compiler"):
        toolchain.find_compiler(boards.load("host"))


def test_every_tool_is_found_or_has_a_remedy():
    found = toolchain.tools()
    names = [tool.name for tool in found]
    assert names[:2] == ["cmake", "ninja"]
    assert {"C compiler", "arm-none-eabi-gcc", "qemu-system-arm", "qemu-system-xtensa"} <= set(
        names
    )
    assert all(tool.version if tool.found else tool.remedy for tool in found)


def test_map_and_symbols_agree_on_the_code_of_the_model(
    own_cache: Path, host: Board, tmp_path: Path
):
    """Two ways to the same number; constants without a name are only in the map."""
    del own_cache
    if not toolchain.find_compiler(host).name.startswith("gcc"):
        pytest.skip("only the GNU linker's map is read")
    image = toolchain.build_project(tiny_project(host, tmp_path), cache=False)
    work = tmp_path / "objects"
    work.mkdir()
    compiler = toolchain.find_compiler(host)
    for name in ("ek_tiny", "tiny_kernel"):
        source = tmp_path / "model" / f"{name}.c"
        command = [*compiler.command, "-O2", "-c", str(source), "-o", str(work / f"{name}.o")]
        subprocess.run([*command, f"-I{tmp_path / 'model'}"], check=True)
    built = Built(
        elf=image.elf,
        linker_map=tmp_path / "no.map",
        model_objects=tuple(sorted(work.glob("*.o"))),
        model_object=re.compile("/model/"),
    )
    by_symbols = sizes.measure(built, model_name="tiny")
    assert by_symbols.static_ram_bytes == image.static_ram_bytes
    assert by_symbols.flash_bytes == image.flash_bytes
    unnamed = image.inference_flash_bytes - by_symbols.inference_flash_bytes
    assert 0 <= unnamed <= 64


def test_the_profiling_copy_of_invoke_is_not_counted(own_cache: Path, host: Board, tmp_path: Path):
    """Its code may grow without any effect on what inference takes."""
    del own_cache
    files = tiny_files()
    plain = toolchain.build_project(tiny_project(host, tmp_path / "a", files=files))
    grown = files["ek_tiny.c"].replace(
        "hook(context, 0);", "hook(context, 0);\n    hook(context, 1);\n    hook(context, 2);"
    )
    larger = toolchain.build_project(
        tiny_project(host, tmp_path / "b", files=files | {"ek_tiny.c": grown})
    )
    assert larger.flash_bytes > plain.flash_bytes
    assert larger.inference_flash_bytes == plain.inference_flash_bytes
