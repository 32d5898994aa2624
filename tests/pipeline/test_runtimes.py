"""Engines litert and onnxruntime: the real interpreters, spoken with over the link."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest
from support.float_models import classifier

from edgekit import boards, measurement, pipeline, remote, resources
from edgekit.conversion import environments
from edgekit.errors import (
    EdgekitError,
    InputError,
    ModelError,
    RemoteError,
    ToolMissingError,
    UserError,
    VerificationError,
)
from edgekit.link import Device, PipeTransport
from edgekit.link.frame import encode
from edgekit.link.messages import Header, Message, Status
from edgekit.pipeline import RuntimeOptions, linux, model_serving, runtimes
from edgekit.pipeline.model_serving import ServedModel
from edgekit.progress import silent
from edgekit.report import tables

litert = pytest.importorskip("ai_edge_litert.interpreter")
SERVER = resources.tree("firmware") / "linux" / "model_server.py"

#: Makes an ONNX model of a convolution, one input of open batch, float32.
MAKE_ONNX = """
import sys
import numpy as np, onnx
from onnx import TensorProto, helper, numpy_helper
rng = np.random.default_rng(0)
constants = [
    numpy_helper.from_array(rng.standard_normal((4, 1, 3, 3)).astype(np.float32), "w"),
    numpy_helper.from_array(rng.standard_normal((144, 3)).astype(np.float32) / 12, "d"),
]
nodes = [
    helper.make_node("Conv", ["x", "w"], ["c"]),
    helper.make_node("Relu", ["c"], ["r"]),
    helper.make_node("Flatten", ["r"], ["f"]),
    helper.make_node("MatMul", ["f", "d"], ["m"]),
    helper.make_node("Softmax", ["m"], ["y"], axis=1),
]
x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, 8, 8])
y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])
graph = helper.make_graph(nodes, "small", [x], [y], constants)
opset = helper.make_opsetid("", 17)
onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), sys.argv[1])
"""


@pytest.fixture(scope="session")
def onnx_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "small.onnx"
    subprocess.run([environments.environment("onnx"), "-c", MAKE_ONNX, str(path)], check=True)
    return path


def test_a_model_is_measured_in_litert(model: Path):
    measured = pipeline.run(model, "host", 3, engine="litert", runs=5)
    assert (measured.engine, measured.board, measured.emulated) == ("litert", "host", False)
    assert measured.engine_version is not None
    assert measured.engine_version.startswith("ai-edge-litert ")
    assert measured.model.sha256 == hashlib.sha256(model.read_bytes()).hexdigest()
    assert (measured.invoke.unit, measured.invoke.count) == ("us", 5)
    assert 0 < measured.invoke.min <= measured.invoke.median <= measured.invoke.max
    assert (measured.build, measured.memory.arena_bytes) == (None, None)
    assert measured.memory.peak_rss_bytes is not None
    assert measured.memory.peak_rss_bytes > 10_000_000  # Python and NumPy alone
    verify = measured.verify
    assert not verify.exact
    assert verify.largest_difference is not None
    assert (verify.mismatched_bytes == 0) == (verify.largest_difference == 0)
    table = tables.summary(measured)
    assert "compared" in list(table.columns[0].cells)


def test_its_outputs_are_the_interpreters_own(model: Path):
    """What LiteRT says when it is asked in this process, byte for byte."""
    interpreter = litert.Interpreter(model_path=str(model), num_threads=1)
    interpreter.allocate_tensors()
    read = ServedModel(path=model, name="m", content=model.read_bytes(), graph=None)
    with model_serving.serving(
        read, boards.load("host"), "litert", RuntimeOptions(), pipeline.Where(), silent
    ) as device:
        tensors = interpreter.get_input_details()
        rng = np.random.default_rng(1)
        arrays = [rng.integers(-128, 128, t["shape"], dtype=np.int8) for t in tensors]
        device.write_inputs([array.tobytes() for array in arrays])
        assert len(device.invoke(count=3, warmup=2)) == 3
        for tensor, array in zip(tensors, arrays, strict=True):
            interpreter.set_tensor(tensor["index"], array)
        interpreter.invoke()
        for i, tensor in enumerate(interpreter.get_output_details()):
            assert device.read_output(i) == interpreter.get_tensor(tensor["index"]).tobytes()
            described = device.outputs[i]
            assert described.shape == tuple(tensor["shape"])
            assert (described.scale, described.zero_point) == tensor["quantization"]


def test_an_onnx_model_is_measured_in_onnx_runtime(onnx_model: Path):
    measured = pipeline.run(onnx_model, "host", 3, engine="onnxruntime", runs=4)
    assert (measured.model.name, measured.model.macs) == ("small", None)
    assert measured.engine_version is not None
    assert measured.engine_version.startswith("onnxruntime ")
    assert measured.verify.compared_bytes == 3 * 3 * 4
    assert measured.verify.oracle.endswith("without optimisations, on this computer")
    assert measured.verify.largest_difference is not None
    assert measured.verify.largest_difference < 1e-5


def test_a_float_model_is_compared_with_litert_in_its_own_reference(tmp_path: Path):
    path = tmp_path / "float.tflite"
    path.write_bytes(classifier())
    measured = pipeline.run(path, "host", 2, engine="litert", runs=1)
    assert "with its reference kernels" in measured.verify.oracle
    assert measured.verify.largest_difference is not None
    assert measured.verify.largest_difference < 1e-4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"board": "qemu-cortex-m4"}, "needs an operating system, which qemu-cortex-m4 has not"),
        ({"engine": "onnxruntime"}, "runs .onnx files, not"),
        ({"profile": True}, "does not say how long its operators take"),
        ({"directory": "somewhere"}, "is not built: it takes no arena, directory"),
        ({"arena_bytes": 1000}, "is not built"),
        ({"runs": 0}, "0 runs after 1 were asked for"),
        ({"runtime": RuntimeOptions(threads=0)}, "0 threads were asked for"),
        ({"inputs": {"nothing": np.zeros(1)}}, "has no array for input 0"),
        ({"engine": "aot", "runtime": RuntimeOptions(threads=2)}, "engine aot has neither"),
        ({"board": "rpi-4"}, "this computer is no Raspberry Pi 4"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(model: Path, change: dict[str, object], said: str):
    arguments: dict[str, object] = {"board": "host", "engine": "litert", **change}
    with pytest.raises(UserError, match=said):
        pipeline.run(model, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", ["litert", "onnxruntime"])
def test_a_file_that_is_no_model_is_said(engine: str, tmp_path: Path):
    path = tmp_path / f"bad{'.tflite' if engine == 'litert' else '.onnx'}"
    path.write_bytes(b"no model at all" * 10)
    with pytest.raises(ModelError, match="bad"):
        pipeline.run(path, "host", engine=engine)


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python without a package."""
    directory = tmp_path_factory.mktemp("bare")
    venv.create(directory, with_pip=False)
    return str(directory / "bin" / "python")


