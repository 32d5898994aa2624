"""`edgekit new`: an application that a person would want to keep."""

from __future__ import annotations

import json
import os
import re
import select
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from support.command import Command
from support.dense import dense_graph
from support.firmware import ready, tiny_files
from support.played_pico import PlayedPico

from edgekit import boards, toolchain
from edgekit.codegen import TflmNeeds
from edgekit.errors import UserError
from edgekit.frontends import tflite_writer
from edgekit.pipeline import application
from edgekit.project import ModelBytes, ProjectOptions, application_files
from edgekit.reference import interpreter
from edgekit.toolchain import direct_boot

REAL = [
    (board.id, framework)
    for board in boards.all_boards()
    if board.platformio is not None
    for framework in board.frameworks
    if boards.load(board.id, framework).platformio is not None
]
LINE = re.compile(r"run (\d+): (\d+) (us|ticks), largest output is number (\d+): (-?\d+\.\d{3})")


@pytest.fixture
def dense(tmp_path: Path) -> Path:
    path = tmp_path / "dense.tflite"
    path.write_bytes(tflite_writer.write(dense_graph(layers=2, size=8)))
    return path


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def told_by_the_readme(folder: Path) -> list[str]:
    """The first block of commands in README.md: how to build and run."""
    block = (folder / "README.md").read_text().split("## Build and run")[1].split("## ")[0]
    return [line.strip() for line in block.splitlines() if line.startswith("    ")]


