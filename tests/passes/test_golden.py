"""What each pass makes of a small graph, as text: see tests/passes/golden."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support import models
from support.sketch import ZERO_POINT, Sketch

from edgekit import passes
from edgekit.ir import DType, Graph, Tensor, to_text
from edgekit.ops.concatenation import ConcatenationAttributes
from edgekit.ops.fixed_point import Activation
from edgekit.ops.fully_connected import FullyConnectedAttributes
from edgekit.ops.pack import PackAttributes
from edgekit.ops.reshape import ReshapeAttributes
from edgekit.ops.shape import ShapeAttributes
from edgekit.ops.squeeze import SqueezeAttributes
from edgekit.ops.strided_slice import StridedSliceAttributes
from edgekit.ops.windows import Padding

GOLDEN = Path(__file__).parent / "golden"
UPDATE = "EDGEKIT_UPDATE_GOLDEN"

SAME, VALID = Padding.SAME, Padding.VALID


def computed_shape(s: Sketch, source: Tensor) -> Tensor:
    """What Keras makes of a Flatten layer: [batch, -1] with the batch taken from SHAPE."""
    sizes = s.add("shape", [source], ShapeAttributes(2), dtype=DType.INT32)
    bounds = [s.integers(0), s.integers(1), s.integers(1)]
    first = StridedSliceAttributes(shrink_axis_mask=1)
    batch = s.add("strided_slice", [sizes, *bounds], first)
    rest = models.constant(-1, DType.INT32)
    return s.add("pack", [batch, rest], PackAttributes(2, 0))


def drop_shape_inputs() -> Graph:
    s = Sketch()
    source = s.input(1, 2, 2, 3)
    inputs = [source, computed_shape(s, source)]
    return s.graph(s.add("reshape", inputs, ReshapeAttributes(), shape=(1, 12)))


def fold_constants() -> Graph:
    s = Sketch()
    source = s.input(1, 4)
    weights = models.constant(np.arange(12).reshape(4, 3), scale=0.5)
    turned = s.add("transpose", [weights, s.integers(1, 0)], scale=0.5, zero_point=0)
    dense = s.add("fully_connected", [source, turned], FullyConnectedAttributes())
    return s.graph(dense, computed_shape(s, source))


def remove_dead() -> Graph:
    s = Sketch()
    source = s.input(1, 4)
    used = s.dense(source)
    unused = s.dense(used)
    s.dense(unused)
    return s.graph(s.dense(used, 2))


def remove_noops() -> Graph:
    s = Sketch()
    source = s.input(1, 4, 4, 2)
    flat = s.add("squeeze", [source], SqueezeAttributes(), zero_point=0)
    flat = s.add("reshape", [flat], ReshapeAttributes(), shape=(1, 32))
    again = s.add("reshape", [flat], ReshapeAttributes(), shape=(1, 32))
    again = s.add("concatenation", [again], ConcatenationAttributes(1))
    again = s.add("quantize", [again])
    dense = s.dense(again)
    turned = s.add("transpose", [source, s.integers(1, 2, 3, 0)])
    bounds = [s.integers(0, 0, 0, 0), s.integers(4, 4, 2, 1), s.integers(1, 1, 1, 1)]
    whole = s.add("strided_slice", [turned, *bounds], StridedSliceAttributes(end_mask=1))
    unpadded = s.pad(dense, [(0, 0), (0, 0)])
    same = s.add("reshape", [source], ReshapeAttributes(), shape=(1, 4, 4, 2))
    rescaled = s.add("reshape", [dense], ReshapeAttributes(), shape=(1, 3), scale=0.5)
    return s.graph(whole, unpadded, same, rescaled)


def sink_pad() -> Graph:
    """A causal 1-D convolution; then paddings that must stay where they are."""
    s = Sketch()
    source = s.input(1, 6, 2)
    causal = [(0, 0), (2, 0), (0, 0)]
    padded = s.pad(source, causal)
    rows = s.conv(s.add("reshape", [padded], ReshapeAttributes(), shape=(1, 8, 1, 2)), size=(3, 1))
    joined = s.add("reshape", [s.pad(source, causal)], ReshapeAttributes(), shape=(1, 16))
    twice = s.pad(source, causal)
    again = [s.add("reshape", [twice], ReshapeAttributes(), shape=(8, 1, 2)) for _ in range(2)]
    return s.graph(rows, joined, *again)


def fuse_pad() -> Graph:
    s = Sketch()
    source = s.input(1, 6, 5, 2)
    image = [(0, 0), (1, 2), (0, 3), (0, 0)]
    valid = s.conv(s.pad(source, image), stride=2)
    same = s.depthwise(s.pad(valid, image, ZERO_POINT), padding=SAME)
    other_value = s.conv(s.pad(same, image, ZERO_POINT + 1))
    channels = s.conv(s.pad(same, [(0, 0), (1, 1), (1, 1), (0, 1)]))
    rescaled = s.conv(s.pad(same, image, zero_point=0))
    twice = s.pad(source, image)
    return s.graph(other_value, channels, rescaled, s.conv(twice), s.conv(twice))


def fuse_pad_pool() -> Graph:
    """Fused where nothing less than the pad value comes out, and no window sees only padding."""
    s = Sketch()
    source = s.input(1, 4, 4, 2)
    image = [(0, 0), (1, 0), (0, 1), (0, 0)]
    least = s.max_pool(s.pad(source, image, -128))
    relu = s.max_pool(s.pad(source, image, ZERO_POINT), activation=Activation.RELU)
    counts = s.max_pool(s.pad(source, image, ZERO_POINT))
    beside = s.max_pool(s.pad(source, [(0, 0), (2, 0), (0, 0), (0, 0)], -128))
    return s.graph(least, relu, counts, beside)


def fuse_activation() -> Graph:
    s = Sketch()
    source = s.input(1, 6, 6, 2)
    conv = s.add("relu6", [s.conv(source, activation=Activation.RELU)])
    rescaled = s.add("relu", [s.conv(conv)], scale=0.25)
    shared = s.conv(conv)
    moved = s.add("reshape", [s.add("relu", [shared])], ReshapeAttributes(), shape=(4, 2))
    return s.graph(rescaled, shared, s.add("relu", [s.dense(moved)]))


CASES: dict[str, tuple[passes.Pass, Callable[[], Graph]]] = {
    make.__name__: (getattr(passes, make.__name__), make)
    for make in (
        drop_shape_inputs,
        fold_constants,
        remove_dead,
        remove_noops,
        sink_pad,
        fuse_pad,
        fuse_activation,
    )
}
CASES["fuse_pad_pool"] = (passes.fuse_pad, fuse_pad_pool)
CASES["all_passes"] = (passes.run, drop_shape_inputs)


@pytest.mark.parametrize("name", CASES)
def test_a_pass_makes_what_the_golden_file_says(name: str) -> None:
    rewrite, make = CASES[name]
    before = make()
    if rewrite is not passes.run:
        passes.run(before, (rewrite,))  # verifies
    text = f"{to_text(before)}\n{name}:\n\n{to_text(rewrite(before))}"
    path = GOLDEN / f"{name}.txt"
    if os.environ.get(UPDATE):
        path.write_text(text)
    golden = path.read_text() if path.exists() else ""
    difference = "".join(
        difflib.unified_diff(golden.splitlines(True), text.splitlines(True), path.name, "now")
    )
    assert text == golden, (
        f"{difference}\nif that is right: {UPDATE}=1 pytest {Path(__file__).name}"
    )


def test_there_is_a_golden_file_for_each_case_and_no_other() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(CASES)
