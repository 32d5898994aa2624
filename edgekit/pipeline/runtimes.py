"""Engines that are an interpreter on a Linux machine: LiteRT and ONNX Runtime.

No C is made and nothing is built: the model goes to the machine as it is, with a small program that
speaks the link around the interpreter there (firmware/linux/model_server.py). The link, the
measurement and the report are those of every board.

These engines do not compute by TensorFlow Lite Micro's rules, so their bytes may differ from the
oracle's: how many do, and by how much at most, is reported and not refused.
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

import numpy as np

from edgekit import codegen, measurement, ops, remote, resources
from edgekit.boards import Board
from edgekit.conversion import environments
from edgekit.errors import ModelError, UserError, VerificationError
from edgekit.frontends import tflite
from edgekit.ir import Array, DType, Graph, Quantization, Tensor
from edgekit.link import Device, DeviceTensor
from edgekit.measurement import Inputs, Measurement, Samples, Verification
from edgekit.measurement.statistics import decibels
from edgekit.pipeline import linux
from edgekit.pipeline.linux import LinuxDevice
from edgekit.pipeline.reaching import Where
from edgekit.progress import Progress
from edgekit.reference import cache
from edgekit.remote import Machine

LITERT, ONNX_RUNTIME = RUNTIMES = ("litert", "onnxruntime")

_SUFFIXES = {"litert": ".tflite", "onnxruntime": ".onnx"}
_NAMES = {"litert": "LiteRT", "onnxruntime": "ONNX Runtime"}
_SERVER = "linux/model_server.py"
_NO_PACKAGE, _BAD_MODEL = 3, 4  # exit codes of the server
_PATIENCE = 60  # times 2 s, for a slow machine to load its interpreter
#: Below it the differences are as large as the outputs themselves.
_LEAST_SQNR_DB = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeOptions:
    """How the interpreter is run."""

    threads: int = 1  # as the other engines have, so that figures compare
    python: str | None = None  # on the machine; None: python3, and on this computer edgekit's own


@dataclass(frozen=True, slots=True, kw_only=True)
class _Model:
    path: Path
    name: str
    content: bytes
    graph: Graph | None  # of a .tflite

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def run(
    model: str | Path,
    board: Board,
    inputs: Inputs,
    *,
    engine: str,
    options: RuntimeOptions,
    where: Where,
    runs: int | None,
    warmup: int,
    progress: Progress,
) -> Measurement:
    """Measure a model in an interpreter on a Linux machine, or on this computer.

    Raises:
        UserError: the board has no operating system, or the engine takes no such file.
        ModelError: the interpreter takes no such model.
        RemoteError: the interpreter's package is missing there, or the program ended.
        VerificationError: what it computes has nothing to do with what the model computes.
    """
    refuse_for(board, engine)
    runs = 50 if runs is None else runs
    if runs < 1 or warmup < 0:
        raise UserError(f"{runs} runs after {warmup} were asked for", hint="ask for at least 1")
    if options.threads < 1:
        raise UserError(f"{options.threads} threads were asked for", hint="ask for at least 1")
    read = _read(Path(model), engine)
    samples = None if read.graph is None else measurement.samples_for(read.graph, inputs)
    with _serving(read, board, engine, options, where, progress) as device:
        if device.hello.model_sha256 != read.sha256:
            raise VerificationError(f"{board.id} runs another model than {read.path}")
        graph = read.graph or _described(device, read.name)
        samples = samples or measurement.samples_for(graph, inputs)
        verification, outputs = _verified(device, graph, read, samples, engine, progress)
        return _measured(
            device,
            board,
            engine,
            read,
            samples,
            verification,
            outputs,
            runs=runs,
            warmup=warmup,
            progress=progress,
        )


def refuse_for(board: Board, engine: str) -> None:
    """Raise UserError if the board has no operating system for the interpreter."""
    if board.flash != "ssh" and board.toolchain != "host":
        raise UserError(
            f"engine {engine} needs an operating system, which {board.id} has not",
            hint="give a Linux board, such as rpi-4, or host; or engine aot or tflm",
        )


def _read(path: Path, engine: str) -> _Model:
    if path.suffix.lower() != _SUFFIXES[engine]:
        other = "every other engine runs .tflite files"
        raise UserError(
            f"engine {engine} runs {_SUFFIXES[engine]} files, not {path.name}",
            hint=other if engine == "onnxruntime" else "`edgekit convert` makes one",
        )
    if engine == "litert":
        graph = tflite.read(path)
        name = codegen.free_name(graph.name)
        return _Model(path=path, name=name, content=path.read_bytes(), graph=graph)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    return _Model(path=path, name=path.stem, content=content, graph=None)


@contextlib.contextmanager
def _serving(
    model: _Model,
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
        progress(f"starting {_NAMES[engine]} on {machine.name}", 0, 0)
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


def _python_here(engine: str, progress: Progress) -> str:
    """edgekit's own Python; for ONNX Runtime that of an environment which is made on demand."""
    if engine == ONNX_RUNTIME and importlib.util.find_spec("onnxruntime") is None:
        return environments.environment("onnx", progress=progress)
    return sys.executable


