"""Our instructions, arena and flash memory beside those of the peers, per model and CPU.

    python benchmarks/run.py [--markdown] [--board ID]... [MODEL.tflite]...

Without models: the MLPerf Tiny models in $EDGEKIT_MODELS or ../shared/models, else the example of
this repository. `peers.csv` holds the peers' figures: measured with the same emulators (QEMU 7.2),
gcc 12 and the flags stated in docs/benchmarks.md, on the same .tflite files.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

import edgekit
from edgekit import boards
from edgekit.boards import Board

HERE = Path(__file__).resolve().parent
BOARDS = (
    "qemu-cortex-m0plus",
    "qemu-cortex-m3",
    "qemu-cortex-m4",
    "qemu-cortex-m7",
    "qemu-cortex-m33",
    "qemu-cortex-m55",
    "qemu-riscv32",
    "qemu-xtensa",
)
#: Here the portable kernels are measured too: there are no peers' figures.
LINUX_BOARDS = ("qemu-arm1176", "qemu-cortex-a7", "qemu-cortex-a53", "qemu-cortex-a76")
HEADINGS = ("model", "board", "who", "instructions", "of reference", "per MAC", "arena", "flash")


@dataclass(frozen=True)
class Row:
    who: str
    instructions: int
    arena_bytes: int  # with inputs and outputs
    flash_bytes: int  # for inference, the model included


def default_models() -> list[Path]:
    folder = Path(os.environ.get("EDGEKIT_MODELS", HERE.parent.parent / "shared" / "models"))
    found = sorted(folder.glob("*01_int8.tflite"))
    return found or [HERE.parent / "examples" / "digits" / "digits_int8.tflite"]


def peers(model: str, board: str) -> list[Row]:
    with (HERE / "peers.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if (r["model"], r["board"]) == (model, board)]
    return [
        Row(
            r["peer"],
            int(r["instructions"]),
            int(r["arena_and_io_bytes"]),
            int(r["flash_bytes"]),
        )
        for r in rows
    ]


def measured(model: Path, board: Board, who: str) -> tuple[Row, int]:
    """One row of ours, and the model's MACs."""
    m = edgekit.run(model, board, inputs=1, runs=1, warmup=0)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    (results / f"{board.id}-{m.model.name}-{who}.json").write_text(edgekit.to_json(m))
    memory = m.memory
    row = Row(who, int(m.invoke.median), memory.arena_bytes or 0, memory.inference_flash_bytes or 0)
    return row, m.model.macs


def ours(model: Path, board_id: str) -> tuple[list[Row], int]:
    """Our rows, and the model's MACs."""
    board = boards.load(board_id)
    row, macs = measured(model, board, "edgekit")
    rows = [row]
    if board_id in LINUX_BOARDS:
        without_twins = board.model_copy(update={"isa": ()})
        rows.append(measured(model, without_twins, "edgekit-portable")[0])
    return rows, macs


def cells(model: str, board: str, row: Row, reference: int | None, macs: int) -> tuple[str, ...]:
    share = "–" if reference is None else f"{row.instructions / reference:.2f}"
    return (
        model,
        board.removeprefix("qemu-"),
        row.who,
        f"{row.instructions:,}",
        share,
        f"{row.instructions / macs:.2f}",
        f"{row.arena_bytes:,}",
        f"{row.flash_bytes:,}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", type=Path, metavar="MODEL")
    parser.add_argument(
        "--board", action="append", choices=(*BOARDS, *LINUX_BOARDS), help="default: all"
    )
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    arguments = parser.parse_args()
    lines: list[tuple[str, ...]] = []
    for model in arguments.models or default_models():
        for board in arguments.board or (*BOARDS, *LINUX_BOARDS):
            print(f"{model.stem} on {board} …", file=sys.stderr)
            try:
                mine, macs = ours(model, board)
            except edgekit.EdgekitError as error:
                lines.append(
                    (model.stem, board.removeprefix("qemu-"), str(error).splitlines()[0], *"–" * 5)
                )
                continue
            others = sorted(peers(model.stem, board), key=lambda row: row.instructions)
            reference = next((r.instructions for r in others if r.who == "tflm-ref"), None)
            lines += [cells(model.stem, board, r, reference, macs) for r in (*mine, *others)]
    if arguments.markdown:
        print("| " + " | ".join(HEADINGS) + " |\n|" + "---|" * len(HEADINGS))
        print("\n".join("| " + " | ".join(line) + " |" for line in lines))
        return
    table = Table(title="bytes and instructions of one invoke")
    for i, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="left" if i < 3 else "right")
    for line in lines:
        table.add_row(*line, style="bold" if line[2] == "edgekit" else None)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
