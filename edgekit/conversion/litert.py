"""Runs a .tflite in LiteRT, the interpreter for which float models are exact and fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.errors import ConversionError, ToolMissingError
from edgekit.ir import Array
from edgekit.progress import Progress, silent

_STEP = 64  # samples between two words of progress


def interpreter(content: bytes, *, keep_all: bool = False, optimised: bool = True) -> Any:
    """An `ai_edge_litert` Interpreter of one thread, its tensors allocated.

    Args:
        content: a .tflite.
        keep_all: let every tensor be read after an invoke, not only the outputs.
        optimised: kernels for this CPU instead of the reference ones; never a delegate, which
            would compute integers differently.

    Raises:
        ToolMissingError: the extra `convert` is not installed.
        ConversionError: LiteRT cannot run the model.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError as error:
        raise ToolMissingError(
            "LiteRT, which runs float models, is not installed",
            hint="pip install 'edgekit[convert]'",
        ) from error
    resolver = (
        OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        if optimised
        else OpResolverType.BUILTIN_REF
    )
    try:
        made = Interpreter(
            model_content=content,
            num_threads=1,
            experimental_op_resolver_type=resolver,
            experimental_preserve_all_tensors=keep_all,
        )
        made.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise _refused(error) from error
    return made


def invoke(running: Any) -> None:
    """Run the model of an `interpreter` once.

    Raises:
        ConversionError: LiteRT cannot run it.
    """
    try:
        running.invoke()
    except (RuntimeError, ValueError) as error:
        raise _refused(error) from error


def _refused(error: Exception) -> ConversionError:
    return ConversionError(f"LiteRT cannot run the model: {' '.join(str(error).split())}")


def outputs(
    content: bytes,
    inputs: Sequence[Array],
    *,
    stage: str = "running the model in LiteRT",
    progress: Progress = silent,
) -> tuple[Array, ...]:
    """The model's outputs as real numbers.

    Args:
        content: a .tflite with batch 1.
        inputs: one float32 array [N, ...] for each input; integer inputs of the model are
            quantised from it.
        stage: what progress is told.

    Returns:
        One float32 array [N, ...] for each output.

    Raises:
        ToolMissingError: the extra `convert` is not installed.
        ConversionError: LiteRT cannot run the model.
    """
    running = interpreter(content)
    sources, sinks = running.get_input_details(), running.get_output_details()
    count = len(inputs[0])
    results: list[list[Array]] = [[] for _ in sinks]
    for i in range(count):
        if i % _STEP == 0:
            progress(stage, i, count)
        for detail, values in zip(sources, inputs, strict=True):
            running.set_tensor(detail["index"], _encoded(values[i : i + 1], detail))
        invoke(running)
        for column, detail in zip(results, sinks, strict=True):
            column.append(_decoded(running.get_tensor(detail["index"]), detail))
    return tuple(np.stack(column) if column else np.empty(0, np.float32) for column in results)


def _encoded(values: Array, detail: dict[str, Any]) -> Array:
    """Real numbers as the tensor holds them, in its shape."""
    values = values.reshape(detail["shape"])
    if np.issubdtype(detail["dtype"], np.floating):
        return values.astype(detail["dtype"])
    scale, zero_point = detail["quantization"]
    limits = np.iinfo(detail["dtype"])
    rounded = np.round(values / np.float32(scale)) + zero_point
    encoded: Array = np.clip(rounded, limits.min, limits.max).astype(detail["dtype"])
    return encoded


def _decoded(values: Array, detail: dict[str, Any]) -> Array:
    """What the tensor holds as real numbers, without the batch of 1."""
    values = values[0] if values.ndim and values.shape[0] == 1 else values
    if np.issubdtype(detail["dtype"], np.floating):
        return np.asarray(values, np.float32)
    scale, zero_point = detail["quantization"]
    return np.asarray((values.astype(np.float32) - zero_point) * np.float32(scale))
