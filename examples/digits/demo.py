"""Real digits, classified on boards: this computer, and two that QEMU emulates.

    make demo

Builds the firmware of digits_int8.tflite for each board, starts it, proves over its serial port
that every output byte is TFLite Micro's, counts how many digits it gets right, and measures it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from images import Images, load
from rich import box
from rich.columns import Columns
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

import edgekit
from edgekit.errors import ToolMissingError

MODEL = Path(__file__).with_name("digits_int8.tflite")
#: How many test images each board classifies: an emulated serial port takes 784 bytes slowly.
BOARDS = {"host": 1000, "qemu-cortex-m4": 200, "qemu-riscv32": 200}
#: Test images to draw. The model mistakes one of them, and the board must say so too.
DRAWN = (2, 5, 8)

Report = Callable[[str, int, int], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, metavar="N", help="at most N images on each board")
    limit = parser.parse_args().images
    if limit is not None and limit < 1:
        parser.error(f"{limit} images were asked for; ask for at least 1")

    console = Console(highlight=False)
    _, test = load()
    measured, left_out = [], []
    for board, count in BOARDS.items():
        images = test.first(min(count, limit or count))
        try:
            with progress() as report:
                measurement, guesses = on_board(board, images, test, report)
        except ToolMissingError as error:
            if board == "host":
                raise
            left_out.append((board, error))
            continue
        if board == "host":
            console.print(drawing(test, guesses))
        console.print(f"[green]done[/]  {board}: {len(images)} images, no byte differs")
        measured.append(measurement)
    console.print(table(measured))
    for board, error in left_out:
        console.print(f"[yellow]left out[/]  {board}: {error}\n  hint: {error.hint}")


def on_board(
    board: str, images: Images, test: Images, report: Report
) -> tuple[edgekit.Measurement, list[int]]:
    """Build, start, verify, measure; and what the board takes the drawn digits for."""
    compiled = edgekit.compile(MODEL, board)
    firmware = edgekit.build(compiled, progress=report)
    samples = {"x": images.pixels / 255, "y": images.labels}
    with edgekit.connect(firmware) as device:
        measurement = edgekit.measure(
            device, compiled, samples, image=firmware.image, progress=report
        )
        return measurement, [classify(device, test.pixels[i]) for i in DRAWN]


def classify(device: edgekit.Device, pixels: np.ndarray) -> int:
    """The digit that the board sees. The model's int8 input is the pixel minus 128."""
    device.write_input(0, (pixels.astype(np.int16) - 128).astype(np.int8).tobytes())
    device.invoke()
    return int(np.frombuffer(device.read_output(0), np.int8).argmax())


def drawing(test: Images, guesses: Sequence[int]) -> Columns:
    """The drawn digits side by side, with what the board took them for."""
    panels = []
    for index, guess in zip(DRAWN, guesses, strict=True):
        label = int(test.labels[index])
        verdict = f"a {guess}" if guess == label else f"a {guess}? it is a {label}"
        style = "green" if guess == label else "red"
        panels.append(Panel(blocks(test.pixels[index]), title=verdict, style=style, width=24))
    return Columns(panels)


def blocks(pixels: np.ndarray) -> Text:
    """The middle 20 x 20 pixels, two of them in each character."""
    ink = pixels[4:24, 4:24] > 96
    rows = zip(ink[0::2], ink[1::2], strict=True)
    lines = ("".join(" ▄▀█"[2 * a + b] for a, b in zip(*row, strict=True)) for row in rows)
    return Text("\n".join(lines))


def table(measured: Sequence[edgekit.Measurement]) -> Table:
    """One line for each board."""
    model = measured[0].model
    result = Table(
        title=f"\n{model.name}: {model.macs:,} multiply-accumulates",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    result.add_column("board", no_wrap=True)
    for heading in ("accuracy", "latency", "arena\nbytes", "flash\nbytes", "wrong\nbytes"):
        result.add_column(heading, justify="right", vertical="bottom", no_wrap=True)
    for m in measured:
        assert m.accuracy is not None
        verify = m.verify
        result.add_row(
            m.board,
            f"{m.accuracy.value:.1%} of {m.accuracy.samples:,}",
            f"{m.invoke.median:,.0f} {m.invoke.unit}",
            f"{m.memory.arena_bytes:,}",
            f"{m.memory.inference_flash_bytes:,}",
            f"{verify.mismatched_bytes}/{verify.compared_bytes:,}",
        )
    result.caption = (
        "latency: median of one inference; arena: RAM of inputs, outputs, activations;\n"
        "flash: weights and code of the model; wrong bytes: outputs that differ from\n"
        f"{measured[0].verify.oracle}"
    )
    return result


@contextmanager
def progress() -> Iterator[Report]:
    """A bar that goes when it is done; none where there is no terminal."""
    console = Console(stderr=True)
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=None)
        yield lambda stage, done, total: bar.update(
            task, description=stage, completed=done, total=total or None
        )


if __name__ == "__main__":
    try:
        main()
    except edgekit.EdgekitError as error:
        sys.exit(f"error: {error}" + (f"\n hint: {error.hint}" if error.hint else ""))
    except KeyboardInterrupt:
        sys.exit("\ninterrupted")
