"""What is embedded gives the same bytes, and runs in the arena that is said to be enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import models, shared_models, tflm_arena
from support.random_graphs import random_graphs
from support.sketch import Sketch
from support.zoo import ZOO

from edgekit.codegen.embedded import EmbeddedModel, embed, fitted_arena_bytes
from edgekit.errors import OracleError
from edgekit.frontends import tflite, tflite_metadata, tflite_writer
from edgekit.ir import Array, DType, Graph
from edgekit.ops import NoAttributes
from edgekit.ops.reshape import ReshapeAttributes
from edgekit.ops.squeeze import SqueezeAttributes
from edgekit.ops.windows import Padding
from edgekit.reference.oracle import Oracle

REAL = ("ad01_int8", "ic01_int8", "kws01_int8", "vww01_int8")
EXAMPLES = pytest.mark.parametrize("examples", [40, pytest.param(2000, marks=pytest.mark.slow)])

pytestmark = pytest.mark.usefixtures("oracle")


def content_of(name: str) -> bytes:
    zoo = {graph.name: graph for graph in ZOO}
    return tflite_writer.write(zoo[name]) if name in zoo else shared_models.path(name).read_bytes()


NAMES = pytest.mark.parametrize("name", [*(graph.name for graph in ZOO), *REAL])


def embedded(content: bytes) -> EmbeddedModel:
    return embed(content, tflite.read(content), pointer_bytes=8)


def some_inputs(graph: Graph, sets: int = 2) -> list[tuple[Array, ...]]:
    random = np.random.default_rng(7)

    def one(shape: Sequence[int], dtype: DType) -> Array:
        if dtype is DType.FLOAT32:
            return random.normal(size=shape).astype(np.float32)
        return random.integers(dtype.min, dtype.max + 1, shape, dtype.numpy)

    return [tuple(one(t.shape, t.dtype) for t in graph.inputs) for _ in range(sets)]


def assert_same_bytes(
    oracle: Oracle, one: bytes, other: bytes, inputs: list[tuple[Array, ...]]
) -> None:
    for before, after in zip(oracle.run(one, inputs), oracle.run(other, inputs), strict=True):
        for a, b in zip(before, after, strict=True):
            assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def assert_arena_is_as_said(model: EmbeddedModel) -> None:
    """The head exactly; the tail from above, by at most 64 bytes and 16 for each operator."""
    head_bytes, tail_bytes = tflm_arena.measured(model.content)
    assert head_bytes == model.head_bytes >= model.lower_bound_bytes
    spare = model.tail_bytes - tail_bytes
    assert 0 <= spare <= 64 + 16 * len(model.graph.operators)
    assert model.arena_bytes % 16 == 0
    assert tflm_arena.runs_in(model.content, model.arena_bytes)


@NAMES
def test_the_embedded_model_gives_the_bytes_of_the_original(name: str, oracle: Oracle) -> None:
    content = content_of(name)
    inputs = some_inputs(tflite.read(content))
    assert_same_bytes(oracle, content, embedded(content).content, inputs)


@NAMES
def test_head_is_exact_and_tail_and_arena_are_enough_on_the_oracle(name: str) -> None:
    model = embedded(content_of(name))
    assert_arena_is_as_said(model)
    before, _ = tflm_arena.measured(content_of(name))
    assert model.head_bytes <= before
    assert bool(model.offsets) == model.planned


@EXAMPLES
def test_a_random_model_gives_the_same_bytes_in_the_arena_that_is_said(
    examples: int, oracle: Oracle
) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        graph = data.draw(random_graphs())
        content, inputs = tflite_writer.write(graph), [data.draw(models.inputs_of(graph))]
        try:
            oracle.run(content, inputs)
        except OracleError:
            return  # TFLite Micro has no kernel for one of the types
        model = embedded(content)
        assert_same_bytes(oracle, content, model.content, inputs)
        assert_arena_is_as_said(model)

    run()


def test_a_plan_is_embedded_where_it_makes_the_head_smaller() -> None:
    vww = embedded(content_of("vww01_int8"))
    assert vww.planned and vww.head_bytes == vww.lower_bound_bytes == 55_296
    assert tflm_arena.measured(content_of("vww01_int8"))[0] == 73_728
    assert max(vww.offsets.values()) < vww.head_bytes
    assert set(vww.offsets) == {
        i
        for i, tensor in enumerate(sorted(vww.graph.tensors, key=lambda t: t.id))
        if tensor.constant is None
    }
    for name in ("ad01_int8", "ic01_int8", "kws01_int8"):
        assert not embedded(content_of(name)).planned


def test_the_embedded_model_is_smaller_than_the_file_by_what_the_device_does_not_read() -> None:
    content = content_of("kws01_int8")
    model = embedded(content)
    assert len(model.content) < 0.8 * len(content)
    assert all(tensor.name == "" for tensor in tflite.read(model.content).tensors)
    assert all(tensor.name for tensor in model.graph.tensors)


def test_the_graph_says_which_operators_the_interpreter_must_know() -> None:
    s = Sketch()
    wide = s.add("expand_dims", [s.input(1, 4, 4, 2), s.integers(1)])
    same = s.add("squeeze", [wide], SqueezeAttributes((1,)))
    content = tflite_writer.write(s.graph(s.conv(same)))
    model = embedded(content)
    assert [op.kind for op in tflite.read(content).operators] == [
        "expand_dims",
        "squeeze",
        "conv_2d",
    ]
    kinds = [op.kind for op in model.graph.operators]
    assert kinds == [op.kind for op in tflite.read(model.content).operators] == ["conv_2d"]


def test_a_reshape_needs_no_bytes_of_its_own_in_a_plan(oracle: Oracle) -> None:
    content = tflite_writer.write(reshaping(Sketch()))
    model = embedded(content)
    assert model.planned
    (reshape,) = (op for op in model.graph.operators if op.kind == "reshape")
    numbers = {t: i for i, t in enumerate(sorted(model.graph.tensors, key=lambda t: t.id))}
    source, output = (model.offsets[numbers[t]] for t in (reshape.input(0), reshape.output))
    assert source == output
    assert_same_bytes(oracle, content, model.content, some_inputs(tflite.read(content)))
    assert_arena_is_as_said(model)


def reshaping(s: Sketch) -> Graph:
    """The RESHAPE's two tensors are all that is needed at the fullest step."""
    wide = s.conv(s.input(1, 8, 8, 2), channels=16, size=(1, 1))
    flat = s.add("reshape", [wide], ReshapeAttributes(), shape=(1, 8, 16, 8))
    return s.graph(s.conv(flat, channels=2, size=(3, 3)))


