from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import networks
from support.keras_int8 import to_int8

from edgekit import ops
from edgekit.errors import ModelError, UserError
from edgekit.frontends import tflite
from edgekit.training import backbones
from edgekit.training.framework import keras
from edgekit.training.network import copy_of, network_of
from edgekit.training.pruning import PruningOptions, prune
from edgekit.training.pruning_channels import trace
from edgekit.training.pruning_choice import Curve
from edgekit.training.pruning_macs import macs_of

MODELS: dict[str, Callable[[], Any]] = {
    "ds_cnn": lambda: backbones.ds_cnn((12, 12, 1), 4, 0.25),
    "resnet_8": lambda: backbones.resnet_8((8, 8, 3), 4, 0.5),
    "mobilenet_v3_small": lambda: backbones.mobilenet_v3_small((16, 16, 1), 4, 0.2, features=16),
    "cnn_1d": lambda: backbones.cnn_1d((32, 3), 4, 0.5),
    "autoencoder": lambda: backbones.autoencoder((16,), 0.25),
    "concatenating": networks.concatenating,
    "one_dimensional": networks.one_dimensional,
    "before_convolution": networks.before_convolution,
}


@pytest.mark.parametrize("name", MODELS)
def test_a_pruned_model_computes_what_the_whole_one_does_with_the_channels_masked(
    name: str,
) -> None:
    model = networks.lively(MODELS[name]())
    pruned = prune(model, PruningOptions(keep_macs=0.6))
    inputs = networks.samples(model)
    assert networks.difference(pruned.masked, pruned.model, inputs) < 1e-5
    assert networks.difference(model, pruned.model, inputs) > 1e-3  # something did change
    assert pruned.macs_after <= 0.6 * pruned.macs_before
    assert pruned.macs_after == macs_of(network_of(pruned.model))
    assert pruned.parameters_after == pruned.model.count_params() < model.count_params()


@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_any_channels_of_any_layers_may_go(data: st.DataObject) -> None:
    small = ["ds_cnn", "resnet_8", "concatenating", "one_dimensional"]
    model = networks.lively(MODELS[data.draw(st.sampled_from(small))]())
    groups = trace(network_of(copy_of(model))).groups
    ratios = {
        group.layers[0]: data.draw(st.floats(0.05, 1.0), label=group.name) for group in groups
    }
    pruned = prune(model, PruningOptions(ratios=ratios))
    inputs = networks.samples(model, 2)
    assert networks.difference(pruned.masked, pruned.model, inputs) < 1e-5


def test_where_zero_stays_zero_it_is_enough_to_mask_the_filters_that_make_the_channels() -> None:
    model = MODELS["ds_cnn"]()  # as drawn: no bias, batch norm without shift, ReLU
    pruned = prune(model, PruningOptions(keep_macs=0.5))
    channels = trace(network_of(copy_of(model)))
    after = {width.layer: width.after for width in pruned.layers}
    for layer in model.layers:
        if layer.name in channels.made and layer.name != "logits":
            kernel = layer.get_weights()[0]
            norms = np.abs(kernel).reshape(-1, kernel.shape[-1]).sum(axis=0)
            kernel[..., np.argsort(-norms, kind="stable")[after[layer.name] :]] = 0.0
            layer.set_weights([kernel, *layer.get_weights()[1:]])
    assert networks.difference(model, pruned.model, networks.samples(model)) < 1e-5


def test_macs_are_counted_as_those_of_the_converted_model() -> None:
    layers = keras().layers
    inputs = keras().Input((9, 9, 2))
    x = layers.Conv2D(4, 3, strides=2, padding="same")(inputs)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2)(layers.ReLU()(x))
    x = layers.SeparableConv2D(3, 2)(x)
    model = keras().Model(inputs, layers.Dense(3)(layers.Flatten()(x)))
    graph = tflite.read(to_int8(model, networks.samples(model, 32)))
    assert macs_of(network_of(model)) == ops.macs(graph)


