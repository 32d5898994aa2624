"""What a distillation came to: all figures, as values and as JSON."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.training.spread import Spread, spread

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What a model costs to keep and to run."""

    name: str
    parameters: int
    macs: int | None  # of one inference; None where they cannot be counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One trained model. Accuracies lie between 0 and 1."""

    validation_accuracy: float  # the epoch was chosen by it, so it flatters
    test_accuracy: float
    best_epoch: int  # from 1
    epochs: int
    seconds: float  # in all epochs


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedResult:
    """Two students that started from the same weights and learned for as long."""

    seed: int
    alone: Score
    distilled: Score

    @property
    def difference(self) -> float:
        """Of test accuracy: distilled minus alone."""
        return self.distilled.test_accuracy - self.alone.test_accuracy


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillationResult:
    """Both arms of all seeds, and the files that are left."""

    teacher: ModelFacts
    student: ModelFacts
    teacher_validation_accuracy: float
    teacher_test_accuracy: float
    teacher_seconds: float  # 0 if it came trained
    seeds: tuple[SeedResult, ...]
    kept_seed: int  # of student.keras: best on the validation data
    kept_alone_seed: int  # of alone.keras, chosen likewise
    train_samples: int
    validation_samples: int
    test_samples: int
    seconds: float  # of this run of the command, all told; less if it went on from another
    directory: Path

    @property
    def alone(self) -> Spread:
        """Test accuracy of the students that learned alone."""
        return spread([seed.alone.test_accuracy for seed in self.seeds])

    @property
    def distilled(self) -> Spread:
        """Test accuracy of the distilled students."""
        return spread([seed.distilled.test_accuracy for seed in self.seeds])

    @property
    def difference(self) -> Spread:
        """Distilled minus alone, seed by seed: the seed's own luck cancels out."""
        return spread([seed.difference for seed in self.seeds])

    def to_json(self) -> str:
        """One document with all of it."""
        document: dict[str, Any] = {"schema_version": SCHEMA_VERSION}
        document |= dataclasses.asdict(self)
        document["directory"] = str(self.directory)
        for name in ("alone", "distilled", "difference"):
            document[name] = dataclasses.asdict(getattr(self, name))
        return json.dumps(document, indent=2) + "\n"
