"""From a float model to INT8, with figures that were measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.float_models import CLASSES, classifier, samples

import edgekit
from edgekit.conversion import litert
from edgekit.conversion.quantization import Precision
from edgekit.errors import CalibrationError, InputError, UserError
from edgekit.report import conversion as report


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "blobs.tflite"
    path.write_bytes(classifier())
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    x, y = samples()
    path = tmp_path_factory.mktemp("data") / "blobs.npz"
    np.savez(path, x=x, y=y)
    return path


@pytest.fixture(scope="module")
def converted(source: Path, data: Path) -> edgekit.Conversion:
    return edgekit.convert(source, data)


def test_int8_keeps_the_accuracy_and_the_report_says_so(converted: edgekit.Conversion) -> None:
    real, integer = converted.chain.steps
    assert real.accuracy is not None and real.accuracy.value > 0.95
    assert integer.difference is not None and abs(integer.difference.value) <= 0.01
    assert integer.difference.interval.low < 0 < integer.difference.interval.high
    assert integer.agreement is not None and integer.agreement.value >= 0.98
    assert integer.sqnr_db is not None and integer.sqnr_db > 15
    assert converted.calibration_samples == 400 and real.samples == 400


def test_the_figures_of_the_float_model_are_those_of_litert(
    converted: edgekit.Conversion, source: Path
) -> None:
    x, y = samples()
    (outputs,) = litert.outputs(source.read_bytes(), (x,))
    accuracy = converted.chain.steps[0].accuracy
    assert accuracy is not None
    assert accuracy.value == pytest.approx((outputs.argmax(axis=1) == y).mean())


def test_the_arena_is_that_of_the_compiled_model(
    converted: edgekit.Conversion, tmp_path: Path
) -> None:
    path = tmp_path / "blobs.tflite"
    converted.save(path)
    assert converted.arena_bytes == edgekit.compile(path).plan.arena_bytes
    assert converted.macs == edgekit.inspect(path).macs


def test_it_runs_on_the_host_as_it_was_judged(
    converted: edgekit.Conversion, data: Path, tmp_path: Path
) -> None:
    path = tmp_path / "blobs.tflite"
    converted.save(path)
    measured = edgekit.run(path, "host", data, runs=1)
    assert measured.verify.mismatched_bytes == 0
    judged = converted.chain.steps[1].accuracy
    assert measured.accuracy is not None and judged is not None
    assert measured.accuracy.value == pytest.approx(judged.value)


@pytest.mark.parametrize("options", [{"precision": "16x8"}, {"protect": ["#0"]}])
def test_int16_and_mixed_models_run_on_the_host(
    source: Path, data: Path, tmp_path: Path, options: dict[str, object]
) -> None:
    path = tmp_path / "blobs.tflite"
    made = edgekit.convert(source, data, output=path, **options)  # type: ignore[arg-type]
    assert any(op.precision is Precision.INT16X8 for op in made.quantized.operators)
    assert made.refusal is None
    assert edgekit.run(path, "host", 4, runs=1).verify.mismatched_bytes == 0


def test_a_float_island_runs_in_the_reference_and_aot_says_why_not(
    source: Path, data: Path
) -> None:
    made = edgekit.convert(source, data, protect=["FULLY_CONNECTED"], protect_as="float")
    assert made.arena_bytes is None
    assert made.refusal is not None and "FULLY_CONNECTED" in made.refusal
    accuracy = made.chain.steps[1].accuracy
    assert accuracy is not None and accuracy.value > 0.95


def test_the_document_is_json_with_every_table_in_it(converted: edgekit.Conversion) -> None:
    document = json.loads(report.to_json(converted))
    assert document["size_bytes"] == len(converted.content)
    assert len(document["quantization"]["operators"]) == 6
    assert document["chain"]["steps"][1]["difference"]["samples"] == 400
    assert document["quantization"]["chosen"]["method"]


def test_the_same_twice_is_the_same_file(
    converted: edgekit.Conversion, source: Path, data: Path
) -> None:
    assert edgekit.convert(source, data).content == converted.content


def test_integers_keep_the_quantisation_that_they_came_with(source: Path, tmp_path: Path) -> None:
    x, y = samples()
    scale, zero_point = 1.8 / 255, -70
    stored = np.clip(np.round(x / scale) + zero_point, -128, 127).astype(np.int8)
    np.savez(tmp_path / "int8.npz", x=stored, y=y)
    with pytest.raises(InputError, match="'x' is int8") as caught:
        edgekit.convert(source, tmp_path / "int8.npz")
    assert caught.value.hint is not None and "--quantized-as" in caught.value.hint
    from edgekit.conversion.dataset import Preprocessing

    path = tmp_path / "blobs.tflite"
    edgekit.convert(
        source,
        tmp_path / "int8.npz",
        output=path,
        preprocessing=Preprocessing(quantized_as=(scale, zero_point)),
    )
    quantization = edgekit.read(path).inputs[0].quantization
    assert quantization is not None
    assert quantization.scales[0] == pytest.approx(scale)
    assert quantization.zero_points == (zero_point,)
    accuracy = edgekit.run(path, "host", tmp_path / "int8.npz", runs=1).accuracy
    assert accuracy is not None and accuracy.value > 0.9


def test_too_few_samples_are_refused_before_any_work(source: Path, tmp_path: Path) -> None:
    x, _ = samples()
    np.savez(tmp_path / "few.npz", x=x[:2])
    with pytest.raises(CalibrationError, match="2 samples"):
        edgekit.convert(source, tmp_path / "few.npz")


def test_labels_beyond_the_classes_are_refused(source: Path, tmp_path: Path) -> None:
    x, y = samples()
    np.savez(tmp_path / "odd.npz", x=x, y=y + 1)
    with pytest.raises(InputError, match=str(CLASSES)):
        edgekit.convert(source, tmp_path / "odd.npz")


def test_an_unknown_method_names_the_known_ones(source: Path, data: Path) -> None:
    with pytest.raises(UserError, match="no calibration method 'best'") as caught:
        edgekit.convert(source, data, method="best")
    assert caught.value.hint is not None and "min-max" in caught.value.hint


def test_nothing_is_left_where_the_disk_is_full(
    converted: edgekit.Conversion, tmp_path: Path
) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal

    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(edgekit.EdgekitError, match="cannot write"):
            converted.save(tmp_path / "blobs.tflite")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert list(tmp_path.iterdir()) == []
