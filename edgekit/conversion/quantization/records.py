"""What is known of a quantised model, as a report needs it."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.conversion.quantization.options import Budget, Precision


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How near a quantised model comes to the float one, on calibration samples."""

    samples: int
    sqnr_db: float  # of the outputs, before a final softmax; infinite where nothing differs
    agreement: float | None  # share of samples with the float model's class; None: no classifier
    accuracy: float | None  # share of samples with the label's class; None: no labels
    float_accuracy: float | None  # of the float model on the same samples

    def meets(self, budget: Budget) -> bool:
        """True if the loss is within the budget."""
        if self.accuracy is not None and self.float_accuracy is not None:
            # a hair of room: both are quotients of counts
            return self.float_accuracy - self.accuracy <= budget.accuracy_drop + 1e-9
        if self.agreement is not None:
            return self.agreement >= budget.agreement - 1e-9
        return self.sqnr_db >= budget.sqnr_db


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodTrial:
    """One way to quantise that was tried, on samples that its ranges were not chosen by."""

    method: str  # one of METHODS
    bias_correction: bool  # biases take up the mean error of rounded weights
    score: Score

    def __str__(self) -> str:
        return self.method + (" with bias correction" if self.bias_correction else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRecord:
    """What quantisation did to one operator. Ranges are those of its (first) output."""

    index: int  # in the float .tflite
    name: str  # TFLite's, e.g. "CONV_2D"
    layer: str  # of the source, or the output tensor's name
    output: str  # name of its output tensor
    precision: Precision
    macs: int
    sensitivity_db: float | None  # SQNR of the outputs if only this operator is quantised
    cumulative_db: float | None  # SQNR of its output in the whole quantised model
    range: tuple[float, float] | None  # least and greatest real number that its output can hold
    observed: tuple[float, float] | None  # least and greatest that came up
    clipped: float  # share of values beyond the range
    channel_ratio: float | None  # widest to narrowest channel of its weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One of the operators that hurt most, and what to do about it."""

    index: int
    text: str  # one sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizedModel:
    """A .tflite for TensorFlow Lite Micro, and how it came about."""

    content: bytes
    name: str
    operators: tuple[OperatorRecord, ...]
    trials: tuple[MethodTrial, ...]  # in the order in which they were made
    chosen: MethodTrial
    protected: tuple[int, ...]  # indices of operators in the float .tflite
    score: Score  # of the model as it is
    budget: Budget
    advice: tuple[Advice, ...]  # worst first
    float_weights_bytes: int  # of all constants that are real numbers
    weights_bytes: int  # of the same in the quantised model

    @property
    def budget_met(self) -> bool:
        """True if the model is within the budget on the calibration samples."""
        return self.score.meets(self.budget)
