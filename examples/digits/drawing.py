"""Some test images as text, with what a board takes them for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from images import Images
from rich.columns import Columns
from rich.panel import Panel
from rich.text import Text

import edgekit
from edgekit.ops.quantize import quantized

#: Test images to draw; the last but one is written carelessly.
DRAWN = (2, 5, 8)


def drawn(model: Path, board: str, test: Images) -> Columns:
    """The drawn digits side by side, each with the board's answer."""
    compiled = edgekit.compile(model, board)
    firmware = edgekit.build(compiled)
    with edgekit.connect(firmware) as device:
        guesses = [_classify(device, compiled, test.pixels[i]) for i in DRAWN]
    panels = []
    for index, guess in zip(DRAWN, guesses, strict=True):
        label = int(test.labels[index])
        verdict = f"a {guess}" if guess == label else f"a {guess}? it is a {label}"
        style = "green" if guess == label else "red"
        panels.append(Panel(_blocks(test.pixels[index]), title=verdict, style=style, width=24))
    return Columns(panels)


def _classify(device: edgekit.Device, compiled: edgekit.CompiledModel, pixels: np.ndarray) -> int:
    image = (pixels / 255).astype(np.float32)
    device.write_input(0, quantized(image, compiled.graph.inputs[0]).tobytes())
    device.invoke()
    return int(np.frombuffer(device.read_output(0), np.int8).argmax())


def _blocks(pixels: np.ndarray) -> Text:
    """The middle 20 x 20 pixels, two of them in each character."""
    ink = pixels[4:24, 4:24] > 96
    rows = zip(ink[0::2], ink[1::2], strict=True)
    lines = ("".join(" ▄▀█"[2 * a + b] for a, b in zip(*row, strict=True)) for row in rows)
    return Text("\n".join(lines))
