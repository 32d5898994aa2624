"""Hierarchical distillation, and beside it the same student without a teacher.

Each seed has two arms. They start from the same weights, see the same samples in the same order for
as many epochs at the same learning rates, and differ in their losses alone: the recipe's stages, or
the labels. Whether a teacher helped is then read from the differences, seed by seed; it often does
not help on small tasks.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from edgekit import files
from edgekit.errors import ModelError, RecipeError, UserError
from edgekit.ir import Array
from edgekit.progress import Progress, silent
from edgekit.training import checkpoints
from edgekit.training.evaluation import Examiner
from edgekit.training.fit import Fitted, Trainer
from edgekit.training.framework import keras, make_deterministic
from edgekit.training.losses import HardLabels
from edgekit.training.network import network_of
from edgekit.training.pruning_macs import macs_of
from edgekit.training.recipe import Data, Recipe, Stage, TeacherTraining
from edgekit.training.results import DistillationResult, ModelFacts, Score, SeedResult
from edgekit.training.samples import checked, place_of, refuse_unfit
from edgekit.training.teaching import Teaching

Arm = Literal["alone", "distilled"]
ARMS: tuple[Arm, ...] = ("alone", "distilled")
#: Where the best student of each arm is kept.
FILES: dict[Arm, str] = {"alone": "alone.keras", "distilled": "student.keras"}


def distil(
    recipe: Recipe,
    directory: Path,
    *,
    data: Callable[[], Data],
    teacher: Callable[[], Any],
    student: Callable[[], Any],
    progress: Progress = silent,
) -> DistillationResult:
    """Train the teacher if need be, and both arms of each seed; keep the best of each in files.

    The same recipe gives the same weights, bit by bit, on the same machine. A call that was broken
    off goes on where it was when it is made again, and trainings that have not changed since are
    not done again. This seeds the random numbers of the whole process, and makes TensorFlow
    deterministic from then on.

    Args:
        recipe: how.
        directory: gets teacher.keras (unless the teacher came trained), student.keras (the
            distilled student that is best on the validation data), alone.keras (likewise),
            results.json, and the states of all trainings in checkpoints/.
        data: makes the samples; the same ones each time.
        teacher: makes the teacher, or returns the path of a trained one.
        student: makes the student with weights drawn anew.

    Raises:
        RecipeError: data, models and recipe do not fit each other.
        TrainingError: a training diverged, or TensorFlow failed.
        UserError: the directory cannot be written, or is in use.
        ToolMissingError: the extra `keras` is not installed.
    """
    keras()
    with occupied(directory):
        progress("preparing the data", 0, 0)
        make_deterministic(0)
        samples = checked(data(), where=place_of(data))
        task = _Task(recipe=recipe, directory=directory, data=samples, progress=progress)
        return _distil(task, teacher, student)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What stays the same for all trainings of one call."""

    recipe: Recipe
    directory: Path
    data: Data
    progress: Progress

    def trainer(self, model: Any, teaching: Teaching | None) -> Trainer:
        return Trainer(
            model,
            self.data,
            batch_size=self.recipe.batch_size,
            augmentation=self.recipe.augmentation,
            teaching=teaching,
            progress=self.progress,
        )

    def checkpoint(self, name: str) -> Path:
        return self.directory / "checkpoints" / f"{name}.npz"


def _distil(
    task: _Task, teacher: Callable[[], Any], student: Callable[[], Any]
) -> DistillationResult:
    started, recipe = time.perf_counter(), task.recipe
    training = recipe.teacher_training
    master = _built(teacher, 0 if training is None else training.seed, task.data)
    learner = _built(student, recipe.seeds[0], task.data)
    ours, theirs = learner.outputs[0].shape[-1], master.outputs[0].shape[-1]
    if ours != theirs:
        raise RecipeError(
            f"{place_of(student)}: the student has {ours} classes and the teacher has {theirs}"
        )
    trainer = task.trainer(learner, Teaching(master))
    trainer.prepare(recipe.stages)  # so that no mistake waits behind the teacher's training
    taught = None if training is None else _teach(task, master, training)
    fitted = {}
    for seed in recipe.seeds:
        initial = checkpoints.values_of(_built(student, seed, task.data).variables)
        fitted[seed] = _arms(task, trainer, initial, seed)
    return _finish(task, trainer, master, taught, fitted, started)


def _teach(task: _Task, model: Any, training: TeacherTraining) -> Fitted:
    stage = Stage(
        "labels",
        losses=(HardLabels(label_smoothing=training.label_smoothing),),
        epochs=training.epochs,
        learning_rate=training.learning_rate,
    )
    checkpoint = task.checkpoint("teacher")
    fitted = task.trainer(model, None).fit(
        (stage,), seed=training.seed, checkpoint=checkpoint, name="teacher"
    )
    checkpoints.save_model(task.directory / "teacher.keras", model)
    return fitted


