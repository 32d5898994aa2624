"""SavedModel -> float32 .tflite, with the signature's batch set to 1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import keras_tracing
from .refusal import Refused

_DEFAULT = "serving_default"


def convert_directory(path: Path) -> tuple[bytes, dict[str, Any]]:
    """The .tflite of the SavedModel's serving signature, and facts (none: it keeps no layers).

    Raises:
        Refused: it is damaged, has no or several signatures, or inputs that are not fixed.
    """
    tf = keras_tracing.tensorflow()
    try:
        loaded = tf.saved_model.load(str(path))
    except (OSError, ValueError, tf.errors.OpError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise Refused(
            f"TensorFlow cannot read it: {lines[0]}", hint="copy or save the whole directory again"
        ) from error
    signature = _signature(loaded)
    inputs = signature.structured_input_signature[1]
    if not inputs:
        raise Refused("its signature has no inputs", hint="save it with a function that has some")
    names = list(inputs)
    specifications = [_with_batch_1(tf, name, inputs[name]) for name in names]

    @tf.function(autograph=False)  # type: ignore[untyped-decorator,unused-ignore]
    def serve(*tensors: Any) -> Any:
        results = signature(**dict(zip(names, tensors, strict=True)))
        return tuple(results[key] for key in sorted(results))

    _check_weights(signature)
    return keras_tracing.to_tflite(serve.get_concrete_function(*specifications), {}), {}


def _signature(loaded: Any) -> Any:
    signatures = {name: made for name, made in loaded.signatures.items() if name[:2] != "__"}
    if _DEFAULT in signatures:
        return signatures[_DEFAULT]
    if len(signatures) == 1:
        return next(iter(signatures.values()))
    if not signatures:
        raise Refused(
            "it has no signature to serve",
            hint="save it with model.export(directory), or tf.saved_model.save(..., signatures=f)",
        )
    raise Refused(
        f"it has {len(signatures)} signatures ({', '.join(sorted(signatures))}) and none is "
        f"{_DEFAULT!r}",
        hint=f"save it with the wanted one as {_DEFAULT!r}",
    )


def _with_batch_1(tf: Any, name: str, specification: Any) -> Any:
    if not isinstance(specification, tf.TensorSpec):
        kind = type(specification).__name__
        raise Refused(f"input {name!r} is a {kind}", hint="edgekit converts dense tensors")
    if specification.shape.rank is None:
        raise Refused(
            f"input {name!r} has a shape of unknown rank",
            hint="save it with an input_signature whose shapes have numbers",
        )
    shape = specification.shape.as_list()
    if not shape:
        raise Refused(f"input {name!r} is a single number", hint="make it a tensor with a batch")
    keras_tracing.refuse_dynamic(name, shape)
    keras_tracing.refuse_type(tf, name, specification.dtype)
    if shape[0] not in (None, 1):
        raise Refused(
            f"input {name!r} has the shape {shape}: its batch is fixed at {shape[0]}",
            hint="save it with an input_signature whose batch is None or 1",
        )
    return tf.TensorSpec((1, *shape[1:]), specification.dtype, name=name)


def _check_weights(signature: Any) -> None:
    """Raise Refused for weights that are NaN or infinite, naming each."""
    import numpy as np

    bad = [
        variable.name.partition(":")[0]
        for variable in signature.variables
        if variable.dtype.is_floating and not np.isfinite(variable.numpy()).all()
    ]
    if bad:
        raise keras_tracing.diverged("the variables", bad)
