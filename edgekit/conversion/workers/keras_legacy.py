"""HDF5 models as Keras 2 wrote them, for Keras 3, which has other words for some of it.

Four things are put right: options that Keras 3 dropped (DepthwiseConv2D had `groups`), calls of
plain TensorFlow functions between layers (TFOpLambda), how such a call names its tensors, and names
with a "/".
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from . import keras_tracing
from .refusal import Refused

#: Layers that stand for a call of a TensorFlow function.
TENSOR_FUNCTIONS = ("TFOpLambda",)

_ANY: Any = object()

_KERNEL = {f"kernel_{what}": _ANY for what in ("initializer", "regularizer", "constraint")}
#: Options that Keras 3 does not take -> the only value that changes nothing, or any.
_DROPPED: dict[str, dict[str, Any]] = {
    "Conv1DTranspose": {"groups": 1},
    "Conv2DTranspose": {"groups": 1},
    "DepthwiseConv1D": {"groups": 1},
    "DepthwiseConv2D": {"groups": 1},
    "SeparableConv1D": {"groups": 1, **_KERNEL},
    "SeparableConv2D": {"groups": 1, **_KERNEL},
    "GRU": {"time_major": False},
    "LSTM": {"time_major": False},
    "SimpleRNN": {"time_major": False},
    "SpatialDropout1D": {"trainable": _ANY, "noise_shape": _ANY, "seed": _ANY},
    "SpatialDropout2D": {"trainable": _ANY, "noise_shape": _ANY, "seed": _ANY},
    "RandomCrop": {"rng_type": _ANY},
    "RandomFlip": {"rng_type": _ANY},
    "RandomRotation": {"rng_type": _ANY},
}
_OPERATORS = {"__operators__.add": "math.add"}
#: Where functions may come from: these compute, they do not read or write files.
_PURE = ("math", "nn")
_PURE_FUNCTIONS_TEXT = """
abs add cast clip_by_value concat constant divide exp expand_dims gather identity matmul maximum
minimum multiply negative one_hot pad pow reduce_max reduce_mean reduce_min reduce_sum reshape
round sigmoid sqrt square squeeze stack strided_slice subtract tanh tile transpose zeros_like
ones_like
"""

_PURE_FUNCTIONS = frozenset(_PURE_FUNCTIONS_TEXT.split())


def load(path: Path, config: Any) -> Any:
    """The model at `path`, whose configuration is `config`, without optimiser and loss."""
    import h5py

    keras = keras_tracing.keras()
    config = _without_slashes(config)
    _modernise(config)
    with tempfile.TemporaryDirectory(prefix="edgekit-") as directory:
        copy = Path(directory) / "model.h5"
        with h5py.File(path, "r") as old, h5py.File(copy, "w") as new:
            for key, value in old.attrs.items():
                new.attrs[key] = value
            new.attrs["model_config"] = json.dumps(config)
            old.copy("model_weights", new)
        try:
            return keras.saving.load_model(
                copy, compile=False, custom_objects={"TFOpLambda": _tensor_function_layer()}
            )
        except (ValueError, TypeError, KeyError) as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise Refused(
                f"Keras {keras.version()} cannot read it: {lines[0][:300]}",
                hint="load it where it was made and save it as a SavedModel: "
                "tf.saved_model.save(model, directory)",
            ) from error


def _without_slashes(config: Any) -> Any:
    """A configuration in which no layer has a "/" in its name; weights are found by their order."""
    names: set[str] = set()

    def collect(part: Any) -> None:
        for inner in part.values() if isinstance(part, dict) else part:
            if isinstance(inner, dict | list):
                collect(inner)
        if isinstance(part, dict) and "class_name" in part and "/" in str(part.get("name")):
            names.add(str(part["name"]))

    def renamed(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: renamed(inner) for key, inner in part.items()}
        if isinstance(part, list):
            return [renamed(inner) for inner in part]
        return part.replace("/", "_") if isinstance(part, str) and part in names else part

    collect(config)
    return renamed(config)


def _modernise(config: Any) -> None:
    """Put right what Keras 3 would not take, in place."""
    if isinstance(config, list):
        for part in config:
            _modernise(part)
        return
    if not isinstance(config, dict):
        return
    inner = config.get("config")
    if isinstance(inner, dict):
        _drop_options(str(config.get("class_name")), inner)
        if any(_is_function(layer) for layer in inner.get("layers", [])):
            for layer in inner["layers"]:
                layer["inbound_nodes"] = [_node(node) for node in layer.get("inbound_nodes", [])]
    for part in config.values():
        _modernise(part)


def _drop_options(kind: str, options: dict[str, Any]) -> None:
    for key, neutral in _DROPPED.get(kind, {}).items():
        value = options.pop(key, neutral)
        if neutral is not _ANY and value != neutral:
            raise Refused(
                f"layer {options.get('name')!r} ({kind}) has {key}={value}, which Keras 3 lacks",
                hint="build the model again with Keras 3",
            )


def _is_function(layer: Any) -> bool:
    return isinstance(layer, dict) and layer.get("class_name") in TENSOR_FUNCTIONS


def _node(node: Any) -> dict[str, Any]:
    """A call as Keras 3 writes it; Keras 2 had [[layer, node, tensor, keywords], ...]."""
    if isinstance(node, dict):
        return node
    calls = node if node and isinstance(node[0], list) else [node]
    tensors = [_tensor(call[:3]) for call in calls]
    keywords = dict(calls[0][3]) if len(calls[0]) > 3 else {}
    keywords.pop("name", None)
    arguments = tensors[0] if len(tensors) == 1 else tensors
    return {"args": [arguments], "kwargs": {key: _value(v) for key, v in keywords.items()}}


def _tensor(reference: list[Any]) -> dict[str, Any]:
    # shape and type are of no use: the tensor that the layer made takes this one's place
    history = {"shape": [1], "dtype": "float32", "keras_history": list(reference)}
    return {"class_name": "__keras_tensor__", "config": history}


def _value(value: Any) -> Any:
    """A keyword's value: a number, a list of them, or [layer, node, tensor] for a tensor."""
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str):
        return _tensor(value)
    if isinstance(value, list) and value[:1] == ["_CONSTANT_VALUE"]:
        return value[-1]
    return value


def _tensor_function_layer() -> type:
    """A layer class that calls the TensorFlow function that a TFOpLambda names."""
    tf, keras = keras_tracing.tensorflow(), keras_tracing.keras()

    class TFOpLambda(keras.layers.Layer):  # type: ignore[misc,name-defined]
        def __init__(self, function: str, **options: Any) -> None:
            super().__init__(**options)
            self._function = _function(tf, function)

        def call(self, *inputs: Any, **keywords: Any) -> Any:
            return self._function(*inputs, **keywords)

    return TFOpLambda


def _function(tf: Any, name: str) -> Any:
    path = _OPERATORS.get(name, name).removeprefix("compat.v1.").split(".")
    pure = path[0] in _PURE if len(path) == 2 else path[0] in _PURE_FUNCTIONS and len(path) == 1
    owner = getattr(tf, path[0], None) if len(path) == 2 else tf
    function = getattr(owner, path[-1], None)
    if not pure or not callable(function):
        raise Refused(
            f"it calls tf.{name} between its layers, which edgekit does not take from a file",
            hint="load it where it was made and save it as a SavedModel: "
            "tf.saved_model.save(model, directory)",
        )
    return function