def test_channels_that_are_added_go_together() -> None:
    pruned = prune(MODELS["resnet_8"](), PruningOptions(keep_macs=0.5))
    after = {width.layer: width.after for width in pruned.layers}
    assert after["stem_conv"] == after["block1_b_conv"]
    assert after["block2_b_conv"] == after["block2_short"]
    groups = [g.layers for g in trace(network_of(MODELS["resnet_8"]())).groups]
    assert ("block3_b_conv", "block3_short") in groups


def test_a_gate_goes_with_the_channels_that_it_weighs() -> None:
    network = network_of(MODELS["mobilenet_v3_small"]())
    groups = [group.layers for group in trace(network).groups]
    assert ("block4_expand_conv", "block4_excite_conv") in groups
    assert ("block4_squeeze",) in groups


def test_the_models_outputs_stay_and_are_named_with_the_reason() -> None:
    pruned = prune(MODELS["ds_cnn"](), PruningOptions(keep_macs=0.5))
    (fixed,) = (width for width in pruned.layers if width.fixed)
    assert (fixed.layer, fixed.before, fixed.after) == ("logits", 4, 4)
    assert fixed.fixed == "they are the model's outputs"


def test_layers_that_mix_channels_in_unknown_ways_keep_what_they_read() -> None:
    layers = keras().layers
    inputs = keras().Input((8, 8, 2))
    x = layers.Conv2D(8, 3, name="free")(inputs)
    x = layers.Conv2D(8, 3, name="normed")(x)
    x = layers.LayerNormalization(name="mixer")(x)
    x = layers.Conv2D(8, 3, groups=2, name="grouped")(x)
    x = layers.Conv2D(4, 1, activation="softmax", name="attention")(x)
    model = keras().Model(inputs, layers.GlobalAveragePooling2D()(x))
    pruned = prune(model, PruningOptions(ratios={"free": 0.5}))
    assert {w.layer: (w.before, w.after) for w in pruned.layers}["free"] == (8, 4)
    reasons = {width.layer: width.fixed for width in pruned.layers}
    assert reasons["free"] is None
    assert "mixer reads them, and how a LayerNormalization mixes" in str(reasons["normed"])
    assert "grouped is a grouped convolution" in str(reasons["grouped"])
    assert "the activation softmax of attention mixes channels" in str(reasons["attention"])
    with pytest.raises(UserError, match="layer 'normed' cannot be pruned: mixer reads them"):
        prune(model, PruningOptions(ratios={"normed": 0.5}))


@pytest.mark.parametrize("multiple", [4, 8])
def test_what_stays_is_a_multiple(multiple: int) -> None:
    model = backbones.ds_cnn((12, 12, 1), 4, 0.5)
    pruned = prune(model, PruningOptions(keep_macs=0.5, round_to=multiple))
    assert all(w.after % multiple == 0 for w in pruned.layers if not w.fixed)
    assert 0.35 < pruned.macs_after / pruned.macs_before <= 0.5


def test_the_filters_with_the_greatest_norm_stay_wherever_batch_norm_scaled_them() -> None:
    layers = keras().layers
    inputs = keras().Input((4, 4, 1))
    x = layers.Conv2D(4, 1, use_bias=False, name="conv")(inputs)
    x = layers.BatchNormalization(name="norm", epsilon=0.0)(x)
    model = keras().Model(inputs, layers.Conv2D(2, 1, name="last")(x))
    model.get_layer("conv").set_weights([np.array([[[[1.0, 2.0, 3.0, 4.0]]]])])
    gamma = np.array([9.0, 0.1, 2.0, 1.0])
    model.get_layer("norm").set_weights([gamma, np.zeros(4), np.zeros(4), np.ones(4)])
    pruned = prune(model, PruningOptions(ratios={"conv": 0.5}))
    assert pruned.model.get_layer("conv").get_weights()[0].ravel().tolist() == [1.0, 3.0]


