"""C programs around the firmware's server, compiled for the host with the sanitizers on."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pty
import shutil
import subprocess
import sys
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgekit import resources
from edgekit.link import Device, SerialTransport

HERE = Path(__file__).parent
FIRMWARE = resources.tree("firmware")
PROTOCOL = (FIRMWARE / "protocol" / "ek_frame.c", FIRMWARE / "protocol" / "ek_message.c")
SERVER = (*PROTOCOL, *sorted((FIRMWARE / "runtime").glob("*.c")))
FIXED = FIRMWARE / "runtime" / "ek_fixed.c"
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")

#: A link that loses nothing on the way: silence of so long means that something was lost.
PATIENCE = {"timeout_s": 0.15, "min_bytes_per_s": 1e6, "attempts": 40}


def _compiler() -> tuple[str, ...]:
    for name in ("gcc", "cc"):
        if found := shutil.which(name):
            return (found,)
    if importlib.util.find_spec("ziglang"):
        return (sys.executable, "-m", "ziglang", "cc")
    pytest.skip("needs a C compiler: gcc, cc or the package ziglang")


Compile = Callable[..., Path]


@pytest.fixture(scope="session")
def compile_c(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """Compile sources into a program; each source once for each set of flags."""
    command = [*_compiler(), "-std=c99", "-g", "-O1", "-D_POSIX_C_SOURCE=200809L"]
    command += ["-DEK_LINK_IDLE_MS=200"]  # lest tests of silence take long
    command += ["-Wall", "-Wextra", "-Wconversion", "-Werror"]
    command += [f"-I{FIRMWARE / 'include'}", f"-I{FIRMWARE / 'runtime'}"]
    folder = tmp_path_factory.mktemp("programs")
    sanitizers = () if "ziglang" in command else SANITIZERS

    def object_of(source: Path, flags: tuple[str, ...]) -> str:
        made = folder / f"{source.stem}{'-sanitized' if flags else ''}.o"
        if not made.exists():
            arguments = [*command, *flags, "-c", str(source), "-o", str(made)]
            subprocess.run(arguments, check=True, timeout=300)
        return str(made)

    def program_of(name: str, *sources: Path, sanitize: bool = True) -> Path:
        flags = sanitizers if sanitize else ()
        objects = [object_of(source, flags) for source in sources]
        program = folder / name
        subprocess.run([*command, *flags, *objects, "-o", program], check=True, timeout=300)
        return program

    return program_of


@pytest.fixture(scope="session")
def stdio_board(compile_c: Compile) -> Path:
    """The server over standard input and output, running tests/firmware/tiny_model.c."""
    return compile_c("stdio_board", *SERVER, HERE / "stdio_board.c", HERE / "tiny_model.c")


class Board:
    """A running server on a pseudo-terminal, with what it wrote on its standard error."""

    def __init__(self, program: Path, model: str) -> None:
        master, slave = pty.openpty()
        tty.setraw(slave)
        self.port = os.ttyname(slave)
        self._slave = slave
        self.process = subprocess.Popen(
            [program, model], stdin=master, stdout=master, stderr=subprocess.PIPE
        )
        os.close(master)

    def end(self) -> None:
        """Close the line; the server must end by itself and the sanitizers have found nothing."""
        os.close(self._slave)
        try:
            _, said = self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        assert self.process.returncode == 0, said.decode()


Start = Callable[..., contextlib.AbstractContextManager[Board]]


@pytest.fixture(scope="session")
def start(stdio_board: Path) -> Start:
    """Start a board: `with start("tiny") as board`."""

    @contextlib.contextmanager
    def started(model: str = "tiny", program: Path = stdio_board) -> Iterator[Board]:
        board = Board(program, model)
        try:
            yield board
        except BaseException:
            board.process.kill()
            board.process.communicate()
            raise
        board.end()

    return started


@pytest.fixture(scope="session")
def board(start: Start) -> Iterator[Board]:
    """One board that runs `tiny` for all tests of this process: sessions keep them apart."""
    with start() as running:
        yield running


@pytest.fixture(scope="session")
def line(board: Board) -> Iterator[SerialTransport]:
    """The serial port of `board`."""
    transport = SerialTransport(board.port)
    yield transport
    transport.close()


@pytest.fixture
def device(line: SerialTransport) -> Device:
    """A new session with `board`."""
    return Device(line, **PATIENCE)


@pytest.fixture(scope="session")
def codec(compile_c: Compile) -> Callable[[list[str]], list[str]]:
    """The C codec: lines in, lines out. See tests/firmware/codec.c."""
    program = compile_c("codec", *PROTOCOL, FIXED, HERE / "codec.c")

    def answer(lines: list[str]) -> list[str]:
        text = "".join(f"{line}\n" for line in lines)
        run = subprocess.run([program], input=text, capture_output=True, text=True, timeout=60)
        assert run.returncode == 0, run.stderr
        return [line.strip() for line in run.stdout.split("\n")[: len(lines)]]

    return answer
