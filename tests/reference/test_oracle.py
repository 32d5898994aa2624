"""The oracle answers, says why it does not, and never hangs or leaves a process behind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.agreement import assert_same
from support.dense import dense_graph
from support.models import operator, single_operator_graph, tensor

from edgekit.errors import OracleError
from edgekit.frontends import tflite_writer
from edgekit.ir import Graph
from edgekit.ops import NoAttributes
from edgekit.reference import interpreter, pipe
from edgekit.reference.oracle import VERSION, Oracle

GRAPH = dense_graph(layers=2)
MODEL = tflite_writer.write(GRAPH)
ZEROS = np.zeros((1, 4), np.int8)


@pytest.fixture
def own_oracle(oracle: Oracle) -> Iterator[Oracle]:
    """An oracle that a test may ill-treat."""
    del oracle  # it skips where there is none
    with Oracle(timeout_s=60) as running:
        yield running


def children() -> set[int]:
    """This process's children, dead ones that nobody waited for included."""
    tasks = Path("/proc/self/task").iterdir()
    return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}


def unknown_operator() -> Graph:
    return single_operator_graph(
        "lsh_projection", [tensor([4], scale=1.0)], tensor([4], scale=1.0), NoAttributes()
    )


def test_each_input_set_has_its_outputs(oracle: Oracle) -> None:
    rng = np.random.default_rng(0)
    inputs = [(rng.integers(-128, 128, (1, 4)).astype(np.int8),) for _ in range(5)]
    for one, outputs in zip(inputs, oracle.run(MODEL, inputs), strict=True):
        assert_same(GRAPH, outputs, interpreter.evaluate(GRAPH, one))


def test_several_inputs_and_outputs_keep_their_order(oracle: Oracle) -> None:
    left, right = dense_graph(seed=1), dense_graph(seed=2)
    both = Graph(
        "both",
        tuple(
            operator(op.kind, op.inputs, op.outputs, op.attributes)
            for op in (*left.operators, *right.operators)
        ),
        (*right.inputs, *left.inputs),
        (*left.outputs, *right.outputs),
    )
    inputs = (ZEROS + 7, ZEROS - 7)
    (outputs,) = oracle.run(tflite_writer.write(both), [inputs])
    assert_same(both, outputs, interpreter.evaluate(both, inputs))
    with pytest.raises(OracleError, match="1 inputs were given, the model has more"):
        oracle.run(tflite_writer.write(both), [inputs[:1]])


def test_no_inputs_no_outputs(oracle: Oracle) -> None:
    assert oracle.run(MODEL, []) == []


def test_a_refusal_says_what_tflite_micro_said(oracle: Oracle) -> None:
    with pytest.raises(OracleError, match="LSH_PROJECTION"):
        oracle.run(tflite_writer.write(unknown_operator()), [(ZEROS[0],)])
    with pytest.raises(OracleError, match="Dimension mismatch"):
        oracle.run(MODEL, [(np.zeros((1, 5), np.int8),)])
    assert len(oracle.run(MODEL, [(ZEROS,)])) == 1


def test_messages_do_not_leak_from_one_model_to_the_next(oracle: Oracle) -> None:
    with pytest.raises(OracleError, match="LSH_PROJECTION"):
        oracle.run(tflite_writer.write(unknown_operator()), [(ZEROS[0],)])
    with pytest.raises(OracleError) as caught:
        oracle.run(MODEL, [(np.zeros((1, 5), np.int8),)])
    assert "LSH_PROJECTION" not in str(caught.value)


def test_nothing_of_it_reaches_our_own_output(
    oracle: Oracle, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(OracleError):
        oracle.run(tflite_writer.write(unknown_operator()), [(ZEROS[0],)])
    assert capfd.readouterr() == ("", "")


def test_after_a_death_by_signal_there_is_a_new_worker(own_oracle: Oracle) -> None:
    far_away = b"\xf0\xff\xff\xff" + MODEL[4:]  # the root table, 4 GiB after the file
    for _ in range(2):
        with pytest.raises(OracleError, match="died of SIG"):
            own_oracle.run(far_away, [(ZEROS,)])
        assert len(own_oracle.run(MODEL, [(ZEROS,)])) == 1


def test_a_worker_that_is_killed_in_between_is_noticed(own_oracle: Oracle) -> None:
    before = children()
    own_oracle.run(MODEL, [(ZEROS,)])
    (worker,) = children() - before
    os.kill(worker, 9)
    with pytest.raises(OracleError, match="died of SIGKILL"):
        own_oracle.run(MODEL, [(ZEROS,)])
    assert len(own_oracle.run(MODEL, [(ZEROS,)])) == 1


def test_a_worker_that_is_silent_is_ended(own_oracle: Oracle) -> None:
    before = children()
    own_oracle.run(MODEL, [(ZEROS,)])
    (worker,) = children() - before
    with Oracle(timeout_s=0.0) as impatient:
        started = time.monotonic()
        with pytest.raises(OracleError, match="no answer in 0 s"):
            impatient.run(MODEL, [(ZEROS,)])
        assert time.monotonic() - started < 10
        assert children() - before == {worker}


def test_closing_and_forgetting_leave_no_process(own_oracle: Oracle) -> None:
    before = children()
    own_oracle.run(MODEL, [(ZEROS,)])
    assert len(children() - before) == 1
    own_oracle.close()
    assert children() == before
    forgotten = Oracle()
    forgotten.run(MODEL, [(ZEROS,)])
    del forgotten
    assert children() == before


def test_large_models_and_inputs_pass_through_the_pipe(oracle: Oracle) -> None:
    graph = dense_graph(rows=2000, size=600)  # more than a pipe holds, both ways
    value = np.full((2000, 600), 3, np.int8)
    (outputs,) = oracle.run(tflite_writer.write(graph), [(value,)])
    assert_same(graph, outputs, interpreter.evaluate(graph, [value]))


def test_the_version_is_the_pinned_one() -> None:
    pins = (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text()
    assert f'"tflite-micro=={VERSION};' in pins


def test_messages_come_out_of_the_pipe_as_they_went_in() -> None:
    arrays = [np.arange(6, dtype=np.int32).reshape(2, 3).T, np.array(True), np.zeros((0, 2))]
    message = pipe.pack({"sets": 3}, arrays)
    header_bytes, blob_bytes = pipe.PREFIX.unpack_from(message)
    rest = message[pipe.PREFIX.size :]
    assert len(rest) == header_bytes + blob_bytes
    header, unpacked = pipe.unpack(rest, header_bytes)
    assert header == {"sets": 3}
    for array, other in zip(arrays, unpacked, strict=True):
        assert array.dtype == other.dtype
        assert np.array_equal(array, other)
