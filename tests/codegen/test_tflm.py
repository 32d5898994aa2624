"""Engine tflm's model library, as text: what it registers, embeds, and refuses."""

import dataclasses
import re

import numpy as np
import pytest
from support import models
from support.compiled import generate as generate_aot
from support.dense import dense_graph
from support.sketch import Sketch

from edgekit.codegen import tflm
from edgekit.codegen.embedded import embed
from edgekit.errors import UnsupportedOperatorsError
from edgekit.frontends import tflite, tflite_writer
from edgekit.ir import DType, Graph
from edgekit.ops import NoAttributes
from edgekit.ops.softmax import SoftmaxAttributes


def read(graph: Graph, name: str = "small") -> tuple[bytes, Graph]:
    content = tflite_writer.write(graph)
    return content, tflite.read(content, name)


def generate(graph: Graph, **options):
    content, source = read(graph)
    return tflm.generate(source, embed(content, source, pointer_bytes=4), **options)


def sketched(*kinds: str) -> Graph:
    """One operator after the other on int8 [1, 4, 4, 2], each without options."""
    s = Sketch()
    x = s.input(1, 4, 4, 2)
    for kind in kinds:
        x = s.add(kind, [x], NoAttributes(), shape=(1, 4, 4, 2))
    return s.graph(x)


def test_exactly_the_operators_of_the_model_are_registered():
    code = generate(sketched("neg", "relu", "neg", "elu")).files["ek_small.cc"]
    assert re.findall(r"resolver\.(\w+)\(\)", code) == ["AddElu", "AddNeg", "AddRelu"]
    assert "MicroMutableOpResolver<3>" in code


def test_kernels_are_named_once_each_for_who_compiles_the_library():
    sources = generate(sketched("neg", "relu", "relu6", "neg"))
    assert sources.tflm is not None
    assert sources.tflm.kernels == ("activations", "neg")


def test_a_model_of_int8_takes_the_registrations_that_compute_nothing_else():
    code = generate(dense_graph()).files["ek_small.cc"]
    assert "AddFullyConnected(tflm::Register_FULLY_CONNECTED_INT8())" in code
    assert "library::Register_FULLY_CONNECTED()" in code, "where the library has no such"


def test_one_operator_in_another_type_takes_the_whole_registration():
    s = Sketch()
    x = s.input(1, 4, dtype=DType.INT16)
    y = s.add("softmax", [x], SoftmaxAttributes(), scale=1 / 32768)
    code = generate(s.graph(y)).files["ek_small.cc"]
    assert "AddSoftmax()" in code
    assert "_INT8" not in code


def test_the_model_is_constant_and_aligned_and_whole():
    graph = dense_graph()
    content, source = read(graph)
    embedded = embed(content, source, pointer_bytes=4)
    text = tflm.generate(source, embedded).files["ek_small_tflite.c"]
    assert "const uint8_t ek_small_tflite[] EK_ALIGNED(16) = {" in text
    numbers = re.findall(r"\d+(?=,)", text.split("{", 1)[1])
    assert bytes(map(int, numbers)) == embedded.content


def test_the_digest_is_that_of_the_users_file():
    content, source = read(dense_graph())
    embedded = embed(content, source, pointer_bytes=4)
    code = tflm.generate(source, embedded).files["ek_small.cc"]
    digest = re.search(r'"tflm",\s*\{ ([^}]*) \}', code)
    assert digest is not None
    assert bytes(int(b, 16) for b in digest[1].split(", ")).hex() == source.sha256


def test_both_engines_declare_the_same_functions():
    def declared(text: str) -> set[str]:
        return set(re.findall(r"^\w[\w *]*\bek_\w+\(.*\);$", text, re.MULTILINE))

    graph = dataclasses.replace(dense_graph(), name="small")
    content, source = read(graph)
    ours = tflm.generate(source, embed(content, source, pointer_bytes=4)).files["ek_small.h"]
    theirs = generate_aot(source).files["ek_small.h"]
    assert declared(ours) - declared(theirs) == {"size_t ek_small_arena_used(void);"}
    assert declared(theirs) <= declared(ours)
    for text in (ours, theirs):
        assert text.count('extern "C"') == 1


