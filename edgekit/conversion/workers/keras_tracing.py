"""A live Keras model -> float32 .tflite. Also runs inside edgekit, for models that only live there.

Each layer gets a token of its own as name while the model is traced: TensorFlow numbers scopes so
that a layer "conv2d" may appear as "conv2d_1", which is another layer's name.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from .refusal import Missing, Refused

_TOKEN = "EdgekitLayer{}x"
_UNSUPPORTED = re.compile(r"^(?:TF Select|Custom) ops: (?P<names>.+)$", re.MULTILINE)
_WAY_OUT = "replace these layers with ones made of the operators that the README lists"


def tensorflow() -> Any:
    """The package, without its GPU: moving a small model there takes longer than converting it."""
    try:
        import tensorflow as tf
    except ImportError as error:
        raise Missing(
            "TensorFlow, which reads Keras models, is not installed",
            hint="pip install 'edgekit[keras]'",
        ) from error
    with contextlib.suppress(RuntimeError):  # raised if a live model already uses it
        tf.config.set_visible_devices([], "GPU")
    return tf


def keras() -> Any:
    """The package, with TensorFlow beneath it."""
    tensorflow()
    import keras

    return keras


def convert_model(model: Any) -> tuple[bytes, dict[str, Any]]:
    """The .tflite of a keras.Model, and facts: the tokens' layers and those of the outputs.

    Raises:
        Refused: its input is not fixed, it has no weights yet, or TFLite lacks an operator.
    """
    tf = tensorflow()
    specifications = _inputs(model, tf)
    _check_weights(model)
    with _tokens(model) as tokens:

        @tf.function(autograph=False)  # type: ignore[untyped-decorator,unused-ignore]
        def serve(*tensors: Any) -> Any:
            return model(list(tensors) if len(tensors) > 1 else tensors[0], training=False)

        traced = serve.get_concrete_function(*specifications)
        content = to_tflite(traced, {token: path for token, (_, path) in tokens.items()})
    names = {token: name for token, (name, _) in tokens.items()}
    return content, {"tokens": names, "outputs": _output_layers(model)}


def to_tflite(function: Any, paths: dict[str, str]) -> bytes:
    """Freeze the variables of a concrete function and convert it, in float.

    Args:
        function: with static input shapes.
        paths: token in node names -> layer, for messages.
    """
    tf = tensorflow()
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    frozen = convert_variables_to_constants_v2(function)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    try:
        return bytes(converter.convert())
    except Exception as error:
        refused = _explain(str(error), frozen, paths)
        if refused is None:
            raise
        raise refused from error


def _explain(text: str, function: Any, paths: dict[str, str]) -> Refused | None:
    """All operators that TFLite lacks, each with the layers that made it."""
    names = {
        name.strip().removeprefix("Flex")
        for found in _UNSUPPORTED.finditer(text)
        for name in found["names"].split(",")
    }
    if not names:
        return None
    listed = []
    for name in sorted(names):
        nodes = [op.name for op in function.graph.get_operations() if op.type == name]
        layers = sorted({layer_of(node, paths) for node in nodes} - {""})
        by = f" (layer {', '.join(layers)})" if layers else ""
        listed.append(name + by)
    what = "an operator" if len(listed) == 1 else f"{len(listed)} operators"
    return Refused(f"it uses {what} that TFLite does not have: {', '.join(listed)}", hint=_WAY_OUT)


def layer_of(node: str, paths: dict[str, str]) -> str:
    """The innermost layer in a node's name; without tokens, the scope that the node is in."""
    tokens = [token for token in re.findall(_TOKEN.format(r"\d+"), node) if token in paths]
    if tokens:
        return paths[tokens[-1]]
    scopes = [part for part in node.split("/")[:-1] if "PartitionedCall" not in part]
    return scopes[-1] if scopes and not paths else ""


def _inputs(model: Any, tf: Any) -> list[Any]:
    """What the model takes, with a batch of 1."""
    inputs = _declared_inputs(model)
    if not inputs:
        raise Refused(
            f"the model {model.name!r} has no inputs yet, because it was never built",
            hint="give it a keras.Input, or call model.build((None, ...)), and save it again",
        )
    specifications = []
    for name, shape, dtype in inputs:
        refuse_dynamic(name, shape)
        refuse_type(tf, name, tf.as_dtype(dtype))
        specifications.append(tf.TensorSpec((1, *shape[1:]), tf.float32, name=_plain(name)))
    return specifications