@contextlib.contextmanager
def _served(
    machine: Machine,
    model: _Model,
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
        server, path = f"{folder}/model_server.py", f"{folder}/model{_SUFFIXES[engine]}"
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
            hints=_hints(engine, python, machine),
        ) as device:
            yield device


def _hints(engine: str, python: str, machine: Machine) -> dict[int, str]:
    package = "ai-edge-litert" if engine == "litert" else "onnxruntime"
    older = "; for Python before 3.9, tflite-runtime" if engine == "litert" else ""
    return {
        _NO_PACKAGE: f"on {machine.name}: {python} -m pip install {package} numpy{older}; "
        "or name another Python there: --python PATH",
        _BAD_MODEL: "try another version of it there, or engine aot",
    }


# ---- what it computes ----------------------------------------------------------------------


def _described(device: Device, name: str) -> Graph:
    """Inputs and outputs as the interpreter says them; of what lies between nothing is known."""
    inputs = tuple(_tensor(i, one) for i, one in enumerate(device.inputs))
    outputs = tuple(_tensor(len(inputs) + i, one) for i, one in enumerate(device.outputs))
    return Graph(
        name=name, inputs=inputs, outputs=outputs, operators=(), sha256=device.hello.model_sha256
    )


def _tensor(number: int, one: DeviceTensor) -> Tensor:
    quantization = Quantization((one.scale,), (one.zero_point,)) if one.scale else None
    return Tensor(number, one.name, one.shape, DType[one.type.name], quantization)


def _verified(
    device: Device,
    graph: Graph,
    model: _Model,
    samples: Samples,
    engine: str,
    progress: Progress,
) -> tuple[Verification, tuple[tuple[Array, ...], ...]]:
    """What differs from the reference, and the machine's outputs."""
    progress("asking the reference", 0, 0)
    expected, oracle = (
        cache.outputs_for(model.content, samples.inputs)
        if engine == "litert"
        else _onnx_reference(model, graph, samples, progress)
    )
    stage, total = f"verifying {_NAMES[engine]}", len(samples)
    agreement = measurement.compare(
        device, graph, samples, expected, lambda done: progress(stage, done, total)
    )
    largest = _largest_difference(agreement.outputs, expected)
    _refuse_nonsense(agreement.outputs, expected, graph, oracle)
    verification = Verification(
        inputs=total,
        compared_bytes=agreement.compared_bytes,
        mismatched_bytes=agreement.mismatched_bytes,
        oracle=oracle,
        exact=False,
        largest_difference=largest,
    )
    return verification, agreement.outputs


