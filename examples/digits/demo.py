"""Real digits: distil -> convert -> gate -> firmware -> measured, from nothing.

    make demo

Trains a teacher, and a student of a twentieth of its work, by the recipe beside this file; converts
the student to INT8; compares every step of the way on the same 1,000 images; and runs the firmware
on this computer and on an emulated Cortex-M4, where every output byte is proven.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from drawing import drawn
from images import load
from rich.console import Console
from rich.table import Table

import edgekit
from benchmarks.float_baseline.__main__ import count_float
from edgekit.cli.console import progress
from edgekit.conversion import sources
from edgekit.conversion.sources import FloatModel
from edgekit.measurement.budgets import Budgets
from edgekit.progress import Progress
from edgekit.quiet import quiet
from edgekit.report import comparison, conversion, distillation
from edgekit.report.tables import number, plain
from edgekit.training import (
    DistillationResult,
    HardLabels,
    PruningOptions,
    RecipeFile,
    SoftLabels,
    distil,
    load_recipe,
    prune,
    quantization_aware_fine_tune,
)

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BOARD = "qemu-cortex-m4"
#: What each may lose and cost, against the teacher; the smaller variant may lose more.
BUDGETS = {
    "student": Budgets(accuracy_drop=0.01, arena_bytes=16 << 10, flash_bytes=32 << 10),
    "pruned": Budgets(accuracy_drop=0.025, arena_bytes=8 << 10, flash_bytes=32 << 10),
}
#: The smaller variant: the share of the student's work that stays, and how long it learns on.
KEEP_MACS, ROUNDED_EPOCHS = 0.75, 18
#: Images that the emulated board classifies; this computer classifies all.
ON_THE_BOARD = 200


@dataclass(frozen=True)
class Row:
    """One line of the last table."""

    name: str
    accuracy: float
    weights_bytes: int
    macs: int
    instructions: float | None
    arena_bytes: int | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--seeds", default="0,1", help="of the students of each arm; 0 is the fastest"
    )
    parser.add_argument("--directory", type=Path, default=ROOT / "build" / "digits")
    asked = parser.parse_args()
    started = time.monotonic()
    console = Console(highlight=False, markup=False)
    folder: Path = asked.directory
    folder.mkdir(parents=True, exist_ok=True)
    with (
        os.fdopen(os.dup(sys.stderr.fileno()), "w") as terminal,
        progress(terminal) as report,
        quiet(folder / "training.log"),
    ):
        trained = train(folder, tuple(map(int, asked.seeds.split(","))), report)
    console.print(distillation.accuracy_table(trained))
    console.print(distillation.cost_table(trained))
    with progress() as report:
        rows = deploy(folder, trained, console, report)
    console.print(summary(rows))
    console.print(f"all of it took {time.monotonic() - started:.0f} s; the models are in {folder}")


def train(folder: Path, seeds: tuple[int, ...], report: Progress) -> DistillationResult:
    """Teacher, students alone and distilled: `edgekit distill examples/digits/recipe.py`."""
    recipe = load_recipe(HERE / "recipe.py")
    samples = recipe.data()
    np.savez(folder / "calibration.npz", x=samples.train[0][:1000], y=samples.train[1][:1000])
    np.savez(folder / "test.npz", x=samples.test[0], y=samples.test[1])
    result = distil(
        dataclasses.replace(recipe.recipe, seeds=seeds),
        folder,
        data=recipe.data,
        teacher=recipe.teacher,
        student=recipe.student,
        progress=report,
    )
    shrink(folder, recipe, report)
    return result


def shrink(folder: Path, recipe: RecipeFile, report: Progress) -> None:
    """Take channels out of the student, and train what is left with INT8's rounding."""
    import keras

    student, teacher = (
        keras.saving.load_model(folder / f"{name}.keras") for name in ("student", "teacher")
    )
    options = PruningOptions(keep_macs=KEEP_MACS, round_to=4)
    smaller = prune(student, options, progress=report).model
    rounded = quantization_aware_fine_tune(
        smaller,
        recipe.data(),
        ROUNDED_EPOCHS,
        learning_rate=4e-3,
        losses=(SoftLabels(temperature=4, alpha=0.7), HardLabels()),
        teacher=teacher,
        augmentation=recipe.recipe.augmentation,
        checkpoint=folder / "checkpoints" / "pruned.npz",
        progress=report,
    )
    rounded.model.save(folder / "pruned.keras")


