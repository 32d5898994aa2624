"""Shoulder exercises on a wrist: distil -> convert -> firmware -> measured on people never seen.

    .venv/bin/python examples/gestures/demo.py

Trains a teacher, and students alone and distilled, by the recipe beside this file; converts the
best student to INT8; and lets the firmware classify the motion of three people whom nothing was
trained or chosen by, on this computer and on an emulated Cortex-M4.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from data import TEST_PEOPLE, load, test, training
from rich.console import Console
from rich.table import Table

import edgekit
from edgekit.cli.console import progress
from edgekit.progress import Progress
from edgekit.quiet import quiet
from edgekit.report import comparison, distillation
from edgekit.report.tables import plain
from edgekit.training import DistillationResult, distil, load_recipe

HERE = Path(__file__).resolve().parent
BOARDS = ("host", "qemu-cortex-m4")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--directory", type=Path, default=HERE.parents[1] / "build" / "gestures", metavar="DIR"
    )
    parser.add_argument("--segments", type=int, metavar="N", help="at most N on each board")
    asked = parser.parse_args()
    if asked.segments is not None and asked.segments < 1:
        parser.error(f"{asked.segments} segments were asked for; ask for at least 1")
    started = time.monotonic()
    folder: Path = asked.directory
    folder.mkdir(parents=True, exist_ok=True)
    console = Console(highlight=False, markup=False)

    with (
        os.fdopen(os.dup(sys.stderr.fileno()), "w") as terminal,
        progress(terminal) as report,
        quiet(folder / "training.log"),
    ):
        trained = train(folder, report)
    console.print(distillation.accuracy_table(trained))
    console.print(distillation.cost_table(trained))

    with progress() as report:
        gates = deploy(folder, asked.segments, report)
    people = ", ".join(map(str, TEST_PEOPLE))
    title = f"each step of the way, on people {people}"
    console.print(comparison.chain_table(gates[-1].chain, title=title))
    console.print(costs(gates))
    console.print(f"all of it took {time.monotonic() - started:.0f} s; the models are in {folder}")


def train(folder: Path, report: Progress) -> DistillationResult:
    """`edgekit distill examples/gestures/recipe.py`: teacher.keras, student.keras, alone.keras."""
    loaded = load_recipe(HERE / "recipe.py")
    return distil(
        loaded.recipe,
        folder,
        data=loaded.data,
        teacher=loaded.teacher,
        student=loaded.student,
        progress=report,
    )


def deploy(folder: Path, segments: int | None, report: Progress) -> list[edgekit.GateResult]:
    """`edgekit convert` with the training people's motion, then `edgekit gate` on each board."""
    model = folder / "gestures.tflite"
    edgekit.convert(
        folder / "student.keras",
        training(),
        output=model,
        evaluation=test(),
        progress=report,
    )
    return [
        edgekit.gate(
            model,
            test(),
            teacher=folder / "teacher.keras",
            student=folder / "student.keras",
            board=board,
            device_limit=segments,
            progress=report,
        )
        for board in BOARDS
    ]


def costs(gates: list[edgekit.GateResult]) -> Table:
    """One line for each board."""
    table = plain("board", ">accuracy", ">latency", ">arena", ">flash", ">wrong")
    for gate in gates:
        m = gate.measurement
        assert m is not None and m.accuracy is not None
        table.add_row(
            m.board,
            f"{m.accuracy.value:.2%} of {m.accuracy.samples:,}",
            f"{m.invoke.median:,.0f} {m.invoke.unit}",
            f"{m.memory.arena_bytes:,}",
            f"{m.memory.inference_flash_bytes:,}",
            f"{m.verify.mismatched_bytes}/{m.verify.compared_bytes:,}",
        )
    scale = load().scale
    table.caption = (
        "INT8, on people never seen; arena and flash in bytes; wrong: bytes that\n"
        f"differ from {m.verify.oracle}. Inputs are\n"
        f"acceleration divided by {scale[0]:.3f} and turning rate by {scale[3]:.3f}."
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
