"""The port of the Arduino cores, with a real one: Debian's, on a simulated ATmega2560."""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import subprocess
import tty
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from support.dense import dense_graph

import edgekit
from edgekit import resources
from edgekit.codegen import render
from edgekit.frontends import tflite_writer
from edgekit.link import Device, ResetCause, SerialTransport
from edgekit.pipeline import CompiledModel, application

pytestmark = pytest.mark.emulated

HERE = Path(__file__).parent
FIRMWARE = resources.tree("firmware")
CORE = Path("/usr/share/arduino/hardware/arduino/avr")
BOARD_ID = "arduino-mega"
SOURCES = (
    FIRMWARE / "ports" / "arduino.cpp",
    *sorted((FIRMWARE / "runtime").glob("*.c")),
    *sorted((FIRMWARE / "protocol").glob("*.c")),
)
#: Debian's avr-gcc cannot compile the core's class String, which nothing here uses.
CORE_SOURCES = [
    path for path in sorted(CORE.glob("cores/arduino/*.c*")) if path.name != "WString.cpp"
]
FLAGS = (
    *("-mmcu=atmega2560", "-Os", "-ffunction-sections", "-fdata-sections"),
    *("-DF_CPU=16000000UL", "-DARDUINO=10819", "-DARDUINO_ARCH_AVR", "-DARDUINO_AVR_MEGA2560"),
    # 8 KiB of RAM, in which constants lie too
    *("-DEK_PROFILE=1", "-DEK_LINK_PAYLOAD_BYTES=256", "-DEK_LOG_BYTES=64"),
    *(f"-I{FIRMWARE / folder}" for folder in ("include", "runtime", "protocol")),
    *(f"-I{CORE / folder}" for folder in ("cores/arduino", "variants/mega")),
)
CPP = ("avr-g++", "-std=gnu++11", "-fno-threadsafe-statics", "-fno-exceptions")
C_OF_CORE = "-std=gnu11"
WARNINGS = {".c": ("-Wall", "-Wextra", "-Wconversion", "-Werror"), ".cpp": ("-Wall", "-Werror")}


def run(*command: str | Path) -> None:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "dense.tflite"
    path.write_bytes(tflite_writer.write(dense_graph(rows=2, size=12)))
    return path


@pytest.fixture(scope="module")
def compiled(model: Path) -> CompiledModel:
    return edgekit.compile(model)


def build(folder: Path, sources: Sequence[Path]) -> Path:
    """Compile `sources` with the Arduino core and link them with it."""
    if shutil.which("avr-g++") is None or not CORE.is_dir():
        pytest.skip("needs Debian's gcc-avr and arduino-core-avr")
    objects = []
    for source in (*sources, *CORE_SOURCES):
        objects.append(folder / f"{len(objects)}.o")
        ours = source not in CORE_SOURCES
        warnings = WARNINGS[source.suffix] if ours else ("-w",)
        language = (
            CPP if source.suffix == ".cpp" else ("avr-gcc", "-std=c99" if ours else C_OF_CORE)
        )
        run(*language, *FLAGS, *warnings, f"-I{folder}", "-c", source, "-o", objects[-1])
    elf = folder / "firmware.elf"
    run("avr-gcc", "-mmcu=atmega2560", "-Wl,--gc-sections", *objects, "-o", elf, "-lm")
    return elf


@pytest.fixture(scope="module")
def image(compiled: CompiledModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our main.cpp, port, runtime, and the model, linked with the core."""
    folder = tmp_path_factory.mktemp("avr")
    for path, text in compiled.sources.files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    name = compiled.sources.model_name
    facts = {"model_name": name, "macro": f"EK_{name.upper()}", "board_id": BOARD_ID}
    facts |= {"version": "0.1.0+0123", "stack_bytes": 0, "psram": ""}
    text = render("project/arduino/main.cpp.j2", **facts)
    (folder / "main.cpp").write_text(text)
    return build(folder, [*SOURCES, *folder.glob("*.c*")])


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("gcc")
    if compiler is None or not Path("/usr/include/simavr/sim_avr.h").is_file():
        pytest.skip("needs gcc and Debian's libsimavr-dev and libelf-dev")
    program = tmp_path_factory.mktemp("simulator") / "avr_board"
    source = HERE / "avr_board.c"
    run(compiler, "-std=gnu99", "-O2", "-Wall", source, "-lsimavr", "-lelf", "-o", program)
    return program


@contextlib.contextmanager
def running(simulator: Path, image: Path) -> Iterator[Device]:
    master, slave = pty.openpty()
    tty.setraw(slave)
    with subprocess.Popen([simulator, image], stdin=master, stdout=master) as board:
        os.close(master)
        try:
            with Device(SerialTransport(os.ttyname(slave))) as device:
                yield device
        finally:
            os.close(slave)
            board.kill()


def test_a_model_on_an_arduino_gives_the_references_bytes(
    simulator: Path, image: Path, compiled: CompiledModel
):
    with running(simulator, image) as device:
        hello = device.hello
        assert (hello.board_id, hello.build_id) == (BOARD_ID, "0123")
        assert hello.model_sha256 == compiled.graph.sha256
        assert hello.reset_cause == ResetCause.UNKNOWN
        verification = edgekit.verify(device, compiled, 8)
        assert (verification.mismatched_bytes, verification.compared_bytes) == (0, 8 * 24)


def test_an_arduino_counts_microseconds(simulator: Path, image: Path):
    with running(simulator, image) as device:
        assert device.hello.ticks_hz == 1_000_000
        runs = device.invoke(5, 1)
        assert all(500 < ticks < 50_000 for ticks in runs)  # 288 MACs at 16 MHz, of 8 bits
        assert len(device.profile()) == 1
        assert device.echo(b"\0" * 100) == b"\0" * 100


def test_an_application_for_arduino_prints_what_the_model_answers(
    simulator: Path, model: Path, tmp_path: Path
):
    app = application.new(tmp_path / "app", model, "esp32", framework="arduino").directory
    folder = app / "lib" / "ek_dense"
    elf = build(folder, [app / "src" / "main.cpp", *folder.glob("*.c")])
    with subprocess.Popen(
        [simulator, elf], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as board:
        assert board.stdout is not None
        lines = [board.stdout.readline() for _ in range(2)]
        board.kill()
    for number, line in enumerate(lines):
        assert line.startswith(f"run {number}: ")
        assert " us, largest output is number " in line