def test_nothing_of_the_heap_or_of_run_time_types_is_used():
    code = generate(dense_graph()).files["ek_small.cc"]
    assert all(f"new ({place}" in code for place in ("resolver_bytes", "interpreter_bytes"))
    assert re.findall(r"\bnew (?!\()", code) == []
    for word in ("malloc", "std::string", "std::vector", "dynamic_cast", "typeid", "throw", "try"):
        assert not re.search(rf"\b{re.escape(word)}\b", code), word


def test_a_given_arena_is_what_the_library_asks_for():
    sources = generate(dense_graph(), arena_bytes=4096)
    assert sources.arena_bytes == 4096
    assert "#define EK_SMALL_ARENA_BYTES 4096\n" in sources.files["ek_small.h"]


def test_steps_are_the_operators_of_the_users_file_also_where_some_were_folded():
    s = Sketch()
    x = s.input(1, 4, 4, 2)
    y = s.add("relu", [x])
    nothing = models.constant(np.zeros((4, 2), np.int32), DType.INT32)
    same = s.add("pad", [y, nothing])
    sources = generate(s.graph(s.add("tanh", [same], scale=1 / 128, zero_point=0)))
    found = [(step.operator_index, step.name) for step in sources.steps]
    assert found == [(0, "RELU"), (2, "TANH")]
    assert all(step.kernel == f"tflite::{step.name}" for step in sources.steps)


def test_a_step_shows_its_output_only_where_a_plan_says_where_it_lies():
    content, source = read(dense_graph())
    embedded = embed(content, source, pointer_bytes=4)
    written = tflite.read(embedded.content)
    offsets = {operator.output.id: 64 for operator in written.operators}
    unplanned = dataclasses.replace(embedded, planned=False, offsets={})
    planned = dataclasses.replace(embedded, planned=True, offsets=offsets)
    assert not any(step.shows_output for step in tflm.generate(source, unplanned).steps)
    assert all(step.shows_output for step in tflm.generate(source, planned).steps)
    size = source.outputs[0].size_bytes
    assert f", 64, {size} }}," in tflm.generate(source, planned).files["ek_small.cc"]


def test_every_operator_that_is_lacking_is_listed_at_once_with_its_index():
    with pytest.raises(UnsupportedOperatorsError) as caught:
        generate(sketched("neg", "hashtable_lookup", "relu", "skip_gram"))
    assert [operator.index for operator in caught.value.operators] == [1, 3]
    assert "2 operators cannot be run by TensorFlow Lite Micro" in str(caught.value)
    assert "#1 HASHTABLE_LOOKUP (int8): TensorFlow Lite Micro has no such operator" in str(
        caught.value
    )


def test_an_operator_that_remembers_is_refused_for_that_reason():
    with pytest.raises(UnsupportedOperatorsError, match="earlier invokes"):
        generate(sketched("call_once"))


def test_a_transposed_convolution_counts_its_macs():
    s = Sketch()
    x = s.input(1, 4, 5, 3)
    shape = models.constant(np.array([1, 8, 10, 2], np.int32), DType.INT32)
    weights = s.weights(2, 3, 3, 3)
    y = s.add("transpose_conv", [shape, weights, x], NoAttributes(), shape=(1, 8, 10, 2),
              dtype=DType.INT8)  # fmt: skip
    _, source = read(s.graph(y))
    assert tflm.macs(source.operators[0]) == 4 * 5 * 3 * 3 * 3 * 2


@pytest.mark.parametrize("left", [(2, 3, 5), (2, 5, 3)])
def test_a_product_of_matrices_counts_its_macs_however_they_lie(left):
    s = Sketch()
    a, b = s.input(*left), s.input(2, 5, 7)
    y = s.add("batch_matmul", [a, b], NoAttributes(), shape=(2, 3, 7))
    _, source = read(s.graph(y))
    assert tflm.macs(source.operators[0]) == 2 * 3 * 5 * 7


def test_an_engines_library_is_the_same_each_time():
    assert generate(dense_graph()).files == generate(dense_graph()).files
