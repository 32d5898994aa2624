"""Keras models and SavedModels -> FloatModel."""

from __future__ import annotations

import contextlib
import dataclasses
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgekit.conversion import worker
from edgekit.conversion.sources import tensor_names
from edgekit.conversion.sources.float_model import FloatModel
from edgekit.conversion.sources.formats import Format
from edgekit.conversion.workers import keras_tracing
from edgekit.conversion.workers.refusal import Missing, Refused
from edgekit.errors import ConversionError, ModelError, ToolMissingError
from edgekit.progress import Progress
from edgekit.quiet import quiet

_FORMS = {
    Format.KERAS: "archive",
    Format.KERAS_HDF5: "hdf5",
    Format.SAVED_MODEL: "saved_model",
}


def load(path: Path, form: Format, *, progress: Progress) -> FloatModel:
    """Convert a .keras or HDF5 file or a SavedModel directory in a process of its own.

    Raises:
        ModelError: the model cannot be converted, and why.
        ToolMissingError: TensorFlow is not installed.
        ConversionError: TensorFlow failed; it names the log.
    """
    path = path.resolve()
    stage = f"converting {path.name}"
    with worker.scratch() as directory:
        output = directory / "model.tflite"
        arguments = [_FORMS[form], str(path), str(output)]
        with _named(path.name):
            facts = worker.run_worker("from_keras", arguments, progress=progress, stage=stage)
        content = output.read_bytes()
    return _model(content, facts, path.stem, f"{form.value} {path.name}")


def load_live(model: Any, *, progress: Progress) -> FloatModel:
    """Convert a keras.Model in this process, which alone has its author's own layers.

    What TensorFlow says goes to a log meanwhile, also what other threads print.

    Raises:
        ModelError: the model cannot be converted, and why.
        ConversionError: TensorFlow failed; it names the log.
    """
    import keras

    origin = f"Keras model {model.name}"
    if keras.backend.backend() != "tensorflow":
        return _through_a_file(model, origin, progress)
    stage = f"converting {model.name}"
    progress(stage, 0, 0)
    log = worker.new_log("from_keras")
    try:
        with _named(origin), _said_to(log):
            content, facts = keras_tracing.convert_model(keras_tracing.in_float32(model))
    except ModelError:
        raise
    except Missing as error:
        raise ToolMissingError(str(error), hint=error.hint) from error
    except Exception as error:
        lines = str(error).strip().splitlines() or ["no message"]
        with contextlib.suppress(OSError), log.open("a", encoding="utf-8") as file:
            traceback.print_exc(file=file)
        raise ConversionError(
            f"{stage} failed: {type(error).__name__}: {lines[0].strip()}; its log is {log}"
        ) from error
    return _model(content, {**facts, "log": str(log)}, model.name, origin)


def _through_a_file(model: Any, origin: str, progress: Progress) -> FloatModel:
    """For models that live in another backend than TensorFlow: the worker has that one."""
    with worker.scratch() as directory:
        path = directory / f"{model.name.replace('/', '_')}.keras"
        with _said_to(worker.new_log("from_keras")):
            model.save(path)
        converted = load(path, Format.KERAS, progress=progress)
    return dataclasses.replace(converted, name=model.name, origin=origin)


def _model(content: bytes, facts: dict[str, Any], name: str, origin: str) -> FloatModel:
    content, layers = tensor_names.restored(
        content, facts.get("tokens", {}), facts.get("outputs", [])
    )
    return FloatModel(
        content=content, name=name, origin=origin, layers=layers, log=Path(facts["log"])
    )


@contextlib.contextmanager
def _named(label: str) -> Iterator[None]:
    """Say whose fault it is before what it is."""
    try:
        yield
    except ModelError as error:
        error.args = (f"{label}: {error}",)
        raise
    except Refused as refused:
        raise ModelError(f"{label}: {refused}", hint=refused.hint) from refused


@contextlib.contextmanager
def _said_to(log: Path) -> Iterator[None]:
    """Send to `log` what TensorFlow prints meanwhile; what it warns of is not for the user."""
    with quiet(log), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
