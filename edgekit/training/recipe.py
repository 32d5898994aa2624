"""What a training is made of, as values.

recipe = Recipe(
    teacher_training=TeacherTraining(epochs=12, learning_rate=2e-3),
    stages=(
        Stage("look", losses=(AttentionTransfer(pairs=(("block2", "block1"),)), HardLabels()),
              epochs=3, learning_rate=2e-3),
        Stage("answer", losses=(SoftLabels(temperature=4, alpha=0.7),),
              epochs=12, learning_rate=2e-3),
    ),
    seeds=(0, 1, 2),
)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from edgekit.errors import RecipeError
from edgekit.ir import Array
from edgekit.training.losses import HardLabels, Loss

#: Inputs [N, ...], floats, and labels [N], integers from 0.
Samples: TypeAlias = tuple[Array, Array]

#: The training inputs [N, ...] of one epoch from the original ones; as many, of the same shape.
Augmentation: TypeAlias = Callable[[Array, np.random.Generator], Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Samples to learn from, to choose by, and to report.

    No sample should be in two of them, nor come from one person or recording in two of them.
    """

    train: Samples
    validation: Samples  # chooses the best epoch and the best seed
    test: Samples  # asked once, at the end; no choice depends on it


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherTraining:
    """How a teacher learns from the labels, by Adam with a cosine schedule."""

    epochs: int
    learning_rate: float = 2e-3
    label_smoothing: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        _refuse_odd_budget("TeacherTraining", self.epochs, self.learning_rate)
        _refuse_odd_seeds("TeacherTraining", (self.seed,))
        HardLabels(label_smoothing=self.label_smoothing)


@dataclass(frozen=True, slots=True)
class Stage:
    """Some epochs with the same losses, by Adam with a cosine schedule from `learning_rate` to 0.

    The losses are added up, each multiplied by its weight.
    """

    name: str
    losses: tuple[Loss, ...]
    epochs: int
    learning_rate: float = 2e-3

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise RecipeError(f"a stage's name must be a text, not {self.name!r}")
        if not isinstance(self.losses, tuple) or not self.losses:
            raise RecipeError(
                f"stage {self.name}: losses must be a tuple of at least one loss, "
                f"not {self.losses!r}",
                hint="a tuple of one is written (HardLabels(),), with the comma",
            )
        for loss in self.losses:
            if isinstance(loss, type) or not hasattr(loss, "targets"):
                raise RecipeError(
                    f"stage {self.name}: {loss!r} is no loss",
                    hint="edgekit.training has AttentionTransfer, GramRelation, SoftLabels and "
                    "HardLabels; call them, as in HardLabels()",
                )
        _refuse_odd_budget(f"stage {self.name}", self.epochs, self.learning_rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A distillation and its control: the same student, trained alone with the same budget.

    stages: one after another, each from the weights that the last one ended with.
    teacher_training: how `teacher()` is trained; None if it returns a trained model.
    alone: by what the student learns that has no teacher, in all stages.
    batch_size: of the student's and the teacher's training.
    seeds: one student of each arm for each. A seed decides initial weights and the order of the
        samples; the two arms of a seed start from the same weights.
    augmentation: changes the training inputs anew in each epoch; None to train on them as they are.
    """

    stages: tuple[Stage, ...]
    teacher_training: TeacherTraining | None = None
    alone: HardLabels = field(default_factory=HardLabels)
    batch_size: int = 64
    seeds: tuple[int, ...] = (0, 1, 2)
    augmentation: Augmentation | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.stages, tuple) or not self.stages:
            raise RecipeError(
                f"stages must be a tuple of at least one Stage, not {self.stages!r}",
                hint="a tuple of one is written (Stage(…),), with the comma",
            )
        for stage in self.stages:
            _refuse_other("stages", stage, Stage)
        if self.teacher_training is not None:
            _refuse_other("teacher_training", self.teacher_training, TeacherTraining)
        _refuse_other("alone", self.alone, HardLabels)
        names = [stage.name for stage in self.stages]
        if len(set(names)) < len(names):
            raise RecipeError(f"two stages have one name: {', '.join(names)}")
        if not _is_count(self.batch_size):
            raise RecipeError(f"batch_size must be a positive integer, not {self.batch_size!r}")
        if self.augmentation is not None and not callable(self.augmentation):
            raise RecipeError(f"augmentation must be a function, not {self.augmentation!r}")
        _refuse_odd_seeds("seeds", self.seeds)

    @property
    def epochs(self) -> int:
        """Of one student, all stages together."""
        return sum(stage.epochs for stage in self.stages)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _refuse_other(field: str, value: object, kind: type) -> None:
    if not isinstance(value, kind):
        raise RecipeError(f"{field} must be given as {kind.__name__}(…), not {value!r}")


def _refuse_odd_budget(where: str, epochs: object, learning_rate: object) -> None:
    if not _is_count(epochs):
        raise RecipeError(f"{where}: epochs must be a positive integer, not {epochs!r}")
    if (
        not isinstance(learning_rate, (int, float))
        or isinstance(learning_rate, bool)
        or not 0 < learning_rate < float("inf")
    ):
        raise RecipeError(
            f"{where}: learning_rate must be a positive number, not {learning_rate!r}"
        )


def _refuse_odd_seeds(where: str, seeds: object) -> None:
    if (
        not isinstance(seeds, tuple)
        or not seeds
        or not all(isinstance(s, int) and not isinstance(s, bool) and s >= 0 for s in seeds)
    ):
        raise RecipeError(
            f"{where}: seeds must be a tuple of integers from 0 on, not {seeds!r}",
            hint="as in seeds=(0, 1, 2)",
        )
    if len(set(seeds)) < len(seeds):
        raise RecipeError(f"{where}: a seed is there twice: {seeds}")