def test_sensitivity_spares_the_layer_that_the_loss_depends_on() -> None:
    model = networks.lively(backbones.cnn_1d((32, 3), 4, 0.5))
    inputs = networks.samples(model, 32)
    wanted = np.asarray(model(inputs))

    def loss(candidate: Any) -> float:
        first = candidate.get_layer("block2_conv").get_weights()[0]  # reads block1's channels
        masked = float((np.abs(first).sum(axis=(0, 1, 3)) == 0).sum())
        return float(np.square(np.asarray(candidate(inputs)) - wanted).mean()) + 100 * masked

    pruned = prune(model, PruningOptions(keep_macs=0.5, ranking="sensitivity"), loss=loss)
    shares = {w.layer: w.after / w.before for w in pruned.layers}
    assert shares["block1_conv"] == 1.0
    assert shares["block2_conv"] < 1.0
    curve = pruned.curves[0]
    assert curve.layers == ("block1_conv",)
    assert curve.widths[0] == 16 and list(curve.widths) == sorted(curve.widths)[::-1]
    assert curve.losses[0] == 0.0 and curve.losses[-1] > 100


def test_a_group_that_is_ruined_already_is_not_emptied_for_nothing() -> None:
    curve = Curve(layers=("a",), widths=(16, 12, 8, 4), losses=(0.5, 0.4, 2.5, 2.6))
    assert [curve.harm(width) for width in (16, 12)] == [0.0, 0.0]
    steep = curve.harm(8) - curve.harm(12)
    assert steep == pytest.approx(2.1)
    assert curve.harm(4) - curve.harm(8) == pytest.approx(steep)  # though the loss grew by 0.1
    assert curve.harm(2) - curve.harm(4) == pytest.approx(steep / 2)  # below what was measured


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "how much to keep is not clear"),
        ({"keep_macs": 0.5, "ratios": {"a": 0.5}}, "how much to keep is not clear"),
        ({"keep_macs": 1.5}, "keep_macs is 1.5"),
        ({"ratios": {"stem": 0.0}}, "the ratio of layer 'stem' is 0"),
        ({"keep_macs": 0.5, "round_to": 0}, "round_to is 0"),
        ({"keep_macs": 0.5, "ranking": "l7"}, "there is no ranking 'l7'"),
    ],
)
def test_odd_options_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        PruningOptions(**options)


def test_what_cannot_be_reached_is_refused() -> None:
    model = MODELS["ds_cnn"]()
    with pytest.raises(UserError, match=r"cannot be pruned to 0.1% .* it has \d+\.\d%"):
        prune(model, PruningOptions(keep_macs=0.001))
    with pytest.raises(UserError, match="no layer 'nowhere' that makes channels"):
        prune(model, PruningOptions(ratios={"nowhere": 0.5}))
    with pytest.raises(UserError, match="needs samples"):
        prune(model, PruningOptions(keep_macs=0.5, ranking="sensitivity"))
    ratios = {"stem_conv": 0.5, "block1_b_conv": 0.25}
    with pytest.raises(UserError, match="hang together, but their ratios differ"):
        prune(MODELS["resnet_8"](), PruningOptions(ratios=ratios))


def test_a_model_in_which_all_channels_are_outputs_is_refused() -> None:
    layers = keras().layers
    inputs = keras().Input((4, 4, 1))
    model = keras().Model(inputs, layers.Conv2D(2, 1, name="only")(inputs), name="tiny")
    with pytest.raises(ModelError, match="no channel of 'tiny' can be removed: only: they are"):
        prune(model, PruningOptions(keep_macs=0.5))


def test_a_model_of_no_fixed_size_is_refused() -> None:
    layers = keras().layers
    inputs = keras().Input((None, None, 1))
    x = layers.Conv2D(4, 3, name="first")(inputs)
    model = keras().Model(inputs, layers.Conv2D(2, 1)(x))
    with pytest.raises(ModelError, match="layer 'first' has outputs of no fixed size"):
        prune(model, PruningOptions(keep_macs=0.5))
