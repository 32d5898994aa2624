"""Makes Keras files of all kinds and converts each as the worker does, in one process.

`python keras_files.py FOLDER` leaves there, for each case, the file, NAME.tflite or what was said
against it in outcomes.json, and in NAME.npz samples with what Keras makes of them. TensorFlow takes
seconds to import, so the tests share one such run.
"""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import tensorflow as tf

from edgekit.conversion.workers import from_keras
from edgekit.conversion.workers.refusal import Refused
from support import keras_models

L = keras.layers
FORMS = {".keras": "archive", ".h5": "hdf5", "": "saved_model"}


@keras.saving.register_keras_serializable("mine")
class Doubled(L.Layer):
    def call(self, x: Any) -> Any:
        return x * 2


def loss(truth: Any, found: Any) -> Any:
    return keras.ops.mean((truth - found) ** 2)


def dense(*shape: int | None, **options: Any) -> Any:
    return keras.Sequential([L.Input(shape, **options), L.Dense(3, name="out")], name="dense")


def saved(model: Any, path: Path) -> Any:
    model.save(path)
    return model


def exported(path: Path) -> Any:
    model = keras_models.kws_like()
    model.export(path, verbose=False)
    return model


def saved_by_tensorflow(path: Path) -> Any:
    model = keras_models.cnn1d_like()
    tf.saved_model.save(model, str(path))
    return model


def compiled(path: Path) -> Any:
    """With a loss of its own, and the optimiser's state."""
    model = dense(4)
    model.compile("adam", loss)
    model.fit(np.zeros((2, 4)), np.ones((2, 3)), verbose=0)
    return saved(model, path)


def mixed(path: Path) -> Any:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        layers = [L.Input((8, 8, 1)), L.Conv2D(4, 3, activation="relu"), L.Flatten(), L.Dense(3)]
        model = keras_models.trained(keras.Sequential(layers))
    finally:
        keras.config.set_dtype_policy("float32")
    return saved(model, path)


def shared_names(path: Path) -> Any:
    """Layers whose names are those that TensorFlow would give to others."""
    inputs = L.Input((8,))
    x = L.Dense(5, name="dense_1")(inputs)
    x = L.Dense(4, name="dense")(L.ReLU(name="dense_2")(x))
    return saved(keras_models.trained(keras.Model(inputs, x)), path)


def legacy(path: Path) -> Any:
    """As Keras 2 wrote it: other words in the configuration, ":0" in the weights' names."""
    inputs = L.Input((12, 12, 3), name="input_1")
    x = L.Conv2D(4, 3, use_bias=False, name="conv2d")(inputs)
    x = L.BatchNormalization(name="batch_normalization")(x)
    y = L.ReLU(6.0, name="tf.nn.relu6")(x)
    x = L.Add(name="tf.__operators__.add")([x, y])
    x = L.DepthwiseConv2D(3, padding="same", name="depthwise_conv2d")(x)
    x = L.SeparableConv2D(5, 3, name="separable_conv2d")(x)
    x = L.Conv2DTranspose(2, 2, name="conv2d_transpose")(x)
    outputs = L.Dense(3, name="dense")(L.Flatten(name="flatten")(x))
    model = keras_models.trained(keras.Model(inputs, outputs, name="model"))
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.15.0"
        file.attrs["backend"] = "tensorflow"
        file.attrs["model_config"] = json.dumps(legacy_config())
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [layer.name for layer in model.layers]
        for layer in model.layers:
            group = weights.create_group(layer.name)
            names = [f"{layer.name}/{legacy_name(w, layer)}:0" for w in layer.weights]
            group.attrs["weight_names"] = names
            for name, weight in zip(names, layer.weights, strict=True):
                group[name] = weight.numpy()
    return model


def legacy_name(weight: Any, layer: Any) -> str:
    depthwise = weight.name == "kernel" and isinstance(layer, L.DepthwiseConv2D)
    return "depthwise_kernel" if depthwise else str(weight.name)


