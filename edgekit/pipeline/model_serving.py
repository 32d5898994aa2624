"""A model in an interpreter on a Linux machine, asked over the link.

firmware/linux/model_server.py is what runs there.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from edgekit import remote, resources
from edgekit.boards import Board
from edgekit.conversion import environments
from edgekit.errors import ModelError, ToolMissingError
from edgekit.ir import Graph
from edgekit.link import Device
from edgekit.pipeline import linux
from edgekit.pipeline.linux import LinuxDevice
from edgekit.pipeline.reaching import Where
from edgekit.progress import Progress
from edgekit.remote import Machine

LITERT, ONNX_RUNTIME = RUNTIMES = ("litert", "onnxruntime")

SUFFIXES = {"litert": ".tflite", "onnxruntime": ".onnx"}
NAMES = {"litert": "LiteRT", "onnxruntime": "ONNX Runtime"}
_SERVER = "linux/model_server.py"
_NO_PACKAGE, _BAD_MODEL = 3, 4  # exit codes of the server
_PATIENCE = 60  # times 2 s, for a slow machine to load its interpreter


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeOptions:
    """How the interpreter is run."""

    threads: int = 1  # as the other engines have, so that figures compare
    python: str | None = None  # on the machine; None: python3, and on this computer edgekit's own


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A model file, as an interpreter takes it."""

    path: Path
    name: str
    content: bytes
    graph: Graph | None  # of a .tflite

    @property
    def sha256(self) -> str:
        """Of the file, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


@contextlib.contextmanager
def serving(
    model: ServedModel,
    board: Board,
    engine: str,
    options: RuntimeOptions,
    where: Where,
    progress: Progress,
) -> Iterator[LinuxDevice]:
    """The machine's interpreter with the model in it."""
    progress(f"connecting to {where.host or 'this computer'}", 0, 0)
    if board.flash != "ssh":
        here, python = remote.ThisMachine(), options.python or _python_here(engine, progress)
        with _served(here, model, engine, options, python, board=board.id) as device:
            yield device
        return
    with linux.machine_of(board, where.host, where.launcher) as machine:
        played = linux.refuse_another(board, None, machine, where.launcher)
        progress(f"starting {NAMES[engine]} on {machine.name}", 0, 0)
        with _served(
            machine,
            model,
            engine,
            options,
            options.python or "python3",
            board=board.id,
            launcher=where.launcher,
            played=played,
        ) as device:
            yield device


@contextlib.contextmanager
def plain(model: ServedModel, engine: str, progress: Progress) -> Iterator[LinuxDevice]:
    """The interpreter on this computer, with kernels as plain as it has them: a reference."""
    here, python = remote.ThisMachine(), _python_here(engine, progress)
    with _served(
        here, model, engine, RuntimeOptions(), python, board="host", is_reference=True
    ) as device:
        yield device


def _python_here(engine: str, progress: Progress) -> str:
    """edgekit's own Python; for ONNX Runtime that of an environment which is made on demand."""
    if engine == ONNX_RUNTIME and importlib.util.find_spec("onnxruntime") is None:
        return environments.environment("onnx", progress=progress)
    return sys.executable


@contextlib.contextmanager
def _served(
    machine: Machine,
    model: ServedModel,
    engine: str,
    options: RuntimeOptions,
    python: str,
    *,
    board: str,
    launcher: Sequence[str] = (),
    played: bool = False,
    is_reference: bool = False,
) -> Iterator[LinuxDevice]:
    with machine.directory() as folder:
        server, path = f"{folder}/model_server.py", f"{folder}/model{SUFFIXES[engine]}"
        machine.put((resources.tree("firmware") / _SERVER).read_bytes(), server)
        machine.put(model.content, path)
        command = [python, server, engine, path, "--name", model.name, "--board", board]
        command += ["--version", metadata.version("edgekit"), "--threads", str(options.threads)]
        with linux.conversation(
            machine,
            [*command, *(["--reference"] if is_reference else [])],
            launcher=launcher,
            played=played,
            attempts=_PATIENCE,
            ends=_ends(model, engine, python, machine),
        ) as device:
            yield device


def _ends(model: ServedModel, engine: str, python: str, machine: Machine) -> linux.Ends:
    """What the server's exit codes mean."""
    package = "ai-edge-litert" if engine == LITERT else "onnxruntime"
    older = "; for Python before 3.9, tflite-runtime" if engine == LITERT else ""
    install = f"on {machine.name}: {python} -m pip install {package} numpy{older}"
    return {
        _NO_PACKAGE: lambda words: ToolMissingError(
            f"{machine.name}: {_last_line(words)}",
            hint=f"{install}; or name another Python: --python PATH",
        ),
        _BAD_MODEL: lambda words: ModelError(
            f"{model.path}: {_last_line(words)}",
            hint=f"try another version of {package} there, or engine aot",
        ),
    }


def _last_line(words: str) -> str:
    """What the program itself said: interpreters log before it."""
    return words.splitlines()[-1] if words else "no reason was given"


def told(device: Device) -> dict[str, str]:
    """What the server's log says: a name and a value on each line."""
    lines = (line.partition(" ") for line in device.log().splitlines())
    return {name: value for name, _, value in lines}