def with_unknown(s: Sketch) -> Graph:
    """A model that TFLite Micro's planner does badly with, and an ABS, which edgekit lacks."""
    steps = [s.input(1, 8, 8, 3)]
    for channels, size in ((9, 3), (14, 1), (7, 3), (20, 1), (4, 1), (11, 1)):
        steps.append(s.conv(steps[-1], channels, (size, size), Padding.SAME))
    result = models.tensor(steps[-1].shape, scale=0.125, zero_point=3)
    s.operators.append(models.operator("abs", [steps[-1]], [result], NoAttributes()))
    return s.graph(result, steps[3])


def test_a_model_with_operators_that_edgekit_lacks_keeps_its_bytes(oracle: Oracle) -> None:
    content = tflite_writer.write(with_unknown(Sketch()))
    model = embedded(content)
    assert model.content.endswith(content)
    assert model.planned == (model.content != content)
    assert_same_bytes(oracle, content, model.content, some_inputs(tflite.read(content)))
    head_bytes, tail_bytes = tflm_arena.measured(model.content)
    assert head_bytes == model.head_bytes <= tflm_arena.measured(content)[0]
    assert tail_bytes <= model.tail_bytes
    assert tflm_arena.runs_in(model.content, model.arena_bytes)


def test_a_plan_that_the_file_brings_is_replaced(oracle: Oracle) -> None:
    graph = with_unknown(Sketch())
    tensors = len(graph.tensors)
    far = np.full(3 + tensors, -1, np.int32)
    far[:3] = 1, 0, tensors
    far[3] = 1 << 16
    content = tflite_writer.write(graph, {"OfflineMemoryAllocation": far.tobytes()})
    assert tflm_arena.measured(content)[0] > 1 << 16
    model = embedded(content)
    assert model.planned
    assert tflite_metadata.names(model.content) == ("OfflineMemoryAllocation",) * 2
    assert tflm_arena.measured(model.content)[0] == model.head_bytes < 1 << 16
    assert_same_bytes(oracle, content, model.content, some_inputs(graph))


def test_an_interpreter_needs_more_to_start_than_it_uses_of_a_small_model() -> None:
    model = embedded(content_of("ad01_int8"))
    used = sum(tflm_arena.measured(model.content))
    assert not tflm_arena.runs_in(model.content, fitted_arena_bytes(used))
    fitted = fitted_arena_bytes(used, start_bytes=model.start_bytes)
    assert fitted > used and tflm_arena.runs_in(model.content, fitted)
    assert not tflm_arena.runs_in(model.content, model.start_bytes - 256)


@NAMES
def test_the_fitted_arena_is_enough(name: str) -> None:
    model = embedded(content_of(name))
    used = sum(tflm_arena.measured(model.content))
    fitted = fitted_arena_bytes(used, start_bytes=model.start_bytes)
    assert fitted % 16 == 0 and fitted <= model.arena_bytes
    assert tflm_arena.runs_in(model.content, fitted)


@pytest.mark.parametrize(
    ("kernels", "name", "measured"),
    [
        # the tail on Cortex-M4, M55 (MVE) and RV32IMC: arena_used_bytes() less the exact head
        ("reference", "ad01_int8", 2_260),
        ("reference", "ic01_int8", 54_340),
        ("reference", "kws01_int8", 22_772),
        ("reference", "ad01_int8", 2_380),
        ("reference", "ic01_int8", 54_364),
        ("reference", "kws01_int8", 22_780),
        ("cmsis_nn", "ad01_int8", 2_580),
        ("cmsis_nn", "ic01_int8", 54_996),
        ("cmsis_nn", "kws01_int8", 22_820),
        ("cmsis_nn_mve", "ad01_int8", 9_268),
        ("cmsis_nn_mve", "ic01_int8", 55_028),
        ("cmsis_nn_mve", "kws01_int8", 27_348),
    ],
)
def test_head_and_tail_are_enough_for_what_32_bit_cores_measured(
    kernels: Any, name: str, measured: int
) -> None:
    content = content_of(name)
    model = embed(content, tflite.read(content), pointer_bytes=4, kernels=(kernels,))
    assert measured <= model.head_bytes + model.tail_bytes
    # options of FULLY_CONNECTED grew by 16 bytes since, and enums of Arm have 1 byte
    assert model.head_bytes + model.tail_bytes <= measured + 64 + 32 * len(model.graph.operators)


def test_a_device_of_unknown_kernels_gets_an_arena_for_any() -> None:
    content = content_of("ic01_int8")
    graph = tflite.read(content)
    whole = embed(content, graph, pointer_bytes=4)
    for library in ("reference", "cmsis_nn", "cmsis_nn_mve", "esp_nn", "esp_nn_s3"):
        one = embed(content, graph, pointer_bytes=4, kernels=(library,))
        assert one.head_bytes <= whole.head_bytes and one.arena_bytes <= whole.arena_bytes