def legacy_config() -> dict[str, Any]:
    ones = {"class_name": "Ones", "config": {}}
    square = {"kernel_size": [3, 3], "dtype": "float32", "trainable": True}
    normal = {"axis": [3], "momentum": 0.99, "epsilon": 0.001, "gamma_initializer": ones}
    nodes: dict[str, tuple[str, dict[str, Any], list[Any]]] = {
        "conv2d": ("Conv2D", {**square, "filters": 4, "use_bias": False}, ["input_1"]),
        "batch_normalization": ("BatchNormalization", normal, ["conv2d"]),
        "tf.nn.relu6": ("TFOpLambda", {"function": "nn.relu6"}, ["batch_normalization"]),
        "tf.__operators__.add": (
            "TFOpLambda",
            {"function": "__operators__.add"},
            ["batch_normalization", {"y": ["tf.nn.relu6", 0, 0], "name": None}],
        ),
        "block/depthwise": (
            "DepthwiseConv2D",
            {**square, "padding": "same", "groups": 1, "depth_multiplier": 1},
            ["tf.__operators__.add"],
        ),
        "separable_conv2d": (
            "SeparableConv2D",
            {**square, "filters": 5, "groups": 1, "kernel_initializer": ones},
            ["block/depthwise"],
        ),
        "conv2d_transpose": (
            "Conv2DTranspose",
            {"filters": 2, "kernel_size": [2, 2], "groups": 1},
            ["separable_conv2d"],
        ),
        "flatten": ("Flatten", {"data_format": "channels_last"}, ["conv2d_transpose"]),
        "dense": ("Dense", {"units": 3, "activation": "linear"}, ["flatten"]),
    }
    source = {"batch_input_shape": [None, 12, 12, 3], "dtype": "float32", "ragged": False}
    layers = [_legacy_layer("input_1", "InputLayer", {**source, "sparse": False}, [])]
    for name, (kind, config, call) in nodes.items():
        node = [call[0], 0, 0, call[1] if len(call) > 1 else {}]
        layers.append(_legacy_layer(name, kind, config, [node if "TFOp" in kind else [node]]))
    ends = {"input_layers": [["input_1", 0, 0]], "output_layers": [["dense", 0, 0]]}
    return {"class_name": "Functional", "config": {"name": "model", "layers": layers, **ends}}


def _legacy_layer(name: str, kind: str, config: dict[str, Any], nodes: list[Any]) -> dict[str, Any]:
    config = {"name": name, **config}
    return {"class_name": kind, "config": config, "name": name, "inbound_nodes": nodes}


