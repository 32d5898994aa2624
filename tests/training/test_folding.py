from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support import networks

from edgekit.errors import ModelError
from edgekit.training import backbones
from edgekit.training.folding import fold_batch_norm
from edgekit.training.framework import keras

MODELS: dict[str, Callable[[], Any]] = {
    "ds_cnn": lambda: backbones.ds_cnn((12, 12, 1), 4, 0.1),
    "resnet_8": lambda: backbones.resnet_8((8, 8, 3), 4, 0.25),
    "mobilenet_v3_small": lambda: backbones.mobilenet_v3_small((16, 16, 1), 4, 0.1, features=16),
    "cnn_1d": lambda: backbones.cnn_1d((32, 3), 4, 0.2),
    "autoencoder": lambda: backbones.autoencoder((16,), 0.1),
    "one_dimensional": networks.one_dimensional,
}


def _norms(model: Any) -> list[str]:
    return [layer.name for layer in model.layers if "Normalization" in type(layer).__name__]


@pytest.mark.parametrize("name", MODELS)
def test_a_folded_model_computes_the_same_without_batch_norm(name: str) -> None:
    model = networks.lively(MODELS[name]())
    folded = fold_batch_norm(model)
    assert _norms(folded) == []
    assert networks.difference(model, folded, networks.samples(model)) < 1e-5


def test_batch_norm_that_nothing_can_take_in_stays_and_is_exact() -> None:
    model = networks.lively(networks.before_convolution())
    folded = fold_batch_norm(model)
    assert _norms(folded) == ["first", "second"]
    assert networks.difference(model, folded, networks.samples(model)) < 1e-6
    model = networks.lively(networks.concatenating())  # one part is a sum with what others read
    folded = fold_batch_norm(model)
    assert _norms(folded) == ["norm"]
    assert networks.difference(model, folded, networks.samples(model)) < 1e-6


def test_batch_norm_after_an_addition_goes_into_both_of_its_terms() -> None:
    layers = keras().layers
    inputs = keras().Input((5, 5, 2))
    left = layers.BatchNormalization()(layers.Conv2D(3, 3, name="left")(inputs))
    right = layers.Conv2DTranspose(3, 1, name="up")(layers.Conv2D(2, 3, name="right")(inputs))
    total = layers.BatchNormalization(scale=False)(layers.Add()([left, right]))
    model = networks.lively(keras().Model(inputs, layers.ReLU()(total)))
    folded = fold_batch_norm(model)
    assert _norms(folded) == []
    assert networks.difference(model, folded, networks.samples(model)) < 1e-5


def test_batch_norm_after_a_concatenation_goes_into_each_part() -> None:
    layers = keras().layers
    inputs = keras().Input((5, 5, 2))
    left = layers.Conv2D(3, 1, name="left")(inputs)
    right = layers.DepthwiseConv2D(1, depth_multiplier=2, name="right")(inputs)
    both = layers.BatchNormalization(center=False)(layers.Concatenate()([left, right]))
    model = networks.lively(keras().Model(inputs, layers.ReLU()(both)))
    folded = fold_batch_norm(model)
    assert _norms(folded) == []
    assert networks.difference(model, folded, networks.samples(model)) < 1e-5


def test_a_sum_of_which_one_term_is_read_elsewhere_keeps_its_batch_norm() -> None:
    layers = keras().layers
    inputs = keras().Input((5, 5, 2))
    left = layers.Conv2D(2, 3, name="left")(inputs)
    right = layers.Conv2D(2, 3, name="right")(inputs)
    total = layers.BatchNormalization(name="norm")(layers.Add()([left, right]))
    model = networks.lively(keras().Model(inputs, layers.Concatenate()([total, left])))
    folded = fold_batch_norm(model)
    assert _norms(folded) == ["norm"]
    assert networks.difference(model, folded, networks.samples(model)) < 1e-6


def test_the_model_that_is_folded_does_not_change() -> None:
    model = networks.lively(MODELS["ds_cnn"]())
    before = [np.array(weight) for weight in model.get_weights()]
    fold_batch_norm(model)
    for old, new in zip(before, model.get_weights(), strict=True):
        assert np.array_equal(old, new)


def test_a_model_without_a_graph_is_refused() -> None:
    class Subclassed(keras().Model):  # type: ignore[misc, name-defined]
        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(ModelError, match="has no graph of layers"):
        fold_batch_norm(Subclassed(name="mine"))
    with pytest.raises(ModelError, match="a Keras model was expected, not a str"):
        fold_batch_norm("mine")