def _arms(task: _Task, trainer: Trainer, initial: Sequence[Array], seed: int) -> dict[Arm, Fitted]:
    stages = task.recipe.stages
    alone = tuple(dataclasses.replace(stage, losses=(task.recipe.alone,)) for stage in stages)
    plans: dict[Arm, tuple[Stage, ...]] = {"alone": alone, "distilled": stages}
    fitted: dict[Arm, Fitted] = {}
    for arm, plan in plans.items():
        checkpoints.assign(trainer.model.variables, initial)
        fitted[arm] = trainer.fit(
            plan,
            seed=seed,
            checkpoint=task.checkpoint(f"{arm}-seed{seed}"),
            name=f"{arm}, seed {seed}",
        )
    return fitted


def _finish(
    task: _Task,
    trainer: Trainer,
    teacher: Any,
    taught: Fitted | None,
    fitted: dict[int, dict[Arm, Fitted]],
    started: float,
) -> DistillationResult:
    """Keep the best of each arm; then ask for the test samples, on which no choice depends."""
    task.progress("looking at the test samples", 0, 0)
    kept: dict[Arm, int] = {}
    for arm in ARMS:
        merits = {seed: of[arm].best.merit for seed, of in fitted.items()}
        kept[arm] = max(merits, key=merits.__getitem__)
        checkpoints.assign(trainer.model.variables, fitted[kept[arm]][arm].variables)
        checkpoints.save_model(task.directory / FILES[arm], trainer.model)
    examiner = Examiner(teacher)
    data = task.data
    result = DistillationResult(
        teacher=facts_of(teacher),
        student=facts_of(trainer.model),
        teacher_validation_accuracy=examiner.scores(data.validation)[0],
        teacher_test_accuracy=examiner.scores(data.test)[0],
        teacher_seconds=0.0 if taught is None else taught.seconds,
        seeds=tuple(
            SeedResult(seed=seed, **{arm: score_of(trainer, of[arm]) for arm in ARMS})
            for seed, of in fitted.items()
        ),
        kept_seed=kept["distilled"],
        kept_alone_seed=kept["alone"],
        train_samples=len(data.train[1]),
        validation_samples=len(data.validation[1]),
        test_samples=len(data.test[1]),
        seconds=time.perf_counter() - started,
        directory=task.directory,
    )
    files.write_whole(task.directory / "results.json", result.to_json().encode())
    return result


def score_of(trainer: Trainer, fitted: Fitted) -> Score:
    """How good a training's best weights are, which the trainer's model is left with."""
    checkpoints.assign(trainer.model.variables, fitted.variables)
    return Score(
        validation_accuracy=fitted.best.validation_accuracy,
        test_accuracy=trainer.examiner.scores(trainer.data.test)[0],
        best_epoch=fitted.best_epoch + 1,
        epochs=len(fitted.history),
        seconds=fitted.seconds,
    )


def facts_of(model: Any) -> ModelFacts:
    """What a keras.Model costs."""
    try:
        macs = macs_of(network_of(model))
    except ModelError:  # sizes that are not fixed
        macs = None
    return ModelFacts(name=model.name, parameters=model.count_params(), macs=macs)


def _built(function: Callable[[], Any], seed: int, data: Data) -> Any:
    """The model that `function` makes, with the weights and the layer names of `seed`."""
    where = place_of(function)
    keras().utils.clear_session(free_memory=False)  # layers without a name count from 0 again
    make_deterministic(seed)
    model = function()
    if isinstance(model, (str, os.PathLike)):
        model = loaded(Path(model), where)
    if not isinstance(model, keras().Model) or not getattr(model, "inputs", None):
        raise RecipeError(
            f"{where} must return a keras.Model of known input shape, not {type(model).__name__}",
            hint="use the functional API: keras.Model(inputs, outputs)",
        )
    refuse_unfit(model, data, where=where)
    return model


def loaded(path: Path, where: str) -> Any:
    """The keras.Model in a file; `where` says who named it, for messages.

    Raises:
        RecipeError: there is none that Keras can read.
    """
    if not path.is_file():
        raise RecipeError(f"{where}: there is no file {path}")
    try:
        return keras().saving.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        line = " ".join(str(error).split())[:200]
        raise RecipeError(f"{where}: {path} cannot be loaded by Keras: {line}") from error


@contextlib.contextmanager
def occupied(directory: Path) -> Iterator[None]:
    """Nobody else trains into `directory` meanwhile.

    Raises:
        UserError: somebody does, or the directory cannot be made.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = (directory / ".lock").open("w")
    except OSError as error:
        raise UserError(
            f"cannot write into {directory}: {error.strerror}", hint="choose another directory"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(
                f"another training writes into {directory}",
                hint="wait for it to end, or choose another directory",
            ) from error
        yield
