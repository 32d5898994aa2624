"""Live Keras models, which are converted in this process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import keras_models

from edgekit.conversion import litert, sources
from edgekit.conversion.sources import editing
from edgekit.errors import ConversionError, ModelError
from edgekit.training.framework import keras, tensorflow


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def same(model: Any) -> sources.FloatModel:
    """`model` converted, once its outputs are seen to be the same."""
    converted = sources.load(model)
    inputs = keras_models.inputs_of(model)
    expected = keras_models.outputs_of(model, inputs)
    found = litert.outputs(converted.content, inputs)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-5)
    return converted


def kinds(model: sources.FloatModel) -> dict[str, str | None]:
    """Kind of each operator and the layer that made it; the last of each kind."""
    tree = editing.parse(model.content)
    graph = tree.subgraphs[0]
    return {
        editing.kind(tree, op): model.layers.get(editing.text(graph.tensors[op.outputs[0]].name))
        for op in graph.operators
    }


def test_operators_know_their_layers():
    layers = kinds(same(keras_models.mobilenet_like()))
    assert layers["DEPTHWISE_CONV_2D"] == "depthwise"
    assert layers["ADD"] == "residual"
    assert layers["FULLY_CONNECTED"] == "classes"


def test_nested_models_have_paths_and_shared_ones_one_name():
    converted = same(keras_models.two_headed_like())
    assert {"encoder/first", "sum", "scores", "beside"} <= set(converted.layers.values())


def test_steps_in_time_have_the_name_of_their_layer():
    model = keras_models.cnn1d_like()
    layers = kinds(same(model))
    assert layers["CONV_2D"] == model.layers[3].name
    assert layers["MAX_POOL_2D"] == model.layers[2].name


def test_a_model_is_as_it_was_and_nothing_is_printed(
    own_cache: Path, capfd: pytest.CaptureFixture[str]
):
    model = keras_models.kws_like()
    capfd.readouterr()
    names = [layer.name for layer in model.layers]
    weights = model.get_weights()
    converted = sources.load(model)
    assert capfd.readouterr() == ("", "")
    assert [layer.name for layer in model.layers] == names
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))
    assert converted.name == "kws"
    assert converted.log is not None and converted.log.parent.is_relative_to(own_cache)


def test_layers_of_ones_own_are_no_obstacle():
    layers = keras().layers

    class Clipped(layers.Layer):  # type: ignore[misc,name-defined]
        def call(self, x: Any) -> Any:
            return keras().ops.minimum(x, 0.5)

    made = [
        layers.Input((6,)),
        Clipped(name="mine"),
        layers.Lambda(lambda x: x * x, name="squared"),
    ]
    model = keras_models.trained(keras().Sequential([*made, layers.Dense(3)]))
    assert {"mine", "squared"} <= set(same(model).layers.values())


def test_a_subclass_that_was_called_once_has_inputs():
    class Own(keras().Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(name="own")
            self.first = keras().layers.Dense(3, name="first")
            self.second = keras().layers.Dense(2, name="second")

        def call(self, x: Any) -> Any:
            return self.second(self.first(x))

    model = Own()
    with pytest.raises(ModelError, match="never built"):
        sources.load(model)
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    expected = np.asarray(model(x))
    found = litert.outputs(sources.load(model).content, [x])[0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_fixed_batch_becomes_1():
    layers = keras().layers
    inputs = keras().Input(batch_shape=(32, 4))
    model = keras_models.trained(keras().Model(inputs, layers.Dense(3)(inputs)))
    detail = litert.interpreter(sources.load(model).content).get_input_details()[0]
    assert list(detail["shape"]) == [1, 4]


def test_all_operators_without_a_form_are_named_with_their_layers():
    tf, layers = tensorflow(), keras().layers
    made = [layers.Input((3, 3)), layers.Lambda(tf.linalg.inv, name="inverse")]
    made += [layers.Lambda(tf.math.erfinv, name="bell")]
    with pytest.raises(ModelError) as caught:
        sources.load(keras().Sequential(made, name="odd"))
    assert str(caught.value) == (
        "Keras model odd: it uses 2 operators that TFLite does not have: "
        "Erfinv (layer bell), MatrixInverse (layer inverse)"
    )


def test_a_loop_over_time_is_refused_and_the_way_out_works():
    layers = keras().layers

    def recurrent(**options: Any) -> Any:
        made = [layers.Input((5, 3)), layers.LSTM(4, name="memory", **options)]
        return keras_models.trained(keras().Sequential([*made, layers.Dense(2)], name="rnn"))

    with pytest.raises(ModelError, match="WHILE of layer 'memory'") as caught:
        sources.load(recurrent())
    assert "unroll=True" in str(caught.value.hint)
    assert "memory" in same(recurrent(unroll=True)).layers.values()


def test_weights_that_are_no_numbers_are_refused():
    model = keras_models.resnet8_like()
    layer = model.layers[1]
    layer.bias.assign(layer.bias * np.inf)
    with pytest.raises(ModelError, match=rf"NaN or infinite in layer {layer.name}$"):
        sources.load(model)


@pytest.mark.slow
def test_a_model_of_another_backend_goes_through_a_file(monkeypatch: pytest.MonkeyPatch):
    """No other backend is installed here: this one pretends, and the worker's is the real one."""
    model = keras_models.autoencoder_like()
    monkeypatch.setattr(keras().backend, "backend", lambda: "torch")
    converted = sources.load(model)
    monkeypatch.undo()
    assert (converted.name, converted.origin) == ("autoencoder", "Keras model autoencoder")
    inputs = keras_models.inputs_of(model)
    (found,) = litert.outputs(converted.content, inputs)
    expected = keras_models.outputs_of(model, inputs)[0]
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5)


def test_what_goes_wrong_in_a_layer_is_in_the_log(capfd: pytest.CaptureFixture[str]):
    class Picky(keras().layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            if x.shape[0] == 1:
                os.write(2, b"a word from C++\n")
                raise RuntimeError("never alone\nat all")
            return x

    model = keras().Sequential([keras().layers.Input((4,)), Picky()], name="picky")
    capfd.readouterr()
    with pytest.raises(ConversionError, match=r"converting picky failed: .*its log is") as caught:
        sources.load(model)
    assert "\n" not in str(caught.value)
    log = Path(str(caught.value).rpartition("its log is ")[2])
    assert "a word from C++" in log.read_text()
    assert "never alone" in log.read_text()
    assert capfd.readouterr() == ("", "")
