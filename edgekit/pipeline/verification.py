"""Prove a device's outputs, or say what is wrong with them as exactly as the engine allows."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit import measurement, ops
from edgekit.errors import DeviceError, UserError, VerificationError
from edgekit.ir import Array
from edgekit.link import Device, Status
from edgekit.measurement import Samples
from edgekit.pipeline.compiling import CompiledModel
from edgekit.progress import Progress
from edgekit.reference import cache

_LOG_LINES_SHOWN = 4


def verified(
    device: Device, compiled: CompiledModel, samples: Samples, progress: Progress
) -> tuple[measurement.Verification, tuple[tuple[Array, ...], ...]]:
    """The verification, and the device's outputs.

    Raises:
        UserError: the device runs another model.
        DeviceError: the model did not start.
        VerificationError: a byte differs; the message names the first operator that does.
    """
    _refuse_another_model(device, compiled)
    _refuse_unless_started(device, compiled)
    progress("asking the reference", 0, 0)
    expected, oracle = cache.outputs_for(compiled.content, samples.inputs)
    total = len(samples)
    stage = f"verifying on {compiled.board.id}"
    progress(stage, 0, total)
    agreement = measurement.compare(
        device, compiled.graph, samples, expected, lambda done: progress(stage, done, total)
    )
    if agreement.first_mismatch is not None:
        inputs = samples.inputs[agreement.first_mismatch]
        raise VerificationError(
            f"{agreement.mismatched_bytes:,} of {agreement.compared_bytes:,} output bytes differ "
            f"from {oracle}, first in input {agreement.first_mismatch}; "
            f"{_culprit(device, compiled, inputs)}",
            hint=_HINTS[compiled.sources.engine],
        )
    verification = measurement.Verification(
        inputs=total,
        compared_bytes=agreement.compared_bytes,
        mismatched_bytes=agreement.mismatched_bytes,
        oracle=oracle,
    )
    return verification, agreement.outputs


def used_arena_bytes(device: Device, compiled: CompiledModel) -> int:
    """How much of its arena the model takes on the device.

    Raises:
        UserError: the device runs another model.
        DeviceError: the model did not start.
    """
    _refuse_another_model(device, compiled)
    _refuse_unless_started(device, compiled)
    return device.memory().arena_bytes


_HINTS = {
    "aot": "this is a bug of edgekit: please report it with the model",
    "tflm": "the library's kernels compute other bytes than TensorFlow Lite Micro's reference: "
    "try another version of it, or engine aot",
}


def _refuse_another_model(device: Device, compiled: CompiledModel) -> None:
    hello, graph = device.hello, compiled.graph
    if hello.model_sha256 != graph.sha256:
        raise UserError(
            f"the board runs model {hello.model_name!r} ({hello.model_sha256[:12]}…), "
            f"not {graph.name!r} ({graph.sha256[:12]}…)",
            hint="give the .tflite that the firmware was built from, or flash this one",
        )


def _refuse_unless_started(device: Device, compiled: CompiledModel) -> None:
    status = device.hello.model_status
    if status == Status.OK:
        return
    known = next((one.name for one in Status if one == status), f"{status:#04x}")
    said = [line for line in device.log().splitlines() if line.strip()][-_LOG_LINES_SHOWN:]
    if status == Status.ARENA and compiled.sources.engine == "tflm":
        hint = "give it a larger arena: --arena BYTES, or leave the option out"
    else:
        hint = "rebuild and flash the firmware with this edgekit"
    raise DeviceError(
        f"the model did not start on {compiled.board.id}: status {known}"
        + "".join(f"\n  {line}" for line in said),
        status=status,
        hint=hint,
    )


def _culprit(device: Device, compiled: CompiledModel, inputs: Sequence[Array]) -> str:
    """What can be said of where the first wrong byte came from."""
    steps = compiled.sources.steps
    known = all(ops.refusal(operator) is None for operator in compiled.graph.operators)
    if not known or not any(step.shows_output for step in steps):
        return "the engine does not show what single operators computed"
    culprit = measurement.first_difference(device, compiled.graph, steps, inputs)
    if culprit is not None:
        return f"the first to differ is {culprit}"
    if all(step.shows_output for step in steps):
        return "every operator computes what edgekit's NumPy reference does"
    return "it lies in none of the operators whose outputs the engine shows"
