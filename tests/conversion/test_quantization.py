"""Whole models: what is asked for, what is recorded, what is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from support import shared_models
from support.float_sketch import FloatSketch, dataset, model_of

from edgekit.conversion.quantization import (
    METHODS,
    Budget,
    Precision,
    QuantizationOptions,
    quantize,
    tflite_graph,
)
from edgekit.conversion.quantization.execution import decoded
from edgekit.errors import CalibrationError, CorruptModelError, ModelError, UserError
from edgekit.ir import DType
from edgekit.reference.oracle import Oracle

KWS_INPUT = (0.5847029089927673, 83)
RNG = np.random.default_rng(11)

needs_oracle = pytest.mark.skipif(
    not Oracle.available(), reason="the oracle's package is not installed"
)


def classes_in_oracle(content: bytes, samples: Any) -> Any:
    """The class that TFLite Micro gives each float32 sample."""
    graph = tflite_graph.read(content, "made")
    source = graph.inputs[0]
    codes = samples
    if source.quantization is not None:
        codes = np.round(samples / np.float32(source.scale)) + source.zero_point
        codes = np.clip(codes, source.dtype.min, source.dtype.max)
    with Oracle() as oracle:
        rows = oracle.run(content, [(x[None].astype(source.dtype.numpy),) for x in codes])
    return np.stack([decoded(row[0], graph.outputs[0]).reshape(-1) for row in rows]).argmax(1)


@pytest.fixture(scope="module")
def kws():
    content = shared_models.path("kws01_float32").read_bytes()
    with np.load(shared_models.folder().parent / "samples" / "kws01.npz") as file:
        codes, labels = file["x"], file["y"].astype(np.int64)
    samples = (codes.astype(np.float32) - KWS_INPUT[1]) * np.float32(KWS_INPUT[0])
    return model_of(content, "kws01"), samples, labels


@pytest.fixture
def small():
    """A convolution, a pool, a dense layer and a softmax, with samples."""
    sketch = FloatSketch("small")
    weights = [RNG.normal(size=shape) for shape in ((6, 3, 3, 2), (6,), (4, 96), (4,))]
    constants = [sketch.constant(w / 3) for w in weights]
    x = sketch.input(1, 8, 8, 2)
    x = sketch.op("conv_2d", [x, *constants[:2]], (1, 8, 8, 6), name="conv", strideW=1, strideH=1)
    x = sketch.op("relu", [x], (1, 8, 8, 6), name="rectified")
    pool = {"filterWidth": 2, "filterHeight": 2, "strideW": 2, "strideH": 2, "padding": 1}
    x = sketch.op("max_pool_2d", [x], (1, 4, 4, 6), name="pooled", **pool)
    x = sketch.op("reshape", [x, sketch.integers(1, 96)], (1, 96), name="flat")
    x = sketch.op("fully_connected", [x, *constants[2:]], (1, 4), name="logits")
    x = sketch.op("softmax", [x], (1, 4), name="answer", beta=1.0)
    model = sketch.model(x, layers={"rectified": "block1/conv", "logits": "head"})
    return model, dataset(RNG.normal(size=(80, 8, 8, 2)))


def precisions(made: Any) -> list[Precision]:
    return [record.precision for record in made.operators]


@needs_oracle
def test_the_keyword_spotter_keeps_its_accuracy_in_tflite_micro(kws):
    model, samples, labels = kws
    made = quantize(
        model, dataset(samples, labels=labels), QuantizationOptions(quantized_as=KWS_INPUT)
    )
    source = tflite_graph.read(made.content, "kws").inputs[0]
    assert (source.scale, source.zero_point) == KWS_INPUT
    accuracy = (classes_in_oracle(made.content, samples) == labels).mean()
    assert accuracy >= 0.895
    assert made.budget_met
    assert made.score.sqnr_db > 25
    assert made.float_weights_bytes > 3.5 * made.weights_bytes
    assert {trial.method for trial in made.trials} == set(METHODS)
    assert made.chosen in made.trials


@needs_oracle
def test_the_image_classifier_answers_as_in_float():
    model = model_of(shared_models.path("ic01_float32").read_bytes(), "ic01")
    coarse = RNG.uniform(0, 255, size=(120, 8, 8, 3)).repeat(4, axis=1).repeat(4, axis=2)
    images = np.clip(coarse + RNG.normal(0, 20, size=(120, 32, 32, 3)), 0, 255)
    made = quantize(model, dataset(images))
    assert made.score.sqnr_db > 20
    assert made.score.agreement is not None
    assert made.score.agreement > 0.9


def test_everything_is_integer_and_nothing_is_left_over(small):
    model, samples = small
    made = quantize(model, samples)
    graph = tflite_graph.read(made.content, "small")
    assert not [t.name for t in graph.tensors if t.dtype is DType.FLOAT32]
    kinds = [operator.kind for operator in graph.operators]
    # the clamp went into the convolution
    assert kinds == ["conv_2d", "max_pool_2d", "reshape", "fully_connected", "softmax"]
    assert [t.dtype for t in (*graph.inputs, *graph.outputs)] == [DType.INT8, DType.INT8]
    assert (graph.outputs[0].scale, graph.outputs[0].zero_point) == (1 / 256, -128)
    pool = graph.operators[1]
    assert pool.input(0).quantization == pool.output.quantization
    assert len(made.content) < len(model.content)


def test_equal_arguments_give_equal_bytes(small):
    model, samples = small
    options = QuantizationOptions(protect="auto", budget=Budget(agreement=1.0))
    assert quantize(model, samples, options).content == quantize(model, samples, options).content


@pytest.mark.parametrize("io", ["int8", "int16", "float32"])
@pytest.mark.parametrize("precision", [Precision.INT8, Precision.INT16X8])
def test_inputs_and_outputs_have_the_type_that_is_asked_for(small, io, precision):
    model, samples = small
    made = quantize(model, samples, QuantizationOptions(io=io, precision=precision))
    graph = tflite_graph.read(made.content, "small")
    assert {t.dtype.value for t in (*graph.inputs, *graph.outputs)} == {io}
    assert set(precisions(made)) == {precision}
    assert made.score.sqnr_db > 25


@needs_oracle
@pytest.mark.parametrize("protect_as", [Precision.INT16X8, Precision.FLOAT])
def test_a_mixed_model_runs_in_tflite_micro(small, protect_as):
    model, samples = small
    options = QuantizationOptions(protect=("logits", "SOFTMAX"), protect_as=protect_as)
    made = quantize(model, samples, options)
    assert made.protected == (4, 5)
    assert [r.index for r in made.operators if r.precision is protect_as] == [4, 5]
    plain = quantize(model, samples)
    # the logits are finer now
    assert made.score.sqnr_db > plain.score.sqnr_db
    expected = classes_in_oracle(plain.content, samples.inputs[0])
    assert (classes_in_oracle(made.content, samples.inputs[0]) == expected).mean() > 0.9


@pytest.mark.parametrize(
    ("name", "index"),
    [("logits", 4), ("head", 4), ("#4", 4), ("fully_connected", 4), ("block1/conv", 0)],
)
def test_operators_are_protected_by_any_of_their_names(small, name, index):
    model, samples = small
    made = quantize(model, samples, QuantizationOptions(protect=(name,)))
    assert made.protected == (index,)


def test_an_unknown_name_is_refused_with_near_ones(small):
    model, samples = small
    with pytest.raises(UserError, match="'logit'") as caught:
        quantize(model, samples, QuantizationOptions(protect=("logit",)))
    assert caught.value.hint is not None
    assert "logits" in caught.value.hint


def test_nothing_is_protected_where_the_budget_is_met(small):
    model, samples = small
    options = QuantizationOptions(protect="auto", budget=Budget(agreement=0.5))
    made = quantize(model, samples, options)
    assert made.protected == ()
    assert made.budget_met


def test_protection_meets_a_budget_that_int8_does_not(kws):
    model, samples, _ = kws
    budget = Budget(agreement=1.0)
    options = QuantizationOptions(
        protect="auto", protect_as=Precision.FLOAT, budget=budget, method="min-max"
    )
    data = dataset(samples[::4])
    assert not quantize(model, data, dataclasses.replace(options, protect=())).budget_met
    made = quantize(model, data, options)
    assert made.budget_met
    assert 0 < len(made.protected) < len(made.operators)


def test_a_budget_that_cannot_be_met_is_said_to_be_so(small):
    model, samples = small
    impossible = Budget(agreement=1.1)
    made = quantize(model, samples, QuantizationOptions(protect="auto", budget=impossible))
    assert not made.budget_met


@pytest.mark.parametrize("method", METHODS)
def test_a_method_can_be_forced(small, method):
    model, samples = small
    made = quantize(model, samples, QuantizationOptions(method=method))
    assert {trial.method for trial in made.trials} == {method}
    assert made.chosen.method == method


def test_records_say_what_happened_to_each_operator(small):
    model, samples = small
    made = quantize(model, samples)
    first = made.operators[0]
    assert (first.index, first.name, first.layer) == (0, "CONV_2D", "block1/conv")
    assert first.macs == 8 * 8 * 6 * 18
    assert first.observed is not None and first.range is not None
    assert first.observed[0] == 0.0
    assert first.channel_ratio is not None and first.channel_ratio >= 1
    assert first.sensitivity_db is not None and first.cumulative_db is not None
    assert first.sensitivity_db > made.score.sqnr_db
    assert len(made.advice) <= 5
    alone = {r.index: r.sensitivity_db for r in made.operators}
    worst = [alone[advice.index] for advice in made.advice]
    assert worst == sorted(worst)
    assert all(": " in advice.text for advice in made.advice)


def test_labels_decide_when_there_are_any(small):
    model, samples = small
    labels = RNG.integers(0, 4, size=80)
    made = quantize(model, dataclasses.replace(samples, labels=labels))
    assert made.score.accuracy is not None
    assert made.score.float_accuracy is not None
    assert made.score.samples == 80


def test_all_operators_without_an_integer_form_are_named_at_once():
    sketch = FloatSketch("odd")
    x = sketch.input(1, 4)
    x = sketch.op("exp", [x], (1, 4), name="grown")
    x = sketch.op("gelu", [x], (1, 4), name="bent")
    model = sketch.model(x, layers={"bent": "block/gelu"})
    with pytest.raises(ModelError, match="2 operators") as caught:
        quantize(model, dataset(RNG.normal(size=(20, 4))))
    message = str(caught.value)
    assert "#0 EXP (layer grown)" in message
    assert "#1 GELU (layer block/gelu)" in message
    assert caught.value.hint is not None
    assert "--protect-as float --protect #0" in caught.value.hint


@needs_oracle
def test_what_has_only_a_float_kernel_may_stay_float():
    sketch = FloatSketch("grown")
    x = sketch.op("exp", [sketch.input(1, 4)], (1, 4), name="grown")
    made = quantize(
        sketch.model(x),
        dataset(RNG.normal(size=(20, 4))),
        QuantizationOptions(protect=("EXP",), protect_as=Precision.FLOAT),
    )
    graph = tflite_graph.read(made.content, "grown")
    assert [op.kind for op in graph.operators] == ["dequantize", "exp", "quantize"]
    with Oracle() as oracle:
        oracle.run(made.content, [(np.zeros((1, 4), np.int8),)])


def test_what_has_no_int16_kernel_cannot_be_protected_in_it():
    sketch = FloatSketch("swish")
    x = sketch.op("hard_swish", [sketch.input(1, 4)], (1, 4), name="bent")
    with pytest.raises(UserError, match="HARD_SWISH cannot be protected as 16x8"):
        quantize(
            sketch.model(x),
            dataset(RNG.normal(size=(20, 4))),
            QuantizationOptions(protect=("bent",)),
        )


def test_a_model_that_is_quantised_already_is_refused():
    model = model_of(shared_models.path("kws01_int8").read_bytes(), "kws01")
    with pytest.raises(ModelError, match="quantised already"):
        quantize(model, dataset(np.zeros((4, 49, 10, 1))))


@pytest.mark.parametrize("cut", [0, 7, 8, 40, 2000])
def test_a_damaged_file_is_refused(small, cut):
    model, samples = small
    with pytest.raises(CorruptModelError):
        quantize(dataclasses.replace(model, content=model.content[:cut]), samples)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (dataset(np.zeros((9, 8, 8, 3))), "samples of shape"),
        (dataset(np.zeros((0, 8, 8, 2))), "samples of shape"),
        (dataset(np.zeros((9, 8, 8, 2)), np.zeros((9, 2))), "2 arrays"),
        (dataset(np.full((9, 8, 8, 2), np.nan)), "not finite"),
    ],
)
def test_samples_that_do_not_fit_are_refused(small, samples, message):
    model, _ = small
    with pytest.raises(CalibrationError, match=message):
        quantize(model, samples)


@pytest.mark.parametrize(
    "asked",
    [
        {"method": "median"},
        {"io": "uint8"},
        {"precision": Precision.FLOAT},
        {"protect_as": Precision.INT8},
        {"quantized_as": (0.0, 0)},
        {"quantized_as": (1.0, 200)},
        {"quantized_as": (1.0, 0), "io": "float32"},
    ],
)
def test_options_that_make_no_sense_are_refused(asked):
    with pytest.raises(UserError):
        QuantizationOptions(**asked)


def test_progress_is_told(small):
    model, samples = small
    told = []
    quantize(model, samples, progress=lambda *words: told.append(words))
    assert {stage for stage, _, _ in told} >= {
        "observing ranges",
        "trying calibration methods",
        "measuring sensitivity",
    }
    assert all(done <= total for _, done, total in told)


def test_an_operator_that_tflite_micro_lacks_cannot_stay_float_either():
    sketch = FloatSketch("bent")
    x = sketch.op("gelu", [sketch.input(1, 4)], (1, 4), name="bent")
    options = QuantizationOptions(protect=("bent",), protect_as=Precision.FLOAT)
    with pytest.raises(ModelError, match="#0 GELU"):
        quantize(sketch.model(x), dataset(RNG.normal(size=(20, 4))), options)
