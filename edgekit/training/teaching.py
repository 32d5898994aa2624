"""The teacher's side of the losses, computed once and kept in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.ir import Array
from edgekit.progress import Progress, silent
from edgekit.training.framework import tensorflow
from edgekit.training.layers import Observed
from edgekit.training.losses import Loss, Tensor

#: Of each loss, its targets [N, ...] for all training samples.
Targets = tuple[tuple[Array, ...], ...]

#: Of each loss, the shapes of the student's features without N.
Shapes = tuple[tuple[tuple[int, ...], ...], ...]

_BATCH = 256
_KEPT_BYTES = 512 << 20


class Teaching:
    """Asks the teacher for each view of the training data, and remembers the answers.

    A teacher costs many times what its student costs. What it says does not depend on the student,
    so all seeds and, without augmentation, all epochs of a stage share one answer.
    """

    def __init__(self, model: Any, *, kept_bytes: int = _KEPT_BYTES) -> None:
        self.model = model
        self._room = kept_bytes
        self._asked: dict[object, Any] = {}  # how to ask, by losses and shapes
        self._known: dict[object, Targets] = {}

    def prepare(self, losses: tuple[Loss, ...], shapes: Shapes) -> None:
        """Compile what asks for the targets of `losses`.

        Raises:
            RecipeError: the teacher has no such layers, or they do not suit a loss.
        """
        if any(loss.needs_teacher for loss in losses) and (losses, shapes) not in self._asked:
            self._asked[losses, shapes] = _question(self.model, losses, shapes)

    def targets(
        self,
        losses: tuple[Loss, ...],
        shapes: Shapes,
        inputs: Array,
        view: int,
        progress: Progress = silent,
    ) -> Targets:
        """The targets of `losses` for `inputs` [N, ...], which are the same for the same `view`."""
        if not any(loss.needs_teacher for loss in losses):
            return tuple(() for _ in losses)
        key = (losses, shapes, view)
        if key in self._known:
            return self._known[key]
        self.prepare(losses, shapes)
        made = _answers(self._asked[losses, shapes], len(losses), inputs, progress)
        size = sum(array.nbytes for of in made for array in of)
        if size <= self._room:
            self._room -= size
            self._known[key] = made
        return made


def _question(model: Any, losses: tuple[Loss, ...], shapes: Shapes) -> Any:
    """A function from a batch of inputs to the targets of all losses."""
    tf = tensorflow()
    names = [theirs for loss in losses for theirs, _ in loss.pairs]
    observed = Observed(model, names, role="teacher")

    def ask(inputs: Tensor) -> tuple[tuple[Tensor, ...], ...]:
        outputs, start, made = observed(inputs, training=False), 0, []
        for loss, of in zip(losses, shapes, strict=True):
            made.append(loss.targets(outputs.only(start, start + len(loss.pairs)), of))
            start += len(loss.pairs)
        return tuple(made)

    shape = (None, *model.inputs[0].shape[1:])
    signature = [tf.TensorSpec(shape, tf.float32)]
    compiled = tf.function(ask, input_signature=signature, autograph=False, jit_compile=False)
    return compiled.get_concrete_function()


def _answers(ask: Any, losses: int, inputs: Array, progress: Progress) -> Targets:
    parts = []
    for start in range(0, len(inputs), _BATCH):
        progress("asking the teacher", start, len(inputs))
        parts.append(ask(inputs[start : start + _BATCH]))
    return tuple(_joined([part[loss] for part in parts]) for loss in range(losses))


def _joined(parts: list[tuple[Tensor, ...]]) -> tuple[Array, ...]:
    """The targets of one loss, batch after batch, as one array each."""
    return tuple(
        np.concatenate([tensor.numpy() for tensor in batches])
        for batches in zip(*parts, strict=True)
    )
