"""Keras model files -> a live model: .keras archives, and HDF5 files of Keras 2 and 3."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import keras_legacy, keras_tracing
from .refusal import Refused

_DAMAGED = "fetch or save the model again"
_KERAS_MODULES = ("keras", "builtins", "numpy", "")


def load_archive(path: Path) -> Any:
    """The model in a .keras archive; its optimiser, loss and metrics stay there.

    Raises:
        Refused: it is damaged, was written by Keras 2, or has layers that only its author has.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
            names = archive.namelist()
            texts = {
                name: archive.read(name).decode()
                for name in ("config.json", "metadata.json")
                if name in names and name != broken
            }
    except (zipfile.BadZipFile, EOFError, UnicodeDecodeError, ValueError) as error:
        raise Refused("it is a damaged zip archive", hint=_DAMAGED) from error
    if broken is not None:
        raise Refused(f"it is damaged: {broken} in it fails its checksum", hint=_DAMAGED)
    if not {"model.weights.h5", "model.weights.json"} & set(names):
        raise Refused(
            "it has no weights (no model.weights.h5 in it)", hint="save the whole model: model.save"
        )
    config = _json(texts["config.json"], "config.json")
    metadata = _json(texts.get("metadata.json", "{}"), "metadata.json")
    version = str(metadata.get("keras_version", "3"))
    if version.startswith("2."):
        raise Refused(
            f"it was written by Keras {version}, whose .keras files Keras 3 cannot read",
            hint="load it with that Keras and save it as HDF5: model.save('model.h5')",
        )
    _refuse_custom(_layers(config))
    return _load(path)


def load_hdf5(path: Path) -> Any:
    """The model in an .h5 file.

    Raises:
        Refused: it is damaged, holds only weights, or has layers that only its author has.
    """
    keras_tracing.tensorflow()
    import h5py  # comes with it

    try:
        with h5py.File(path, "r") as file:
            text = file.attrs.get("model_config")
            has_weights = "model_weights" in file
            only_weights = "layer_names" in file.attrs or "layers" in file
    except OSError as error:
        raise Refused("it is a damaged HDF5 file", hint=_DAMAGED) from error
    if text is None:
        what = "only weights, not the layers that they belong to" if only_weights else "no model"
        raise Refused(f"it holds {what}", hint="save the whole model: model.save('model.h5')")
    if not has_weights:
        raise Refused("it has no weights", hint="save the whole model: model.save('model.h5')")
    config = _json(text.decode() if isinstance(text, bytes) else str(text), "model_config")
    _refuse_custom(_layers(config))
    return keras_legacy.load(path, config)


def _load(path: Path) -> Any:
    keras = keras_tracing.keras()
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, KeyError, OSError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise Refused(
            f"Keras {keras.version()} cannot read it: {lines[0]}",
            hint="give edgekit.convert() the live model instead of the file",
        ) from error


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Refused(f"it is damaged: its {where} is no JSON", hint=_DAMAGED) from error


def _layers(config: Any) -> Iterator[dict[str, Any]]:
    """Every serialised layer or function in a model's configuration, not in how it was trained."""
    if isinstance(config, list):
        for part in config:
            yield from _layers(part)
    elif isinstance(config, dict):
        if isinstance(config.get("class_name"), str) and "config" in config:
            yield config
        for key, part in config.items():
            if key not in ("compile_config", "build_config"):
                yield from _layers(part)


def _refuse_custom(found: Iterator[dict[str, Any]]) -> None:
    """Raise Refused that lists all that only the model's author can make again."""
    odd = dict.fromkeys(
        _described(part)
        for part in found
        if part["class_name"] in ("Lambda", "__lambda__") or _is_custom(part)
    )
    odd.pop("", None)
    if odd:
        raise Refused(
            f"only the code that made it has {', '.join(odd)}",
            hint="give edgekit.convert() the live model instead of the file, or use Keras's "
            "own layers",
        )


def _described(part: dict[str, Any]) -> str:
    kind, inner = part["class_name"], part["config"]
    if kind == "function":
        return f"the function {str(inner).rpartition('>')[2]}"
    name = inner.get("name") if isinstance(inner, dict) else None
    if kind == "__lambda__":
        return ""  # inside a Lambda layer, or an activation that is named by its layer
    return f"layer {name!r} ({kind})" if name else str(kind)


def _is_custom(part: dict[str, Any]) -> bool:
    kind = part["class_name"]
    if kind.startswith("__") or kind in keras_legacy.TENSOR_FUNCTIONS:
        return False
    if "module" in part:
        module, registered = part.get("module") or "", part.get("registered_name") or ""
        if kind == "function":
            return module == "builtins" and not _is_keras_function(part["config"])
        ours = module.split(".")[0] in _KERAS_MODULES
        return not ours or ">" in registered or (not module and bool(registered))
    inner = part["config"]
    return isinstance(inner, dict) and "name" in inner and not _is_keras_layer(kind)


def _is_keras_layer(kind: str) -> bool:
    keras = keras_tracing.keras()
    return hasattr(keras.layers, kind) or kind in ("Functional", "Model", "Sequential")


def _is_keras_function(name: Any) -> bool:
    keras = keras_tracing.keras()
    return isinstance(name, str) and (hasattr(keras.activations, name) or hasattr(keras.ops, name))