class Scaled(tf.Module):
    """Not of Keras."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = tf.Variable(np.arange(1, 5, dtype=np.float32), name="factor")

    @tf.function(input_signature=[tf.TensorSpec((None, 4), tf.float32, name="x")])
    def scale(self, x: Any) -> Any:
        return {"scaled": x * self.factor}

    @tf.function(input_signature=[tf.TensorSpec((None, 4), tf.float32, name="x")])
    def shift(self, x: Any) -> Any:
        return {"shifted": x + self.factor}

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, name="word")])
    def length(self, word: Any) -> Any:
        return {"length": tf.strings.length(word)}

    @tf.function(input_signature=[])
    def nothing(self) -> Any:
        return {"factor": self.factor}

    @tf.function(input_signature=[tf.TensorSpec((None, 3, 3), tf.float32, name="x")])
    def inverse(self, x: Any) -> Any:
        return {"y": tf.linalg.inv(x) + tf.math.erfinv(x)}

    @tf.function(input_signature=[tf.TensorSpec((None, None, 4), tf.float32, name="x")])
    def open(self, x: Any) -> Any:
        return {"y": x * 2.0}


def module(*functions: str, poison: bool = False) -> Callable[[Path], Any]:
    def make(path: Path) -> Any:
        made = Scaled()
        if poison:
            made.factor[2].assign(np.nan)
        names = ["serving_default"] if len(functions) == 1 else functions
        signatures = {n: getattr(made, f) for n, f in zip(names, functions, strict=False)}
        tf.saved_model.save(made, str(path), signatures=signatures)
        return (lambda x: made.scale(x)) if functions == ("scale",) and not poison else None

    return make


def custom(path: Path) -> None:
    inputs = L.Input((4,))
    x = L.Dense(4, activation=loss_activation)(Doubled(name="twice")(inputs))
    keras.Model(inputs, L.Lambda(lambda t: t[:, :2], name="crop")(x)).save(path)


@keras.saving.register_keras_serializable("mine")
def loss_activation(x: Any) -> Any:
    return x


def poisoned(path: Path) -> None:
    model = keras_models.cnn1d_like()
    model.layers[0].kernel.assign(model.layers[0].kernel * np.nan)
    model.layers[-1].bias[2].assign(np.inf)
    model.save(path)


def truncated(path: Path) -> None:
    dense(4).save(path)
    path.write_bytes(path.read_bytes()[:-300])


def flipped(path: Path) -> None:
    dense(4).save(path)
    content = bytearray(path.read_bytes())
    content[content.index(b"model.weights.h5") + 600] ^= 0xFF
    path.write_bytes(content)


def without(path: Path, name: str) -> None:
    whole = path.with_suffix(".whole.keras")
    dense(4).save(whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.namelist():
            if entry != name:
                new.writestr(entry, old.read(entry))


def of_keras_2(path: Path) -> None:
    without(path, "metadata.json")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "2.15.0"}))


def broken_variables(path: Path) -> None:
    module("scale")(path)
    (path / "variables" / "variables.index").unlink()


def unknown_in_hdf5(path: Path) -> None:
    dense(4).save(path)
    with h5py.File(path, "a") as file:
        text = file.attrs["model_config"].replace('"Dense"', '"MyDense"')
        file.attrs["model_config"] = text


CASES: dict[str, Callable[[Path], Any]] = {
    **{
        f"{name}.keras": (lambda path, make=make: saved(make(), path))
        for name, make in keras_models.MODELS.items()
    },
    "kws.h5": lambda path: saved(keras_models.kws_like(), path),
    "legacy.h5": legacy,
    "exported": exported,
    "by_tensorflow": saved_by_tensorflow,
    "module": module("scale"),
    "compiled.keras": compiled,
    "mixed.keras": mixed,
    "shared_names.keras": shared_names,
    "custom.keras": custom,
    "dynamic.keras": lambda path: saved(dense(None, 4, name="steps"), path) and None,
    "unbuilt.keras": lambda path: saved(keras.Sequential([L.Dense(3)], name="bare"), path) and None,
    "integers.keras": lambda path: (
        saved(keras.Sequential([L.Input((4,), dtype="int32", name="ids"), L.Embedding(9, 2)]), path)
        and None
    ),
    "poisoned.keras": poisoned,
    "truncated.keras": truncated,
    "flipped.keras": flipped,
    "weightless.keras": lambda path: without(path, "model.weights.h5"),
    "keras_2.keras": of_keras_2,
    "truncated.h5": truncated,
    "weights.weights.h5": lambda path: dense(4).save_weights(path),
    "unknown.h5": unknown_in_hdf5,
    "two_signatures": module("scale", "shift"),
    "strings": module("length"),
    "no_inputs": module("nothing"),
    "unsupported": module("inverse"),
    "dynamic": module("open"),
    "poisoned": module("scale", poison=True),
    "no_signature": lambda path: tf.saved_model.save(tf.Module(), str(path)),
    "broken_variables": broken_variables,
}


def main(folder: Path) -> None:
    outcomes = {}
    for name, make in CASES.items():
        path = folder / name
        model = make(path)
        if model is not None:
            inputs = _inputs(model)
            np.savez(folder / f"{name}.npz", *inputs, *_outputs(model, inputs))
        output = folder / f"{name}.tflite"
        try:
            facts = from_keras.convert(FORMS[path.suffix], str(path), str(output))
            outcomes[name] = {"facts": facts}
        except Refused as refused:
            outcomes[name] = {"refused": str(refused), "hint": refused.hint}
    for unused in folder.glob("*.whole.keras"):
        unused.unlink()
    shutil.rmtree(folder / "by_tensorflow" / "assets", ignore_errors=True)
    (folder / "outcomes.json").write_text(json.dumps(outcomes), encoding="utf-8")


def _inputs(model: Any) -> list[np.ndarray]:
    if isinstance(model, keras.Model):
        return keras_models.inputs_of(model)
    return [np.random.default_rng(1).normal(size=(4, 4)).astype(np.float32)]


def _outputs(model: Any, inputs: list[np.ndarray]) -> list[np.ndarray]:
    if isinstance(model, keras.Model):
        return [y.astype(np.float32) for y in keras_models.outputs_of(model, inputs)]
    return [model(tf.constant(inputs[0]))["scaled"].numpy()]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
