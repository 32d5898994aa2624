"""The training loop: the same weights for the same seed, also after any interruption."""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import processes
from edgekit.errors import EdgekitError, RecipeError, TrainingError
from edgekit.ir import Array
from edgekit.progress import Progress, silent
from edgekit.training import checkpoints
from edgekit.training.checkpoints import Epoch, State
from edgekit.training.evaluation import Examiner
from edgekit.training.fingerprint import fingerprint
from edgekit.training.framework import keras, make_deterministic, tensorflow
from edgekit.training.losses import Loss
from edgekit.training.recipe import Augmentation, Data, Stage
from edgekit.training.samples import place_of
from edgekit.training.step import Step, cosine
from edgekit.training.teaching import Targets, Teaching

_STEPS_A_WORD = 8  # between two words of progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A training that came to its end.

    The best epoch has the highest accuracy on the validation data; of equal ones, the one with the
    lowest cross-entropy there.
    """

    history: tuple[Epoch, ...]
    best_epoch: int  # an index of `history`
    variables: tuple[Array, ...]  # of the model after the best epoch

    @property
    def best(self) -> Epoch:
        """What the best epoch came to."""
        return self.history[self.best_epoch]

    @property
    def seconds(self) -> float:
        """Spent in all epochs."""
        return sum(epoch.seconds for epoch in self.history)


def fit(
    model: Any,
    stages: tuple[Stage, ...],
    data: Data,
    *,
    batch_size: int = 64,
    seed: int = 0,
    augmentation: Augmentation | None = None,
    teacher: Any = None,
    checkpoint: Path | None = None,
    name: str = "training",
    progress: Progress = silent,
) -> Fitted:
    """Train `model`, a classifier, from the weights that it has, and leave it with the best ones.

    Trainer, which this is for a single training, says the rest.
    """
    trainer = Trainer(
        model,
        data,
        batch_size=batch_size,
        augmentation=augmentation,
        teaching=None if teacher is None else Teaching(teacher),
        progress=progress,
    )
    return trainer.fit(stages, seed=seed, checkpoint=checkpoint, name=name)


class Trainer:
    """Trains one model, as often as wanted, each time from the weights that it has then.

    Steps are compiled once for each set of losses, so that the next seed costs no compilation.
    """

    def __init__(
        self,
        model: Any,
        data: Data,
        *,
        batch_size: int,
        augmentation: Augmentation | None = None,
        teaching: Teaching | None = None,
        progress: Progress = silent,
    ) -> None:
        """Get ready to train `model`, a keras.Model of one input and one output, on `data`.

        A batch has `batch_size` samples, or all if there are fewer. In each epoch, the last few
        that fill no batch are left out: each time others.
        """
        self.model, self.data = model, data
        self._batch = min(batch_size, len(data.train[1]))
        self._augmentation, self._teaching = augmentation, teaching
        self._progress = progress
        self._optimizer = keras().optimizers.Adam()
        self._optimizer.build(model.trainable_variables)
        self._fresh = checkpoints.values_of(self._optimizer.variables)
        self._steps: dict[tuple[Loss, ...], Step] = {}
        self.examiner = Examiner(model)

    def fit(
        self,
        stages: tuple[Stage, ...],
        *,
        seed: int,
        checkpoint: Path | None = None,
        name: str = "training",
    ) -> Fitted:
        """Train through all stages; the model is left with the weights of the best epoch.

        Args:
            seed: decides the order of the samples.
            checkpoint: an .npz file that gets the state after each epoch. If it has one of the
                same training already, this goes on from there. If the training is broken off, the
                best model so far is left beside it, as a .keras file.
            name: for progress and messages, e.g. "distilled, seed 0".

        Raises:
            RecipeError: a stage asks for a layer that a model does not have, or for a teacher
                where there is none.
            TrainingError: the loss is no number any more, or TensorFlow or the disk failed.
        """
        make_deterministic(seed)
        run = _Run(stages=stages, seed=seed, name=name, checkpoint=checkpoint)
        state = self._start(run)
        try:
            for stage, epoch in run.plan[len(state.history) :]:
                if epoch == 0:
                    checkpoints.assign(self._optimizer.variables, self._fresh)
                state = self._after(self._epoch(stage, epoch, state, run), state)
                if checkpoint is not None:
                    checkpoints.save_state(checkpoint, state)
        except BaseException:
            if checkpoint is not None:
                self._keep_best(state, checkpoint)
            raise
        checkpoints.assign(self.model.variables, state.best)
        if checkpoint is not None:
            best_so_far(checkpoint).unlink(missing_ok=True)
        return Fitted(history=state.history, best_epoch=state.best_epoch, variables=state.best)

    def prepare(self, stages: tuple[Stage, ...]) -> None:
        """Make the steps of all stages, so that mistakes show before any work.

        Raises:
            RecipeError: as `fit`.
        """
        for stage in stages:
            step = self._step(stage)
            if self._teaching is not None:
                self._teaching.prepare(step.losses, step.shapes)

    def _start(self, run: _Run) -> State:
        """Where the training stands."""
        self.prepare(run.stages)
        initial = checkpoints.values_of(self.model.variables)
        teacher = () if self._teaching is None else self._teaching.model.variables
        mark = fingerprint(
            self.model,
            (run.stages, self._batch, run.seed, self._augmentation),
            (*initial, *checkpoints.values_of(teacher), *self.data.train, *self.data.validation),
        )
        state = None if run.checkpoint is None else checkpoints.load_state(run.checkpoint, mark)
        if state is None:
            return State(
                fingerprint=mark,
                history=(),
                best_epoch=-1,
                variables=initial,
                optimizer=self._fresh,
                best=initial,
            )
        checkpoints.assign(self.model.variables, state.variables)
        checkpoints.assign(self._optimizer.variables, state.optimizer)
        return state

    def _step(self, stage: Stage) -> Step:
        if self._teaching is None and any(loss.needs_teacher for loss in stage.losses):
            raise RecipeError(f"stage {stage.name} needs a teacher, and there is none")
        if stage.losses not in self._steps:
            self._steps[stage.losses] = Step(self.model, self._optimizer, stage.losses)
        return self._steps[stage.losses]

    def _epoch(self, stage: Stage, epoch: int, state: State, run: _Run) -> Epoch:
        """Every sample once, in a new order; then a look at the validation data."""
        started, done = time.perf_counter(), len(state.history)
        inputs, labels = self.data.train
        if self._augmentation is not None:
            inputs = augmented(self._augmentation, inputs, done)
        step = self._step(stage)
        with run.translated(stage, epoch):
            targets = self._targets(step, inputs, done)
            order = np.random.default_rng((run.seed, done)).permutation(len(labels))
            steps, total = len(labels) // self._batch, 0.0
            for i in range(steps):
                if i % _STEPS_A_WORD == 0:
                    self._progress(run.says(stage, state), done * steps + i, run.epochs * steps)
                chosen = order[i * self._batch : (i + 1) * self._batch]
                batch = tuple(tuple(target[chosen] for target in of) for of in targets)
                rate = cosine(stage, epoch * steps + i, stage.epochs * steps)
                loss = step(inputs[chosen], labels[chosen], batch, rate)
                if not math.isfinite(loss):
                    raise run.diverged(stage, epoch)
                total += loss
            accuracy, cross_entropy = self.examiner.scores(self.data.validation)
        if not math.isfinite(cross_entropy):
            raise run.diverged(stage, epoch)
        return Epoch(
            stage=stage.name,
            loss=total / steps,
            validation_loss=cross_entropy,
            validation_accuracy=accuracy,
            seconds=time.perf_counter() - started,
        )

    def _targets(self, step: Step, inputs: Array, view: int) -> Targets:
        if self._teaching is None:
            return tuple(() for _ in step.losses)
        view = 0 if self._augmentation is None else view
        return self._teaching.targets(step.losses, step.shapes, inputs, view, self._progress)

    def _after(self, epoch: Epoch, state: State) -> State:
        variables = checkpoints.values_of(self.model.variables)
        best = not state.history or epoch.merit > state.history[state.best_epoch].merit
        return State(
            fingerprint=state.fingerprint,
            history=(*state.history, epoch),
            best_epoch=len(state.history) if best else state.best_epoch,
            variables=variables,
            optimizer=checkpoints.values_of(self._optimizer.variables),
            best=variables if best else state.best,
        )

    def _keep_best(self, state: State, checkpoint: Path) -> None:
        """Leave the best model so far as a file; whatever broke the training off goes first."""
        if not state.history:
            return
        with processes.signals_later(), contextlib.suppress(EdgekitError):
            checkpoints.assign(self.model.variables, state.best)
            checkpoints.save_model(best_so_far(checkpoint), self.model)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One training, and how it speaks of itself."""

    stages: tuple[Stage, ...]
    seed: int
    name: str
    checkpoint: Path | None

    @property
    def plan(self) -> list[tuple[Stage, int]]:
        """Each epoch's stage, and its number in it."""
        return [(stage, epoch) for stage in self.stages for epoch in range(stage.epochs)]

    @property
    def epochs(self) -> int:
        return len(self.plan)

    def says(self, stage: Stage, state: State) -> str:
        where = f"{self.name}: {stage.name}, epoch {len(state.history) + 1}/{self.epochs}"
        if not state.history:
            return where
        return f"{where}, {state.history[state.best_epoch].validation_accuracy:.1%} so far"

    def diverged(self, stage: Stage, epoch: int) -> TrainingError:
        kept = ""
        if self.checkpoint is not None and (stage, epoch) != self.plan[0]:
            kept = f"; the best model before that is {best_so_far(self.checkpoint)}"
        heavy = "" if len(stage.losses) == 1 else ", and smaller weights of the losses"
        return TrainingError(
            f"{self.name} diverged: in stage {stage.name}, epoch {epoch + 1} of {stage.epochs}, "
            f"seed {self.seed}, the loss is no number any more{kept}",
            hint=f"try a learning rate well below {stage.learning_rate:g}{heavy}; inputs should "
            "be of the size of 1",
        )

    @contextlib.contextmanager
    def translated(self, stage: Stage, epoch: int) -> Any:
        """Turn what TensorFlow raises into one sentence."""
        failures = (tensorflow().errors.OpError, ValueError, TypeError, MemoryError)
        try:
            yield
        except failures as error:
            line = " ".join(str(error).split())[:200] or type(error).__name__
            raise TrainingError(
                f"{self.name}: TensorFlow failed in stage {stage.name}, epoch {epoch + 1}: {line}",
                hint="with a smaller batch_size it needs less memory",
            ) from error


def best_so_far(checkpoint: Path) -> Path:
    """Where the best model of a training is that was broken off."""
    return checkpoint.with_suffix(".keras")


def augmented(augmentation: Augmentation, inputs: Array, view: int) -> Array:
    """The inputs of an epoch, the same for all seeds.

    Raises:
        RecipeError: the augmentation fails, or changes more than the values.
    """
    try:
        made = augmentation(inputs, np.random.default_rng(view))
    except EdgekitError:
        raise
    except Exception as error:  # it is the user's
        said = " ".join(str(error).split())[:200]
        raise RecipeError(
            f"{place_of(augmentation)}, the augmentation, failed: {type(error).__name__}: {said}"
        ) from error
    if not isinstance(made, np.ndarray) or made.shape != inputs.shape:
        what = made.shape if isinstance(made, np.ndarray) else type(made).__name__
        raise RecipeError(
            f"the augmentation makes {what} of inputs of shape {inputs.shape}",
            hint="it must return an array of the same shape",
        )
    return made.astype(np.float32, copy=False)