def deploy(
    folder: Path, trained: DistillationResult, console: Console, report: Progress
) -> list[Row]:
    """`edgekit convert` and `edgekit gate` on both boards, for the student and the smaller one."""
    floats = {
        name: sources.load(folder / f"{name}.keras", progress=report)
        for name in ("teacher", "alone", "student", "pruned")
    }
    kept = {seed.seed: seed for seed in trained.seeds}
    accuracies = {
        "teacher": trained.teacher_test_accuracy,
        "alone": kept[trained.kept_alone_seed].alone.test_accuracy,
        "student": kept[trained.kept_seed].distilled.test_accuracy,
    }
    rows = []
    for name, title in (
        ("teacher", "teacher, float"),
        ("alone", "student alone, float"),
        ("student", "student distilled, float"),
    ):
        report(f"counting {name} in float", 0, 0)
        path = folder / f"{name}_float.tflite"
        path.write_bytes(floats[name].content)
        count = count_float(path, BOARD)
        rows.append(
            Row(
                title,
                accuracies[name],
                count.weights_bytes,
                count.macs,
                count.instructions,
                count.arena_bytes,
            )
        )
    for name, title in (("student", "INT8 on the device"), ("pruned", "  and pruned, rounded")):
        made = edgekit.convert(
            folder / f"{name}.keras",
            folder / "calibration.npz",
            output=folder / f"{name}.tflite",
            evaluation=folder / "test.npz",
            progress=report,
        )
        for part in conversion.tables(made)[:2]:
            console.print(part)
        measured = [
            gated(name, board, limit, floats, folder, console, report)
            for board, limit in (("host", None), (BOARD, ON_THE_BOARD))
        ]
        assert measured[0].accuracy is not None
        rows.append(
            Row(
                title,
                measured[0].accuracy.value,
                made.quantized.weights_bytes,
                measured[1].model.macs,
                measured[1].invoke.median,
                measured[1].memory.arena_bytes,
            )
        )
    console.print(drawn(folder / "student.tflite", "host", load()[1]))
    return rows


def gated(
    name: str,
    board: str,
    limit: int | None,
    floats: Mapping[str, FloatModel],
    folder: Path,
    console: Console,
    report: Progress,
) -> edgekit.Measurement:
    """Teacher, student, INT8 and device on the test images; ends if a budget is exceeded."""
    gate = edgekit.gate(
        folder / f"{name}.tflite",
        folder / "test.npz",
        teacher=floats["teacher"].content,
        student=floats[name].content,
        board=board,
        budgets=BUDGETS[name],
        device_limit=limit,
        progress=report,
    )
    console.print(comparison.chain_table(gate.chain, title=f"{name}, each step to {board}"))
    console.print(comparison.checks_table(gate.checks))
    if not gate.passed:
        sys.exit(f"error: {comparison.violations(gate.checks)}")
    assert gate.measurement is not None
    return gate.measurement


def summary(rows: list[Row]) -> Table:
    """Every model: what it gets right, and what it costs."""
    table = plain("", ">accuracy", ">bytes", ">MACs", ">instructions", ">arena")
    for row in rows:
        table.add_row(
            row.name,
            f"{100 * row.accuracy:.2f} %",
            number(row.weights_bytes),
            number(row.macs),
            number(row.instructions),
            number(row.arena_bytes),
        )
    table.caption = (
        "accuracy: of 1,000 test images; bytes: of weights; instructions: of one\n"
        "inference on the emulated Cortex-M4, in float by straightforward kernels"
    )
    table.caption_justify = "left"
    return table


if __name__ == "__main__":
    try:
        main()
    except edgekit.EdgekitError as error:
        sys.exit(f"error: {error}" + (f"\n hint: {error.hint}" if error.hint else ""))
    except KeyboardInterrupt:
        sys.exit("\ninterrupted: the same command goes on where it was")
