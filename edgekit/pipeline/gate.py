"""Teacher -> student -> INT8 -> device: what each step cost, and whether it may be deployed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edgekit.boards import Board
from edgekit.conversion import dataset as datasets
from edgekit.conversion import litert, sources
from edgekit.conversion.dataset import Dataset, Preprocessing
from edgekit.frontends import tflite
from edgekit.measurement import Measurement, Samples
from edgekit.measurement.budgets import Budgets, Check, check_budgets
from edgekit.measurement.comparison import Answers, Chain, compare_answers
from edgekit.pipeline import running
from edgekit.pipeline.answers import class_count, classifies, integer_samples, real_outputs
from edgekit.progress import Progress, silent
from edgekit.reference import cache


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """The way from the first model to the device, and every limit."""

    chain: Chain
    checks: tuple[Check, ...]
    measurement: Measurement | None  # None without a board
    oracle: str  # what answered as "INT8"

    @property
    def passed(self) -> bool:
        """True if no limit was passed."""
        return all(check.kept for check in self.checks)


def gate(
    model: str | os.PathLike[str],
    data: object,
    *,
    teacher: object | None = None,
    student: object | None = None,
    board: str | Board | None = None,
    budgets: Budgets | None = None,
    preprocessing: Preprocessing | None = None,
    limit: int | None = None,
    device_limit: int | None = None,
    progress: Progress = silent,
) -> GateResult:
    """Run the same samples through each model and the device, and compare step by step.

    Args:
        model: the integer .tflite that is to be deployed.
        data: samples with labels, as `convert` takes them for calibration.
        teacher: the float model that accuracy is lost from: whatever `convert` takes.
        student: the float model that `model` was converted from.
        board: where to run it; None leaves the device out.
        budgets: limits to check.
        limit: use that many samples, evenly spaced.
        device_limit: let the device answer only the first of them.

    Raises:
        UserError: a model or the data cannot be used, or a limit is set for what is not known.
        VerificationError: the device's bytes differ from the reference.
    """
    path = Path(model)
    graph = tflite.read(path)
    tflite.refuse_float(graph)
    floats = [
        (name, sources.load(source, progress=progress))
        for name, source in (("teacher", teacher), ("student", student))
        if source is not None
    ]
    samples = datasets.load(
        data,
        graph.inputs,
        preprocessing=preprocessing or Preprocessing(),
        limit=limit,
        classes=class_count(graph),
        source_shapes=floats[0][1].source_input_shapes if floats else None,
        progress=progress,
    )
    answers = [_float_answers(name, f.content, samples, progress) for name, f in floats]
    integers = integer_samples(graph, samples)
    progress("asking the reference", 0, 0)
    expected, oracle = cache.outputs_for(path.read_bytes(), integers.inputs)
    real = real_outputs(graph, expected)
    answers.append(Answers(name="INT8", outputs=real))
    measurement = None
    if board is not None:
        some = Samples(
            integers.inputs[:device_limit],
            None if samples.labels is None else samples.labels[:device_limit],
        )
        measurement = running.run(path, board, some, progress=progress)
        # the run proved that the device's bytes are those of the reference
        answers.append(Answers(name="device", outputs=real[: len(some)]))
    chain = compare_answers(answers, samples.labels, classifies=classifies(graph))
    checks = check_budgets(budgets or Budgets(), chain, measurement)
    return GateResult(chain=chain, checks=checks, measurement=measurement, oracle=oracle)


def _float_answers(name: str, content: bytes, samples: Dataset, progress: Progress) -> Answers:
    stage = f"running the {name} in LiteRT"
    results = litert.outputs(content, samples.inputs, stage=stage, progress=progress)
    return Answers(name=name, outputs=results[0])
