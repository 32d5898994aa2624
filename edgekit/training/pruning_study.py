"""Pruning, fine-tuning, and beside it the same small network trained from scratch.

What a pruned network owes to the weights that it inherits, and what to its shape, only the
comparison tells (Liu et al., "Rethinking the Value of Network Pruning", ICLR 2019). So both arms
learn for as long, at the same learning rates, by the same losses, on the same samples in the same
order. Fine-tuning at the full learning rate is the rewinding of Renda et al. (ICLR 2020).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from edgekit import files
from edgekit.ir import Array
from edgekit.progress import Progress, silent
from edgekit.training import checkpoints
from edgekit.training.distillation import facts_of, loaded, occupied, score_of
from edgekit.training.evaluation import Examiner
from edgekit.training.fit import Fitted, Trainer
from edgekit.training.framework import keras, make_deterministic
from edgekit.training.network import copy_of
from edgekit.training.pruning import Loss, PrunedModel, PruningOptions, prune
from edgekit.training.pruning_results import PruningResult, PruningSeed, RoundedScores
from edgekit.training.quantization_aware import calibrate, quantization_aware
from edgekit.training.quantization_aware_training import (
    QuantizationAware,
    calibration_samples,
    quantization_aware_fine_tune,
)
from edgekit.training.recipe import Data, Recipe, Stage
from edgekit.training.samples import checked, place_of, refuse_unfit
from edgekit.training.teaching import Teaching

Arm = Literal["fine-tuned", "from scratch"]
#: Where the best model of each arm is kept.
FILES: dict[Arm, str] = {"fine-tuned": "pruned.keras", "from scratch": "from-scratch.keras"}
#: The best model that was trained with INT8's rounding.
ROUNDED_FILE = "quantisation-aware.keras"
#: Samples, evenly spaced, by which sensitivity is measured.
_SENSITIVITY_SAMPLES = 500


def prune_and_compare(
    recipe: Recipe,
    directory: Path,
    *,
    data: Callable[[], Data],
    model: Path,
    options: PruningOptions,
    quantization_aware_epochs: int = 0,
    progress: Progress = silent,
) -> PruningResult:
    """Prune a trained model; train what is left, and the same shape from scratch, for each seed.

    Training follows the recipe's last stage: its epochs, its learning rate, those of its losses
    that pair no layers (else the labels), its batch size and augmentation. Where a loss needs a
    teacher, it is the whole model. A call that was broken off goes on where it was.

    Args:
        recipe: how to train.
        directory: gets pruned.keras, from-scratch.keras (each the best on the validation data),
            quantisation-aware.keras if it is asked for, results.json, and states in checkpoints/.
        data: makes the samples; the same ones each time.
        model: a .keras file.
        quantization_aware_epochs: train the fine-tuned models on with INT8's rounding.

    Raises:
        ModelError: the model has no channels that can be removed, or unknown layers.
        RecipeError: data, model and recipe do not fit each other.
        TrainingError: a training diverged, or TensorFlow failed.
        UserError: the target cannot be reached; the directory cannot be written, or is in use.
        ToolMissingError: the extra `keras` is not installed.
    """
    keras()
    with occupied(directory):
        started = time.perf_counter()
        progress("preparing the data", 0, 0)
        make_deterministic(0)
        samples = checked(data(), where=place_of(data))
        whole = loaded(model, "--model")
        refuse_unfit(whole, samples, where=str(model))
        pruned = prune(whole, options, loss=_loss_on(samples), progress=progress)
        study = _Study(
            recipe=recipe,
            directory=directory,
            data=samples,
            whole=whole,
            pruned=pruned,
            epochs_rounded=quantization_aware_epochs,
            progress=progress,
        )
        return study.run(options, started)


def _loss_on(data: Data) -> Loss:
    """Cross-entropy on some validation samples, after batch norm saw some training samples anew.

    Without the second, a masked layer shifts what all later ones are normalised by, and the loss
    says more about that than about what fine-tuning can reach (Li et al., "EagleEye", ECCV 2020).
    The model is a copy made for this, so its statistics may change.
    """
    inputs, labels = _spaced(*data.validation)
    seen, _ = _spaced(*data.train)
    asked: list[Examiner] = []

    def loss(model: Any) -> float:
        if not asked:  # one model is asked throughout: compile once
            asked.append(Examiner(model))
            for layer in model.layers:
                if isinstance(layer, keras().layers.BatchNormalization):
                    layer.momentum = 0.0  # take the batch's statistics as they are
        model(seen, training=True)
        return asked[0].scores((inputs, labels))[1]

    return loss


def _spaced(inputs: Array, labels: Array) -> tuple[Array, Array]:
    step = max(1, len(labels) // _SENSITIVITY_SAMPLES)
    return inputs[::step], labels[::step]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Study:
    """All trainings of one call."""

    recipe: Recipe
    directory: Path
    data: Data
    whole: Any
    pruned: PrunedModel
    epochs_rounded: int
    progress: Progress

    @property
    def stage(self) -> Stage:
        last = self.recipe.stages[-1]
        losses = tuple(loss for loss in last.losses if not loss.pairs) or (self.recipe.alone,)
        return Stage(
            "training", losses=losses, epochs=last.epochs, learning_rate=last.learning_rate
        )

    @property
    def teacher(self) -> Any:
        """The whole model, if a loss asks for it."""
        return self.whole if any(loss.needs_teacher for loss in self.stage.losses) else None

    def checkpoint(self, name: str, seed: int) -> Path:
        return self.directory / "checkpoints" / f"{name.replace(' ', '-')}-seed{seed}.npz"

    def run(self, options: PruningOptions, started: float) -> PruningResult:
        model = self.pruned.model
        left = checkpoints.values_of(model.variables)
        trainer = Trainer(
            model,
            self.data,
            batch_size=self.recipe.batch_size,
            augmentation=self.recipe.augmentation,
            teaching=None if self.teacher is None else Teaching(self.teacher),
            progress=self.progress,
        )
        fitted = {seed: self._arms(trainer, left, seed) for seed in self.recipe.seeds}
        rounded = self._rounded(trainer, fitted) if self.epochs_rounded else {}
        checkpoints.assign(model.variables, left)
        before = trainer.examiner.scores(self.data.test)[0]
        kept = {arm: self._keep(trainer, fitted, arm) for arm in FILES}
        result = PruningResult(
            whole=facts_of(self.whole),
            pruned=facts_of(model),
            ranking=options.ranking,
            round_to=options.round_to,
            layers=self.pruned.layers,
            curves=self.pruned.curves,
            whole_test_accuracy=Examiner(self.whole).scores(self.data.test)[0],
            pruned_test_accuracy=before,
            seeds=tuple(
                PruningSeed(
                    seed=seed,
                    fine_tuned=score_of(trainer, fitted[seed]["fine-tuned"]),
                    from_scratch=score_of(trainer, fitted[seed]["from scratch"]),
                    rounded=self._scores(rounded.get(seed)),
                )
                for seed in self.recipe.seeds
            ),
            kept_seed=kept["fine-tuned"],
            kept_from_scratch_seed=kept["from scratch"],
            kept_quantization_aware_seed=self._keep_rounded(rounded),
            test_samples=len(self.data.test[1]),
            seconds=time.perf_counter() - started,
            directory=self.directory,
        )
        files.write_whole(self.directory / "results.json", result.to_json().encode())
        return result

    def _arms(self, trainer: Trainer, left: Any, seed: int) -> dict[Arm, Fitted]:
        make_deterministic(seed)
        anew = checkpoints.values_of(copy_of(trainer.model, weights=False).variables)
        starts: dict[Arm, Any] = {"fine-tuned": left, "from scratch": anew}
        fitted: dict[Arm, Fitted] = {}
        for arm, start in starts.items():
            checkpoints.assign(trainer.model.variables, start)
            fitted[arm] = trainer.fit(
                (self.stage,),
                seed=seed,
                checkpoint=self.checkpoint(arm, seed),
                name=f"{arm}, seed {seed}",
            )
        return fitted

    def _rounded(
        self, trainer: Trainer, fitted: dict[int, dict[Arm, Fitted]]
    ) -> dict[int, _Rounded]:
        """Train each seed's fine-tuned model on with the rounding."""
        rounded = {}
        for seed, arms in fitted.items():
            checkpoints.assign(trainer.model.variables, arms["fine-tuned"].variables)
            untrained = quantization_aware(trainer.model)
            calibrate(untrained, calibration_samples(self.data))
            trained = quantization_aware_fine_tune(
                trainer.model,
                self.data,
                self.epochs_rounded,
                losses=self.stage.losses,
                teacher=self.teacher,
                batch_size=self.recipe.batch_size,
                seed=seed,
                augmentation=self.recipe.augmentation,
                checkpoint=self.checkpoint("quantisation-aware", seed),
                progress=self.progress,
            )
            rounded[seed] = _Rounded(untrained=untrained, trained=trained)
        return rounded

    def _scores(self, rounded: _Rounded | None) -> RoundedScores | None:
        if rounded is None:
            return None
        trained = rounded.trained
        accuracy = Examiner(rounded.untrained).scores(self.data.test)[0]
        examined = Trainer(trained.rounded, self.data, batch_size=self.recipe.batch_size)
        return RoundedScores(
            untrained_test_accuracy=accuracy,
            trained=score_of(examined, trained.fitted),
        )

    def _keep(self, trainer: Trainer, fitted: dict[int, dict[Arm, Fitted]], arm: Arm) -> int:
        """Save the model of the seed that is best on the validation data."""
        seed = max(fitted, key=lambda seed: fitted[seed][arm].best.merit)
        checkpoints.assign(trainer.model.variables, fitted[seed][arm].variables)
        checkpoints.save_model(self.directory / FILES[arm], trainer.model)
        return seed

    def _keep_rounded(self, rounded: dict[int, _Rounded]) -> int | None:
        if not rounded:
            return None
        seed = max(rounded, key=lambda seed: rounded[seed].trained.fitted.best.merit)
        checkpoints.save_model(self.directory / ROUNDED_FILE, rounded[seed].trained.model)
        return seed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rounded:
    """A fine-tuned model with the rounding, before and after training with it."""

    untrained: Any
    trained: QuantizationAware