def _declared_inputs(model: Any) -> list[tuple[str, tuple[Any, ...], str]]:
    """(name, shape, type) of each input; none if the model was never built."""
    with contextlib.suppress(AttributeError, ValueError):  # how a subclassed model says no
        if model.inputs:
            return [
                (
                    f"input_{i}" if x.name.startswith("keras_tensor") else x.name,
                    tuple(x.shape),
                    str(x.dtype),
                )
                for i, x in enumerate(model.inputs)
            ]
    shapes = getattr(model, "_build_shapes_dict", None) or {}
    return [
        (name, tuple(shape), "float32")
        for name, shape in shapes.items()
        if isinstance(shape, list | tuple) and all(n is None or isinstance(n, int) for n in shape)
    ]


def refuse_dynamic(name: str, shape: Sequence[int | None]) -> None:
    """Raise Refused if a dimension other than the batch has no size."""
    free = [i for i, size in enumerate(shape) if size is None and i > 0]
    if not free:
        return
    which = f"dimension {free[0]}" if len(free) == 1 else f"dimensions {free}"
    raise Refused(
        f"input {name!r} has the shape {list(shape)}: {which} has no fixed size",
        hint="build the model with a keras.Input whose shape has a number in each place",
    )


def refuse_type(tf: Any, name: str, dtype: Any) -> None:
    """Raise Refused for inputs that are no real numbers."""
    if not dtype.is_floating:
        raise Refused(
            f"input {name!r} is of type {dtype.name}",
            hint="edgekit converts models of float32 inputs: look words and categories up before "
            "the model",
        )


def _plain(name: str) -> str:
    """A name that TensorFlow takes."""
    return re.sub(r"[^A-Za-z0-9_.\\-]", "_", name).lstrip("_.-\\") or "input"


def sublayers(layer: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every layer inside `layer` with its path such as "block/conv", also those of wrappers."""
    seen: set[int] = set()

    def walk(outer: Any, above: str) -> Iterator[tuple[str, Any]]:
        for inner in getattr(outer, "_layers", ()):
            if id(inner) not in seen:
                seen.add(id(inner))
                inside = f"{above}/{inner.name}" if above else str(inner.name)
                yield inside, inner
                yield from walk(inner, inside)

    return walk(layer, path)


@contextlib.contextmanager
def _tokens(model: Any) -> Iterator[dict[str, tuple[str, str]]]:
    """Name each layer by a token meanwhile; token -> (its name, its path)."""
    layers = [(path, layer, layer.name) for path, layer in sublayers(model)]
    try:
        for i, (_, layer, _) in enumerate(layers):
            layer.name = _TOKEN.format(i)
        yield {_TOKEN.format(i): (name, path) for i, (path, _, name) in enumerate(layers)}
    finally:
        for _, layer, name in layers:
            layer.name = name


def _output_layers(model: Any) -> list[str]:
    """The layer that makes each output, as far as the model says."""
    outputs = getattr(model, "outputs", None) or []
    histories = [getattr(output, "_keras_history", None) for output in outputs]
    return [str(history[0].name) if history else "" for history in histories]


def _check_weights(model: Any) -> None:
    """Raise Refused for weights that are NaN or infinite, naming each layer that has some."""
    import numpy as np

    bad = []
    for path, layer in sublayers(model):
        for weight in getattr(layer, "_trainable_variables", []) + getattr(
            layer, "_non_trainable_variables", []
        ):
            values = np.asarray(weight)
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                bad.append(path)
                break
    if bad:
        raise diverged("layer" if len(bad) == 1 else "layers", bad)


def diverged(what: str, names: Sequence[str]) -> Refused:
    """The error for weights that are no numbers."""
    return Refused(
        f"weights are NaN or infinite in {what} {', '.join(names)}",
        hint="the training diverged: train again, with a smaller learning rate",
    )


def in_float32(model: Any) -> Any:
    """`model` if it computes in float32, else a copy that does (its weights rounded to that).

    Raises:
        Refused: it does not, and has custom layers that cannot be made again.
    """
    framework = keras()

    def computes(layer: Any) -> str:
        return str(getattr(layer, "compute_dtype", "float32"))

    lesser = {computes(layer) for _, layer in sublayers(model)} | {computes(model)}
    if not lesser & {"float16", "bfloat16", "float64"}:
        return model
    try:
        document = json.dumps(framework.saving.serialize_keras_object(model))
        document = re.sub(r'"(mixed_)?(b?float16|float64)"', '"float32"', document)
        copy = framework.saving.deserialize_keras_object(json.loads(document), safe_mode=False)
        copy.set_weights(model.get_weights())
    except Exception as error:
        raise Refused(
            f"the model computes in {', '.join(sorted(lesser - {'float32'}))} and could not be "
            f"made again in float32: {str(error).splitlines()[0] if str(error) else error!r}",
            hint="build it with keras.config.set_dtype_policy('float32') and load its weights",
        ) from error
    return copy