def test_a_python_without_the_package_is_told_how_to_get_it(model: Path, bare_python: str):
    with pytest.raises(ToolMissingError, match="has no numpy") as caught:
        pipeline.run(model, "host", engine="litert", runtime=RuntimeOptions(python=bare_python))
    assert f"{bare_python} -m pip install ai-edge-litert numpy" in str(caught.value.hint)


def test_a_python_that_is_not_there_is_said(model: Path):
    with pytest.raises(RemoteError, match="/nowhere/python does not start"):
        pipeline.run(
            model, "host", engine="litert", runtime=RuntimeOptions(python="/nowhere/python")
        )


@pytest.fixture
def served(model: Path):
    """The program itself, and its process."""
    here = remote.ThisMachine()
    command = [sys.executable, str(SERVER), "litert", str(model), "--board", "here"]
    with linux.conversation(here, command, attempts=60) as device:
        yield device


def test_a_program_that_is_killed_is_said(model: Path):
    here = remote.ThisMachine()
    command = [sys.executable, str(SERVER), "litert", str(model)]
    with pytest.raises(EdgekitError, match="ended with SIGKILL"):  # noqa: PT012, SIM117 - in any
        with linux.conversation(here, command, attempts=60) as device:
            assert device.hello.engine == "litert"
            (pid,) = _children_with("model_server.py", str(model))
            os.kill(pid, signal.SIGKILL)
            device.invoke(count=100)


