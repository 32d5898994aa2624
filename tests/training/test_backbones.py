"""Students have the shape of their papers, and become INT8 models that TFLite Micro runs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support import networks
from support.keras_int8 import to_int8

from edgekit import ops
from edgekit.errors import RecipeError
from edgekit.frontends import tflite
from edgekit.reference.oracle import Oracle
from edgekit.training import autoencoder, cnn_1d, ds_cnn, mobilenet_v3_small, resnet_8
from edgekit.training.network import network_of
from edgekit.training.pruning_macs import macs_of

SMALL: dict[str, Callable[[], Any]] = {
    "ds_cnn": lambda: ds_cnn((12, 12, 1), 4, 0.25),
    "mobilenet_v3_small": lambda: mobilenet_v3_small(
        (16, 16, 1), 4, 0.2, strides=(1, 2, 2, 1, 2), features=16
    ),
    "resnet_8": lambda: resnet_8((8, 8, 3), 4, 0.5),
    "cnn_1d": lambda: cnn_1d((32, 3), 4, 0.5),
    "autoencoder": lambda: autoencoder((16,), 0.25),
}
#: Beyond convolutions, dense layers and means.
EXTRA = {
    "mobilenet_v3_small": {"HARD_SWISH", "MUL", "ADD"},
    "resnet_8": {"ADD"},
    "cnn_1d": {"RESHAPE"},
}


@pytest.mark.parametrize("name", SMALL)
def test_a_student_becomes_an_int8_model_that_tflite_micro_runs(name: str) -> None:
    model = networks.lively(SMALL[name]())
    inputs = networks.samples(model, 32)
    content = to_int8(model, inputs)
    graph = tflite.read(content)
    names = {ops.definition_of(operator).name for operator in graph.operators}
    plain = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MEAN"}
    assert names - plain == EXTRA.get(name, set())
    scale, zero_point = graph.inputs[0].scale, graph.inputs[0].zero_point
    quantized = np.clip(np.round(inputs / scale) + zero_point, -128, 127).astype(np.int8)
    with Oracle() as oracle:
        outputs = oracle.run(content, [(sample[None],) for sample in quantized])
    real = np.concatenate([output[0] for output in outputs]).astype(np.float32)
    real = (real - graph.outputs[0].zero_point) * graph.outputs[0].scale
    expected = np.asarray(model(inputs, training=False))
    assert np.abs(real - expected).max() < 0.15 * np.ptp(expected)


@pytest.mark.parametrize(
    ("model", "macs"),
    [
        (lambda: ds_cnn((49, 10, 1), 12, first_kernel=(10, 4)), 2_656_768),  # kws01 of MLPerf Tiny
        (lambda: resnet_8((32, 32, 3), 10), 12_501_632),  # ic01
        (lambda: autoencoder((640,)), 264_192),  # ad01
    ],
)
def test_the_defaults_are_the_models_of_mlperf_tiny(model: Callable[[], Any], macs: int) -> None:
    assert macs_of(network_of(model())) == macs


def test_mobilenet_v3_small_has_the_size_that_its_paper_says() -> None:
    model = mobilenet_v3_small((224, 224, 3), 1000)
    assert 2.4e6 < model.count_params() < 2.7e6  # 2.5 M, table 3
    assert 54e6 < macs_of(network_of(model)) < 60e6  # 56 M
    assert model.get_layer("block11").output.shape[1:] == (7, 7, 96)


def test_a_width_multiplies_channels() -> None:
    def channels(width: float) -> int:
        return int(ds_cnn((8, 8, 1), 3, width).get_layer("block4").output.shape[-1])

    assert [channels(width) for width in (0.25, 1.0, 1.5)] == [16, 64, 96]


def test_logits_unless_a_softmax_is_asked_for() -> None:
    inputs = np.random.default_rng(0).normal(size=(4, 32, 3)).astype(np.float32)
    logits = np.asarray(cnn_1d((32, 3), 5)(inputs))
    shares = np.asarray(cnn_1d((32, 3), 5, softmax=True)(inputs))
    assert not np.allclose(logits.sum(axis=1), 1)
    assert np.allclose(shares.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: ds_cnn((28, 28), 10), "3 positive integers"),
        (lambda: ds_cnn((28, 28, 1), 1), "at least 2"),
        (lambda: ds_cnn((28, 28, 1), 10, 0.0), "width must be positive"),
        (lambda: ds_cnn((28, 28, 1), 10, strides=(1, 2)), "5 channel counts but 2 strides"),
        (lambda: mobilenet_v3_small((28, 28, 1), 10, strides=(1,)), "five strides"),
        (lambda: cnn_1d((28, 28, 1), 10), "2 positive integers"),
    ],
)
def test_odd_shapes_are_refused(build: Callable[[], Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        build()
