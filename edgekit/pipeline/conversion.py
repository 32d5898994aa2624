"""A trained model -> INT8 -> what it cost, measured against TensorFlow Lite Micro."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from edgekit import codegen
from edgekit.conversion import dataset as datasets
from edgekit.conversion import litert, quantization, sources
from edgekit.conversion.dataset import Dataset, Preprocessing
from edgekit.conversion.quantization import (
    Budget,
    InterfaceType,
    Precision,
    QuantizationOptions,
    QuantizedModel,
)
from edgekit.errors import UnsupportedOperatorsError, UserError
from edgekit.frontends import tflite
from edgekit.measurement.comparison import Answers, Chain, compare_answers
from edgekit.pipeline import answers, compiling
from edgekit.progress import Progress, silent
from edgekit.reference import cache
from edgekit.report.conversion import Conversion

#: Samples that ranges are chosen by, unless more are asked for.
CALIBRATION_SAMPLES = 500


def convert(
    source: object,
    calibration: object,
    *,
    output: str | os.PathLike[str] | None = None,
    evaluation: object | None = None,
    precision: Precision | str = Precision.INT8,
    method: str | None = None,
    protect: Literal["auto"] | Sequence[str] = (),
    protect_as: Precision | str = Precision.INT16X8,
    budget: Budget | None = None,
    io: InterfaceType | None = None,
    preprocessing: Preprocessing | None = None,
    samples: int = CALIBRATION_SAMPLES,
    progress: Progress = silent,
) -> Conversion:
    """Convert a trained model to a .tflite of integers that TensorFlow Lite Micro runs.

    Args:
        source: a .keras, .h5, SavedModel, float .tflite, .onnx or .pt2 path; or a live keras.Model,
            (torch.nn.Module, example inputs), torch.export.ExportedProgram or onnx.ModelProto.
        calibration: data that the model meets in use: .npz, .npy, a folder of images or WAV
            files, FILE.py:FUNCTION, arrays, or a callable. Ranges are chosen by it.
        output: where to write the .tflite; None: nowhere.
        evaluation: data with labels to compare the models on; None: the calibration data.
        precision: "int8", or "16x8" for int16 activations and int8 weights.
        method: calibration method, one of `quantization.METHODS`; None: whichever measures best.
        protect: operators to keep in `protect_as`, by name; "auto": as few as `budget` needs.
        protect_as: "16x8" or "float".
        budget: what `protect="auto"` may lose.
        io: type of inputs and outputs; None: as `precision` computes.
        preprocessing: how images and integers become real numbers.
        samples: how many to calibrate with, evenly spaced.
        progress: told of what is being done.

    Raises:
        ModelError: the model cannot be read or has no integer form; every operator in the way is
            named, with the layer that made it.
        InputError: the data do not fit.
        ToolMissingError: an extra is not installed.
        ConversionError: a converter failed; it names the log.
    """
    model = sources.load(source, progress=progress)
    preprocessing = preprocessing or Preprocessing()
    graph = tflite.read(model.content, model.name)

    def load(data: object, limit: int | None = None) -> Dataset:
        return datasets.load(
            data,
            graph.inputs,
            preprocessing=preprocessing,
            limit=limit,
            classes=answers.class_count(graph),
            source_shapes=model.source_input_shapes,
            progress=progress,
        )

    # all are read only where all are judged
    everything = load(calibration, samples if evaluation is not None else None)
    some = everything.take(samples)
    datasets.check_for_calibration(some)
    judged = everything if evaluation is None else load(evaluation)
    options = QuantizationOptions(
        precision=_precision(precision),
        method=method,
        protect=protect if protect == "auto" else tuple(protect),
        protect_as=_precision(protect_as),
        budget=budget or Budget(),
        io=io,
        quantized_as=preprocessing.quantized_as,
    )
    quantized = quantization.quantize(model, some, options, progress=progress)
    chain, oracle = _compared(model.content, quantized, judged, progress)
    arena_bytes, bound_bytes, refusal = _arena(quantized)
    conversion = Conversion(
        content=quantized.content,
        name=model.name,
        origin=model.origin,
        quantized=quantized,
        calibration=some.name,
        calibration_samples=len(some),
        evaluation=judged.name,
        chain=chain,
        oracle=oracle,
        macs=sum(operator.macs for operator in quantized.operators),
        float_bytes=len(model.content),
        arena_bytes=arena_bytes,
        arena_lower_bound_bytes=bound_bytes,
        refusal=refusal,
        notes=tuple(dict.fromkeys((*some.notes, *judged.notes))),
        log=model.log,
    )
    if output is not None:
        conversion.save(output)
    return conversion


def _precision(wanted: Precision | str) -> Precision:
    try:
        return Precision(wanted)
    except ValueError:
        known = ", ".join(precision.value for precision in Precision)
        raise UserError(f"there is no precision {wanted!r}", hint=f"known: {known}") from None


def _compared(
    content: bytes, quantized: QuantizedModel, judged: Dataset, progress: Progress
) -> tuple[Chain, str]:
    """The float model's answers beside the integer model's, and who gave the latter."""
    stage = "running the float model"
    (real, *_) = litert.outputs(content, judged.inputs, stage=stage, progress=progress)
    graph = tflite.read(quantized.content, quantized.name)
    progress("asking the reference", 0, 0)
    integers = answers.integer_samples(graph, judged)
    expected, oracle = cache.outputs_for(quantized.content, integers.inputs)
    both = (
        Answers(name="float", outputs=real),
        Answers(name=_kind(quantized), outputs=answers.real_outputs(graph, expected)),
    )
    return compare_answers(both, judged.labels, classifies=answers.classifies(graph)), oracle


def _kind(quantized: QuantizedModel) -> str:
    """What the model is called: by its precision, or mixed."""
    precisions = {operator.precision for operator in quantized.operators}
    if len(precisions) > 1:
        return "mixed"
    return "INT8" if precisions <= {Precision.INT8} else "16x8"


def _arena(quantized: QuantizedModel) -> tuple[int | None, int | None, str | None]:
    """Bytes of the arena with engine aot and their lower bound, or why it cannot compile it."""
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        path = Path(folder) / f"{codegen.free_name(quantized.name)}.tflite"
        path.write_bytes(quantized.content)
        try:
            plan = compiling.compile(path).plan
        except UnsupportedOperatorsError as error:
            return None, None, "; ".join(map(str, error.operators))
        except UserError as error:
            return None, None, str(error)
    return plan.arena_bytes, plan.lower_bound_bytes, None
