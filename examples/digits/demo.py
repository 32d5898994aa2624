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
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from drawing import drawn
from images import load
from rich.console import Console
from rich.table import Table

import edgekit
from benchmarks.float_baseline.__main__ import FloatCount, count_float
from edgekit.cli.console import progress
from edgekit.conversion import sources
from edgekit.measurement.budgets import Budgets
from edgekit.progress import Progress
from edgekit.quiet import quiet
from edgekit.report import comparison, conversion, distillation
from edgekit.report.tables import number, plain
from edgekit.training import DistillationResult, distil, load_recipe

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BOARD = "qemu-cortex-m4"
BUDGETS = Budgets(accuracy_drop=0.01, arena_bytes=16 << 10, flash_bytes=64 << 10)
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
    parser.add_argument("--seeds", default="0,1", help="students of each arm; 0,1 unless given")
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
    return distil(
        dataclasses.replace(recipe.recipe, seeds=seeds),
        folder,
        data=recipe.data,
        teacher=recipe.teacher,
        student=recipe.student,
        progress=report,
    )


def deploy(
    folder: Path, trained: DistillationResult, console: Console, report: Progress
) -> list[Row]:
    """`edgekit convert`, `edgekit gate` on both boards, and the float models' costs."""
    model, test = folder / "digits.tflite", folder / "test.npz"
    made = edgekit.convert(
        folder / "student.keras",
        folder / "calibration.npz",
        output=model,
        evaluation=test,
        progress=report,
    )
    for part in conversion.tables(made)[:2]:
        console.print(part)
    floats = {
        name: sources.load(folder / f"{name}.keras", progress=report)
        for name in ("teacher", "alone", "student")
    }
    for board, limit in (("host", None), (BOARD, ON_THE_BOARD)):
        gate = edgekit.gate(
            model,
            test,
            teacher=floats["teacher"].content,
            student=floats["student"].content,
            board=board,
            budgets=BUDGETS,
            device_limit=limit,
            progress=report,
        )
        title = f"each step of the way to {board}"
        console.print(comparison.chain_table(gate.chain, title=title))
        console.print(comparison.checks_table(gate.checks))
        if not gate.passed:
            sys.exit(f"error: {comparison.violations(gate.checks)}")
        if board == "host":
            assert gate.measurement is not None and gate.measurement.accuracy is not None
            accuracy = gate.measurement.accuracy.value
            console.print(drawn(model, board, load()[1]))
    assert gate.measurement is not None
    counts = {}
    for name, source in floats.items():
        report(f"counting {name} in float", 0, 0)
        (folder / f"{name}.tflite").write_bytes(source.content)
        counts[name] = count_float(folder / f"{name}.tflite", BOARD)
    kept = {seed.seed: seed for seed in trained.seeds}
    return [
        float_row("teacher, float", trained.teacher_test_accuracy, counts["teacher"]),
        float_row(
            "student alone, float",
            kept[trained.kept_alone_seed].alone.test_accuracy,
            counts["alone"],
        ),
        float_row(
            "student distilled, float",
            kept[trained.kept_seed].distilled.test_accuracy,
            counts["student"],
        ),
        Row(
            f"INT8 on {BOARD}",
            accuracy,
            made.quantized.weights_bytes,
            gate.measurement.model.macs,
            gate.measurement.invoke.median,
            gate.measurement.memory.arena_bytes,
        ),
    ]


def float_row(name: str, accuracy: float, count: FloatCount) -> Row:
    return Row(
        name, accuracy, count.weights_bytes, count.macs, count.instructions, count.arena_bytes
    )


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
