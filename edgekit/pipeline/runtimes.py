"""Engines that are an interpreter on a Linux machine: LiteRT and ONNX Runtime.

No C is made and nothing is built: the model goes to the machine as it is, with a small program that
speaks the link around the interpreter there (firmware/linux/model_server.py). The link, the
measurement and the report are those of every board.

These engines do not compute by TensorFlow Lite Micro's rules, so their bytes may differ from the
oracle's: how many do, and by how much at most, is reported and not refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import numpy as np

from edgekit import codegen, measurement, ops
from edgekit.boards import Board
from edgekit.errors import (
    FloatModelError,
    ModelError,
    UserError,
    VerificationError,
)
from edgekit.frontends import tflite
from edgekit.ir import Array, DType, Graph, Quantization, Tensor
from edgekit.link import Device, DeviceTensor
from edgekit.measurement import Inputs, Measurement, Samples, Verification
from edgekit.measurement.agreement import invoke_once
from edgekit.measurement.statistics import decibels
from edgekit.pipeline.linux import LinuxDevice
from edgekit.pipeline.model_serving import (
    LITERT,
    NAMES,
    SUFFIXES,
    RuntimeOptions,
    ServedModel,
    plain,
    serving,
    told,
)
from edgekit.pipeline.reaching import Where
from edgekit.progress import Progress
from edgekit.reference import cache

#: Below it the differences are as large as the outputs themselves.
_LEAST_SQNR_DB = 3.0


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
    with serving(read, board, engine, options, where, progress) as device:
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


def _read(path: Path, engine: str) -> ServedModel:
    if path.suffix.lower() != SUFFIXES[engine]:
        other = "every other engine runs .tflite files"
        raise UserError(
            f"engine {engine} runs {SUFFIXES[engine]} files, not {path.name}",
            hint=other if engine == "onnxruntime" else "`edgekit convert` makes one",
        )
    if engine == "litert":
        graph = tflite.read(path)
        name = codegen.free_name(graph.name)
        return ServedModel(path=path, name=name, content=path.read_bytes(), graph=graph)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    return ServedModel(path=path, name=path.stem, content=content, graph=None)


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
    model: ServedModel,
    samples: Samples,
    engine: str,
    progress: Progress,
) -> tuple[Verification, tuple[tuple[Array, ...], ...]]:
    """What differs from the reference, and the machine's outputs."""
    progress("asking the reference", 0, 0)
    if engine == LITERT and not _is_float(graph):
        expected, oracle = cache.outputs_for(model.content, samples.inputs)
    else:
        expected, oracle = _plain_outputs(model, engine, graph, samples, progress)
    stage, total = f"verifying {NAMES[engine]}", len(samples)
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


def _is_float(graph: Graph) -> bool:
    """True if there is nothing in it that TensorFlow Lite Micro's integer kernels say exactly."""
    try:
        tflite.refuse_float(graph)
    except FloatModelError:
        return True
    return False


def _plain_outputs(
    model: ServedModel, engine: str, graph: Graph, samples: Samples, progress: Progress
) -> tuple[list[tuple[Array, ...]], str]:
    """What the same interpreter answers here with its plainest kernels, and its name."""
    with plain(model, engine, progress) as device:
        outputs = [invoke_once(device, inputs, graph) for inputs in samples.inputs]
        version = told(device)["engine_version"]
    how = "with its reference kernels" if engine == LITERT else "without optimisations"
    return outputs, f"{version} {how}, on this computer"


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
        zero = _zero_point(tensor)
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


def _zero_point(tensor: Tensor) -> int:
    """The number that stands for zero: of floats, and of integers without a scale, 0."""
    quantization = tensor.quantization
    return 0 if quantization is None or not quantization.per_tensor else tensor.zero_point


# ---- what it takes -------------------------------------------------------------------------


def _measured(
    device: LinuxDevice,
    board: Board,
    engine: str,
    model: ServedModel,
    samples: Samples,
    verification: Verification,
    outputs: tuple[tuple[Array, ...], ...],
    *,
    runs: int,
    warmup: int,
    progress: Progress,
) -> Measurement:
    stage = f"measuring {NAMES[engine]}"
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
    facts = told(device)
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
            peak_rss_bytes=int(facts["peak_rss_bytes"]),
        ),
        verify=verification,
        accuracy=measurement.accuracy(outputs, samples.labels),
        rung=board.verified,
        engine_version=facts["engine_version"],
        system=system,
    )


def _macs(graph: Graph) -> int | None:
    """Of one invoke; None where an operator is one that edgekit knows nothing of."""
    known = all(ops.refusal(operator) is None for operator in graph.operators)
    return ops.macs(graph) if known else None