def follow(folder: Path, commands: Sequence[str]) -> str:
    """Type `commands` as a person would; what the last one printed."""
    said = ""
    for command in commands:
        done = subprocess.run(
            shlex.split(command),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert "warning" not in done.stdout
        said = done.stdout
    return said


@pytest.mark.parametrize(
    "board_id",
    [
        "host",
        *(
            pytest.param(i, marks=pytest.mark.emulated)
            for i in ("qemu-cortex-m4", "qemu-riscv32", "pico-emulated")
        ),
    ],
)
def test_what_the_readme_says_builds_and_runs_the_model(board_id: str, dense: Path, tmp_path: Path):
    ready(board_id)
    made = application.new(tmp_path / "my app", dense, board_id)
    said = LINE.findall(follow(made.directory, told_by_the_readme(made.directory)))
    assert [int(run) for run, *_ in said] == [0, 1, 2]
    graph = dense_graph(layers=2, size=8)
    for run, _, unit, largest, value in said:
        x = ((np.arange(8) + int(run)) % 120).astype(np.int8).reshape(graph.inputs[0].shape)
        y = interpreter.evaluate(graph, (x,))[0].ravel()
        output = graph.outputs[0]
        real = (int(y.max()) - output.zero_point) * output.scale
        assert (int(largest), float(value)) == (int(y.argmax()), pytest.approx(real, abs=0.001))
        assert unit == ("ticks" if board_id == "qemu-riscv32" else "us")


@pytest.mark.parametrize(("board_id", "framework"), REAL)
def test_platformio_accepts_the_application(
    board_id: str, framework: str, dense: Path, tmp_path: Path
):
    pytest.importorskip("platformio")
    made = application.new(tmp_path / "app", dense, board_id, framework=framework)
    done = subprocess.run(
        [sys.executable, "-m", "platformio", "project", "config", "--json-output"],
        cwd=made.directory,
        env={**os.environ, "PLATFORMIO_CORE_DIR": str(tmp_path / "core")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    settings = dict(dict(json.loads(done.stdout))[f"env:{board_id}"])
    assert settings["framework"] == [framework]
    main = "src/main.cpp" if framework == "arduino" else "src/main.c"
    assert {main, "README.md", ".gitignore", "lib/ek_dense/ek_dense.c"} <= set(made.written)
    assert "runtime" not in (made.directory / "platformio.ini").read_text()
    assert told_by_the_readme(made.directory)[0].startswith("pio run")


@pytest.mark.emulated
def test_without_a_framework_the_readme_makes_what_the_chip_starts_from(
    dense: Path, tmp_path: Path
):
    board = boards.load("esp32-c3", "none")
    if missing := toolchain.missing_for(board):
        pytest.skip(f"{board.id} without a framework needs {', '.join(missing)}")
    if shutil.which(f"{board.toolchain}-objcopy") is None:
        pytest.skip(f"needs {board.toolchain}-objcopy")
    made = application.new(tmp_path / "app", dense, board.id, framework="none")
    *commands, flash = told_by_the_readme(made.directory)
    assert flash == "esptool --chip esp32c3 write-flash 0 build/application.bin"
    follow(made.directory, commands)
    build, memory = made.directory / "build", board.memory("flash")
    assert memory is not None
    image = direct_boot.image_of(build / "application.elf", memory, board_id=board.id)
    assert (build / "application.bin").read_bytes().rstrip(b"\xff") == image.rstrip(b"\xff")


@pytest.mark.emulated
def test_a_picos_application_is_flashed_and_runs(dense: Path, tmp_path: Path, command: Command):
    ready("pico-emulated")
    made = application.new(tmp_path / "my app", dense, "rpi-pico", framework="none").directory
    *commands, flash = told_by_the_readme(made)
    assert flash == "edgekit flash ."
    unbuilt = command("flash", made)
    assert unbuilt.code == 2
    assert "there is no build/application.elf" in unbuilt.stderr
    follow(made, commands)
    with PlayedPico(tmp_path) as pico:
        done = command("flash", made, "--drive", pico.drive)
        assert done.code == 0, done.stderr
        assert "application.uf2" in done.stdout
        until = time.monotonic() + 60
        while not pico.port.exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        port = os.open(pico.port, os.O_RDONLY | os.O_NOCTTY)  # it keeps what was said before
        heard = b""
        while not (said := LINE.search(heard.decode(errors="replace"))):
            assert select.select([port], [], [], until - time.monotonic())[0], heard
            heard += os.read(port, 4096)
        os.close(port)
    assert said[1] == "0"


@pytest.mark.parametrize(
    ("board_id", "framework", "hint"),
    [("rpi-pico", "arduino", "pio run --target upload"), ("esp32-c3", "none", "README.md")],
)
def test_an_application_that_other_tools_write_is_told_so(
    dense: Path, tmp_path: Path, command: Command, board_id: str, framework: str, hint: str
):
    made = application.new(tmp_path / "app", dense, board_id, framework=framework).directory
    done = command("flash", made)
    assert done.code == 2
    assert hint in " ".join(done.stderr.split())


@pytest.mark.emulated
def test_a_pis_application_is_one_program_that_runs(dense: Path, tmp_path: Path):
    board = boards.load("rpi-4")
    if (missing := toolchain.missing_for(board)) or shutil.which("qemu-aarch64") is None:
        pytest.skip(f"needs {', '.join(missing) or 'qemu-aarch64'}")
    made = application.new(tmp_path / "app", dense, board.id).directory
    *commands, copied, run = told_by_the_readme(made)
    assert copied == "scp build/application.elf pi@raspberrypi.local:"
    assert run == "ssh pi@raspberrypi.local ./application.elf"
    said = follow(made, [*commands, "qemu-aarch64 build/application.elf"])
    assert [run for run, *_ in LINE.findall(said)] == ["0", "1", "2"]


def test_an_update_renews_the_model_and_touches_nothing_else(tmp_path: Path, dense: Path):
    app = application.new(tmp_path / "app", dense, "host").directory
    (app / "src" / "main.c").write_text("int main(void) { return 7; }\n")
    (app / "lib" / "mine").mkdir()
    (app / "lib" / "mine" / "driver.c").write_text("int mine;\n")
    before = contents(app)
    dense.write_bytes(tflite_writer.write(dense_graph(layers=3, size=8)))
    application.update(app, dense)
    after = contents(app)
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert "lib/ek_dense/ek_dense.c" in changed
    assert {path.split("/")[0] for path in changed} == {"lib"}
    assert "lib/mine/driver.c" not in changed
    assert set(before) == set(after)


def test_an_update_to_a_model_of_another_name_is_refused(tmp_path: Path, dense: Path):
    app = application.new(tmp_path / "app", dense, "host").directory
    before = contents(app)
    other = dense.rename(tmp_path / "other.tflite")
    with pytest.raises(UserError, match=r"calls model 'dense', but other\.tflite is 'other'"):
        application.update(app, other)
    assert contents(app) == before


@pytest.mark.parametrize("record", [None, "{", "[]", '{"schema": 99}'])
def test_an_update_needs_an_application(record: str | None, tmp_path: Path, dense: Path):
    (tmp_path / "lib").mkdir()
    if record is not None:
        (tmp_path / "lib" / "edgekit.json").write_text(record)
    with pytest.raises(UserError):
        application.update(tmp_path, dense)


def test_a_directory_that_holds_something_is_refused_and_left_alone(
    command: Command, tmp_path: Path, dense: Path
):
    folder = tmp_path / "full"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    done = command("new", folder, "--board", "host", "--model", dense)
    done.said(2, f"{folder} is not empty", "choose a new or an empty directory")
    assert contents(folder) == {"mine.txt": b"mine"}


def test_an_application_is_not_written_over(command: Command, tmp_path: Path, dense: Path):
    folder = application.new(tmp_path / "app", dense, "host").directory
    before = contents(folder)
    done = command("new", folder, "--board", "host", "--model", dense)
    done.said(2, "it is an application already", "--update")
    assert contents(folder) == before


def test_nothing_is_left_of_an_application_that_cannot_be(
    command: Command, tmp_path: Path, dense: Path
):
    dense.write_bytes(b"no model")
    before = set(tmp_path.iterdir())
    assert command("new", tmp_path / "app", "-b", "esp32", "-m", dense).code == 2
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["-b", "nope"], "no board 'nope'"),
        (["-b", "esp32", "--framework", "zephyr"], "esp32 has no framework 'zephyr'"),
        (["-b", "esp32", "--link", "usb"], "esp32 has no USB of its own"),
        (
            ["-b", "esp32-c3", "--framework", "none", "--link", "usb"],
            "answers on UART and USB alike",
        ),
        (["-b", "host", "--stack", "4096"], "host has no task whose stack could be set"),
        (["-b", "esp32", "--link", "wifi"], "there is no link 'wifi'"),
        ([], "say what the application is for"),
        (["--update", "-b", "host"], "--update keeps what the application was made for"),
        (["--update"], "is no application that `edgekit new` wrote"),
    ],
)
def test_mistakes_are_said(
    command: Command, words: list[str], complaint: str, tmp_path: Path, dense: Path
):
    command("new", tmp_path / "app", "--model", dense, *words).said(2, complaint)
    assert not (tmp_path / "app").exists()