def _onnx_reference(
    model: _Model, graph: Graph, samples: Samples, progress: Progress
) -> tuple[list[tuple[Array, ...]], str]:
    """What ONNX Runtime answers on this computer when it optimises nothing."""
    here, python = remote.ThisMachine(), _python_here(ONNX_RUNTIME, progress)
    with _served(
        here, model, "onnxruntime", RuntimeOptions(), python, board="host", is_reference=True
    ) as device:
        zeros = [tuple(np.zeros(t.shape, t.dtype.numpy) for t in graph.outputs)] * len(samples)
        outputs = measurement.compare(device, graph, samples, zeros, lambda done: None).outputs
        version = _told(device)["engine_version"]
    return list(outputs), f"{version} without optimisations, on this computer"


def _largest_difference(
    outputs: Sequence[Sequence[Array]], expected: Sequence[Sequence[Array]]
) -> float:
    samples = zip(outputs, expected, strict=True)
    pairs = [pair for got, wanted in samples for pair in zip(got, wanted, strict=True)]
    return max(
        (float(np.abs(np.subtract(a, b, dtype=np.float64)).max()) for a, b in pairs if a.size),
        default=0.0,
    )


def _refuse_nonsense(
    outputs: Sequence[Sequence[Array]],
    expected: Sequence[Sequence[Array]],
    graph: Graph,
    oracle: str,
) -> None:
    """Raise VerificationError where an output and its reference have nothing in common."""
    for i, tensor in enumerate(graph.outputs):
        zero = tensor.zero_point if tensor.quantization is not None else 0
        got, wanted = (
            np.concatenate([one[i].ravel() for one in several]).astype(np.float64) - zero
            for several in (outputs, expected)
        )
        if not np.abs(got - wanted).max(initial=0.0) > 1:
            continue  # rounding alone; and a signal of one step has no ratio
        ratio = decibels(wanted, got)
        if not ratio >= _LEAST_SQNR_DB:
            raise VerificationError(
                f"output {tensor.name!r} differs from {oracle} by as much as it holds "
                f"({ratio:.1f} dB): this is no difference of rounding",
                hint="try another version of the interpreter, or engine aot",
            )


# ---- what it takes -------------------------------------------------------------------------


def _measured(
    device: LinuxDevice,
    board: Board,
    engine: str,
    model: _Model,
    samples: Samples,
    verification: Verification,
    outputs: tuple[tuple[Array, ...], ...],
    *,
    runs: int,
    warmup: int,
    progress: Progress,
) -> Measurement:
    stage = f"measuring {_NAMES[engine]}"
    progress(stage, 0, runs)
    watch = device.watch() if board.flash == "ssh" else None
    ticks = measurement.timed(
        device,
        samples.inputs[0],
        outputs[0],
        runs=runs,
        warmup=warmup,
        on_run=lambda done, total: progress(stage, done, total),
    )
    system = None if watch is None else watch.end()
    told = _told(device)
    return Measurement(
        edgekit=metadata.version("edgekit"),
        board=board.id,
        emulated=device.played,
        engine=engine,
        model=measurement.Model(
            name=model.name,
            sha256=model.sha256,
            macs=None if model.graph is None else _macs(model.graph),
        ),
        build=None,
        invoke=measurement.summarise(
            ticks, board=board, ticks_hz=device.hello.ticks_hz, warmup=warmup
        ),
        operators=(),
        memory=measurement.Memory(
            arena_bytes=None,
            arena_lower_bound_bytes=None,
            arena_proof=None,
            stack_bytes=None,
            static_ram_bytes=None,
            flash_bytes=None,
            inference_flash_bytes=None,
            peak_rss_bytes=int(told["peak_rss_bytes"]),
        ),
        verify=verification,
        accuracy=measurement.accuracy(outputs, samples.labels),
        rung=board.verified,
        engine_version=told["engine_version"],
        system=system,
    )


def _macs(graph: Graph) -> int | None:
    """Of one invoke; None where an operator is one that edgekit knows nothing of."""
    known = all(ops.refusal(operator) is None for operator in graph.operators)
    return ops.macs(graph) if known else None


def _told(device: Device) -> dict[str, str]:
    """What the server's log says: a name and a value on each line."""
    lines = (line.partition(" ") for line in device.log().splitlines())
    return {name: value for name, _, value in lines}