def _children_with(*words: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if all(word in command for word in words):
            found.append(int(path.parent.name))
    return found


def test_the_server_keeps_the_protocol(served: Device):
    hello = served.hello
    assert (hello.board_id, hello.engine, hello.ticks_hz) == ("here", "litert", 10**9)
    assert not hello.has_profile
    content = bytes(range(256)) * 200  # more than one frame, and zeros in them
    assert served.echo(content) == content
    with pytest.raises(EdgekitError, match="UNKNOWN"):
        served.memory()
    with pytest.raises(EdgekitError, match="no run has ended yet"):
        served.read_output(0)
    with pytest.raises(InputError):
        served.write_input(0, b"too short")
    assert served.log().splitlines()[0].startswith("engine_version ai-edge-litert")


def test_damaged_frames_and_repeated_requests_are_as_the_protocol_says(model: Path):
    here = remote.ThisMachine()
    program = here.start([sys.executable, str(SERVER), "litert", str(model)])
    try:
        pipes = PipeTransport(*program.fileno(), name="server")
        hello = encode(Header(Message.HELLO, 0, 1, 7).pack() + b"\x01")
        pipes.write(hello[:-3] + b"!" + hello[-2:])  # flipped
        notice = _one_frame(pipes)
        assert (notice.message, notice.status) == (0x80, Status.DAMAGED)
        pipes.write(encode(Header(Message.ECHO, 0, 1, 7).pack()))
        assert _one_frame(pipes).status == Status.SESSION
        for _ in range(2):  # once only, answered twice
            pipes.write(hello)
            assert _one_frame(pipes) == Header(0x81, 0, 1, 7)
        pipes.write(encode(Header(Message.HELLO, 0, 2, 7).pack() + b"\x63"))
        assert _one_frame(pipes).status == Status.VERSION
        pipes.write(encode(Header(Message.TENSOR, 0, 3, 7).pack() + b"\0\x09\0"))
        assert _one_frame(pipes).status == Status.ARGUMENT
        pipes.write(encode(Header(Message.INVOKE, 0, 4, 7).pack() + b"\xff\xff\0\0"))
        assert _one_frame(pipes).status == Status.ARGUMENT
    finally:
        program.close()


def _one_frame(pipes: PipeTransport) -> Header:
    from edgekit.link.frame import FrameReader

    reader, found = FrameReader(), []
    while not found:
        received = pipes.read(1, timeout_s=30)
        assert received
        found = reader.feed(received)
    assert isinstance(found[0], bytes)
    return Header.parse(found[0])


def test_outputs_that_have_nothing_in_common_are_refused(model: Path, monkeypatch):
    graph = pipeline.compile(model).source_graph
    samples = measurement.samples_for(graph, 4)
    rng = np.random.default_rng(5)
    nonsense = [
        tuple(rng.integers(-128, 128, t.shape, dtype=np.int8) for t in graph.outputs)
        for _ in range(len(samples))
    ]
    monkeypatch.setattr(runtimes.cache, "outputs_for", lambda *_: (nonsense, "somebody"))
    with pytest.raises(VerificationError, match="differs from somebody by as much as it holds"):
        pipeline.run(model, "host", 4, engine="litert", runs=1)