def test_the_command_says_what_it_wrote(command: Command, tmp_path: Path, dense: Path):
    done = command("new", tmp_path / "a", "--board", "esp32-s3", "--model", dense)
    assert done.code == 0, done.stderr
    assert done.stdout.splitlines()[0].split() == ["wrote", str(tmp_path / "a")]
    done = command("new", tmp_path / "a", "--update", "--model", dense)
    assert done.code == 0, done.stderr
    assert "lib/ only" in " ".join(done.stdout.split())


def test_engine_tflm_needs_a_framework_that_brings_it():
    def made(board_id: str, options: ProjectOptions) -> dict[str, str]:
        graph = dense_graph()
        files = application_files(
            tiny_files(),
            model_name="tiny",
            board=boards.load(board_id),
            options=options,
            tflm=TflmNeeds(kernels=("fully_connected",)),
            model_bytes=ModelBytes(arena=64, inputs=16),
            title="app",
            engine="tflm",
            inputs=graph.inputs,
            outputs=graph.outputs,
            run="",
        )
        return {**files.own, **files.library}

    with pytest.raises(UserError, match="needs a board whose framework brings TensorFlow"):
        made("host", ProjectOptions())
    written = made("esp32-s3", ProjectOptions(link="usb"))
    assert "espressif/esp-tflite-micro" in written["lib/ek_tiny/idf_component.yml"]
    assert "--board esp32-s3 --engine tflm --link usb" in written["README.md"]
