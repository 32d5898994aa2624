"""Every operator, through the whole road, on every board that can be started here."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from support.firmware import EVERY_BOARD, ready
from support.zoo import WITH_A_KERNEL, ZOO

from edgekit import passes, pipeline, resources, schemes
from edgekit.boards import Board, load
from edgekit.frontends import tflite_writer
from edgekit.ir import Graph
from edgekit.measurement import Measurement, random_samples
from edgekit.ops import definition_of
from edgekit.pipeline import BuiltFirmware
from edgekit.project import ProjectOptions
from edgekit.reference import cache, interpreter
from edgekit.reference.oracle import NAME, Oracle

MODEL = pytest.mark.parametrize("graph", ZOO, ids=lambda graph: graph.name)


def built(
    graph: Graph, board_id: str, directory: Path, options: ProjectOptions | None = None
) -> BuiltFirmware:
    path = directory / f"{graph.name}.tflite"
    path.write_bytes(tflite_writer.write(graph))
    return pipeline.build(pipeline.compile(path, ready(board_id)), options=options)


def counts_exactly(board: Board, ticks_hz: int) -> bool:
    """True if rounding recovers a step's instructions from its ticks.

    Four readings make those, each off by less than one: the step's own two, and the two that found
    what the profiling hook costs.
    """
    if board.emulator is None or board.emulator.icount_shift is None or ticks_hz == 0:
        return True
    return ticks_hz << board.emulator.icount_shift > 4 * 10**9


def proven(firmware: BuiltFirmware) -> Measurement:
    """Outputs are the oracle's, and every step's output is the reference's; the measurement."""
    compiled = firmware.model
    samples = random_samples(compiled.source_graph, 2)
    with pipeline.connect(firmware) as device:
        assert counts_exactly(compiled.board, device.hello.ticks_hz)
        measurement = pipeline.measure(
            device, compiled, samples, image=firmware.image, profile=True
        )
        for inputs in samples.inputs:
            for i, values in enumerate(inputs):
                device.write_input(i, values.tobytes())
            expected = interpreter.trace(compiled.graph, inputs)
            assert device.digests() == tuple(
                zlib.crc32(expected[operator.output].tobytes())
                for operator in compiled.graph.operators
            )
    verify = measurement.verify
    assert (verify.inputs, verify.mismatched_bytes) == (2, 0)
    assert verify.compared_bytes == 2 * sum(t.size_bytes for t in compiled.graph.outputs)
    assert verify.oracle == (NAME if Oracle.available() else cache.NUMPY_NAME)
    return measurement


#: An emulated Pico is slow: of most graphs it is shown by `make test-all` only.
QUICK_ON_PICO = ("layers", "elements")


def slow_on_pico(board_id: str, graph: Graph) -> bool:
    return board_id == "pico-emulated" and graph.name not in QUICK_ON_PICO


@pytest.mark.parametrize(
    ("board_id", "graph"),
    [
        pytest.param(
            *(board_id, graph),
            marks=[*param.marks, *([pytest.mark.slow] if slow_on_pico(board_id, graph) else [])],
            id=f"{graph.name}-{board_id}",
        )
        for graph in ZOO
        for param in EVERY_BOARD
        for board_id in map(str, param.values)
    ],
)
def test_every_byte_of_every_step_is_the_references_on(
    board_id: str, graph: Graph, tmp_path: Path
) -> None:
    firmware = built(graph, board_id, tmp_path)
    measurement = proven(firmware)
    if load(board_id).counts_repeatably:
        again = proven(firmware)
        assert again.invoke.min == again.invoke.max == measurement.invoke.median
        assert again.operators == measurement.operators


@pytest.mark.slow
@pytest.mark.emulated
@pytest.mark.parametrize("optimisation", ["-Os", "-O3"])
@pytest.mark.parametrize("board_id", EVERY_BOARD)
@MODEL
def test_optimisation_changes_no_byte(
    board_id: str, graph: Graph, optimisation: str, tmp_path: Path
) -> None:
    options = ProjectOptions(optimisation=optimisation)  # type: ignore[arg-type]
    proven(built(graph, board_id, tmp_path, options))


@pytest.mark.slow
@MODEL
def test_sanitizers_find_nothing(graph: Graph, tmp_path: Path) -> None:
    proven(built(graph, "host", tmp_path, ProjectOptions(sanitize=True)))


def test_the_zoo_keeps_every_operator_and_kernel_when_it_is_compiled() -> None:
    """So an operator without a sample on boards is noticed."""
    operators = [op for graph in ZOO for op in passes.run(graph).operators]
    assert {op.kind for op in operators} == WITH_A_KERNEL
    kernels = {definition_of(op).kernel(op).kernel for op in operators}
    stems = {path.stem for path in (resources.tree("firmware") / "kernels").glob("*.c")}
    assert kernels == stems


@MODEL
def test_outputs_of_the_zoo_vary(graph: Graph) -> None:
    """Else agreement would prove little."""
    assert not schemes.unsupported(graph)
    for inputs in random_samples(graph, 2).inputs:
        for tensor, values in zip(graph.outputs, interpreter.evaluate(graph, inputs), strict=True):
            assert len(set(values.reshape(-1).tolist())) >= min(3, tensor.elements), tensor.name
