"""What a pruning came to: all figures, as values and as JSON."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.training.pruning import LayerWidth
from edgekit.training.pruning_choice import Curve
from edgekit.training.results import SCHEMA_VERSION, ModelFacts, Score
from edgekit.training.spread import Spread, spread


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundedScores:
    """One fine-tuned model in INT8 arithmetic: as it was, and after training with the rounding.

    Both are computed in float with INT8's rounding of weights and activations.
    """

    untrained_test_accuracy: float
    trained: Score


@dataclass(frozen=True, slots=True, kw_only=True)
class PruningSeed:
    """Two models of the pruned shape that learned for as long."""

    seed: int
    fine_tuned: Score  # started from the weights that were left
    from_scratch: Score  # started from weights drawn anew
    rounded: RoundedScores | None  # of the fine-tuned one, if it was asked for

    @property
    def difference(self) -> float:
        """Of test accuracy: fine-tuned minus from scratch."""
        return self.fine_tuned.test_accuracy - self.from_scratch.test_accuracy


@dataclass(frozen=True, slots=True, kw_only=True)
class PruningResult:
    """The model before and after, both arms of all seeds, and the files that are left."""

    whole: ModelFacts
    pruned: ModelFacts
    ranking: str
    round_to: int
    layers: tuple[LayerWidth, ...]
    curves: tuple[Curve, ...]  # of sensitivity, where it was measured
    whole_test_accuracy: float
    pruned_test_accuracy: float  # before any fine-tuning
    seeds: tuple[PruningSeed, ...]
    kept_seed: int  # of pruned.keras: best on the validation data
    kept_from_scratch_seed: int  # of from-scratch.keras, chosen likewise
    kept_quantization_aware_seed: int | None  # of quantisation-aware.keras
    test_samples: int
    seconds: float  # of this run of the command, all told; less if it went on from another
    directory: Path

    @property
    def fine_tuned(self) -> Spread:
        """Test accuracy after fine-tuning."""
        return spread([seed.fine_tuned.test_accuracy for seed in self.seeds])

    @property
    def from_scratch(self) -> Spread:
        """Test accuracy of the same shape trained from scratch."""
        return spread([seed.from_scratch.test_accuracy for seed in self.seeds])

    @property
    def difference(self) -> Spread:
        """Fine-tuned minus from scratch, seed by seed."""
        return spread([seed.difference for seed in self.seeds])

    @property
    def untrained(self) -> Spread | None:
        """Test accuracy of the fine-tuned models once rounded to INT8."""
        found = [s.rounded.untrained_test_accuracy for s in self.seeds if s.rounded]
        return spread(found) if found else None

    @property
    def quantization_aware(self) -> Spread | None:
        """Test accuracy in INT8 of the models that were trained with its rounding."""
        found = [s.rounded.trained.test_accuracy for s in self.seeds if s.rounded]
        return spread(found) if found else None

    def to_json(self) -> str:
        """One document with all of it."""
        document: dict[str, Any] = {"schema_version": SCHEMA_VERSION}
        document |= dataclasses.asdict(self)
        document["directory"] = str(self.directory)
        for name in ("fine_tuned", "from_scratch", "difference", "untrained", "quantization_aware"):
            value = getattr(self, name)
            document[name] = None if value is None else dataclasses.asdict(value)
        return json.dumps(document, indent=2) + "\n"
