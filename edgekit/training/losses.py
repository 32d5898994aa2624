"""What a student is trained by: labels, a teacher's answers, a teacher's features.

Each loss is a value with a weight; a stage of a recipe adds several up. The teacher's side of a
loss (`targets`) does not depend on the student, so it is computed once and kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from edgekit.errors import RecipeError
from edgekit.training.framework import tensorflow

#: A TensorFlow tensor. TensorFlow has no types that a checker could read.
Tensor: TypeAlias = Any

#: A layer of the teacher and the layer of the student that is to resemble it, by name.
Pair: TypeAlias = tuple[str, str]

_TINY = 1e-8  # keeps a square root's slope finite where all is zero


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a model says to a batch."""

    logits: Tensor  # [N, classes]
    features: tuple[Tensor, ...]  # of the layers that a loss pairs, [N, ..., channels] each

    def only(self, first: int, end: int) -> Outputs:
        """With the features from `first` to before `end`."""
        return Outputs(self.logits, self.features[first:end])


class Loss(Protocol):
    """One reason to change the student's weights."""

    @property
    def weight(self) -> float:
        """By what it is multiplied before all losses of a stage are added up."""
        ...

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The layers whose outputs it compares."""
        ...

    @property
    def needs_teacher(self) -> bool:
        """Whether `targets` has something to compute."""
        ...

    def targets(self, teacher: Outputs, shapes: Sequence[tuple[int, ...]]) -> tuple[Tensor, ...]:
        """The teacher's side: tensors [N, ...]; `shapes` are the student's features' without N."""
        ...

    def value(self, student: Outputs, labels: Tensor, targets: Sequence[Tensor]) -> Tensor:
        """The mean over the batch, not yet weighted."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HardLabels:
    """Cross-entropy with the labels.

    label_smoothing: share of the probability that is spread over all classes (Szegedy et al. 2016,
        arXiv:1512.00567, section 7), 0..1.
    """

    label_smoothing: float = 0.0
    weight: float = 1.0

    pairs = ()
    needs_teacher = False

    def __post_init__(self) -> None:
        _refuse_outside("HardLabels", "label_smoothing", self.label_smoothing, 0.0, 1.0)
        _refuse_odd_weight("HardLabels", self.weight)

    def targets(self, teacher: Outputs, shapes: Sequence[tuple[int, ...]]) -> tuple[Tensor, ...]:
        """Nothing: the teacher is not asked."""
        del teacher, shapes
        return ()

    def value(self, student: Outputs, labels: Tensor, targets: Sequence[Tensor]) -> Tensor:
        """Cross-entropy in nats."""
        del targets
        return _cross_entropy(student.logits, labels, self.label_smoothing)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftLabels:
    """The teacher's answers, softened (Hinton et al. 2015, arXiv:1503.02531, section 2).

    alpha * T² * KL(teacher || student) + (1 - alpha) * cross-entropy with the labels, where both
    distributions are taken at temperature T. The factor T² keeps the slope's size as T changes.

    temperature: T > 0; at high ones the teacher also says which wrong answers it finds likely.
    alpha: 0 (labels only) to 1 (teacher only).
    label_smoothing: of the labels, as in HardLabels.
    """

    temperature: float = 4.0
    alpha: float = 0.7
    label_smoothing: float = 0.0
    weight: float = 1.0

    pairs = ()
    needs_teacher = True

    def __post_init__(self) -> None:
        _refuse_outside("SoftLabels", "alpha", self.alpha, 0.0, 1.0)
        _refuse_outside("SoftLabels", "label_smoothing", self.label_smoothing, 0.0, 1.0)
        _refuse_odd_weight("SoftLabels", self.weight)
        if not _is_number(self.temperature) or not 0 < self.temperature < float("inf"):
            raise RecipeError(
                f"SoftLabels: the temperature must be positive, not {self.temperature!r}",
                hint="from 2 to 6 is usual",
            )

    def targets(self, teacher: Outputs, shapes: Sequence[tuple[int, ...]]) -> tuple[Tensor, ...]:
        """The teacher's logits, at temperature 1: [N, classes]."""
        del shapes
        return (teacher.logits,)

    def value(self, student: Outputs, labels: Tensor, targets: Sequence[Tensor]) -> Tensor:
        """In nats."""
        tf = tensorflow()
        theirs = tf.nn.log_softmax(targets[0] / self.temperature)
        ours = tf.nn.log_softmax(student.logits / self.temperature)
        divergence = tf.reduce_mean(tf.reduce_sum(tf.exp(theirs) * (theirs - ours), axis=-1))
        hard = _cross_entropy(student.logits, labels, self.label_smoothing)
        return self.alpha * self.temperature**2 * divergence + (1 - self.alpha) * hard


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionTransfer:
    """Look where the teacher looks (Zagoruyko and Komodakis 2017, arXiv:1612.03928, section 3.1).

    A feature map becomes the mean over its channels of squared values, one number a position,
    divided by its Euclidean norm. The loss is the squared distance of the student's map from the
    teacher's, the mean over the batch and the pairs. It lies between 0 and 2 at every resolution,
    so weights from 0.1 to 1 stand beside a cross-entropy; far greater ones drown the labels.

    Where the two maps differ in size, the teacher's is brought to the student's by averaging the
    area that each position covers. One-dimensional features are maps one position wide.

    pairs: (layer of the teacher, layer of the student), for layers with positions.
    """

    pairs: tuple[Pair, ...]
    weight: float = 1.0

    needs_teacher = True

    def __post_init__(self) -> None:
        _refuse_odd_pairs("AttentionTransfer", self.pairs)
        _refuse_odd_weight("AttentionTransfer", self.weight)

    def targets(self, teacher: Outputs, shapes: Sequence[tuple[int, ...]]) -> tuple[Tensor, ...]:
        """The teacher's maps at the student's sizes: [N, positions] each, of norm 1."""
        maps = [
            _resized(_channel_mean_of_squares(feature), shape)
            for feature, shape in zip(teacher.features, shapes, strict=True)
        ]
        return tuple(_normalised(_flat(attention)) for attention in maps)

    def value(self, student: Outputs, labels: Tensor, targets: Sequence[Tensor]) -> Tensor:
        """0..2."""
        del labels
        tf = tensorflow()
        distances = [
            tf.reduce_sum(
                tf.square(_normalised(_flat(_channel_mean_of_squares(feature))) - target), axis=-1
            )
            for feature, target in zip(student.features, targets, strict=True)
        ]
        return tf.reduce_mean(tf.stack(distances))


@dataclass(frozen=True, slots=True, kw_only=True)
class GramRelation:
    """Find alike what the teacher finds alike (Tung and Mori 2019, arXiv:1907.09682, section 3).

    The Gram matrix of a batch holds the inner products of its samples' flattened features, [N, N];
    each row is divided by its Euclidean norm. The loss is the squared distance between the
    student's row and the teacher's, the mean over the rows and the pairs: between 0 and 4, the
    paper's times the batch size, so that its weight does not depend on it. The two layers may
    differ in every dimension.

    pairs: (layer of the teacher, layer of the student).
    """

    pairs: tuple[Pair, ...]
    weight: float = 1.0

    needs_teacher = True

    def __post_init__(self) -> None:
        _refuse_odd_pairs("GramRelation", self.pairs)
        _refuse_odd_weight("GramRelation", self.weight)

    def targets(self, teacher: Outputs, shapes: Sequence[tuple[int, ...]]) -> tuple[Tensor, ...]:
        """The teacher's features, flattened: the matrix depends on who else is in the batch."""
        del shapes
        return tuple(_flat(feature) for feature in teacher.features)

    def value(self, student: Outputs, labels: Tensor, targets: Sequence[Tensor]) -> Tensor:
        """0..4."""
        del labels
        tf = tensorflow()
        distances = [
            tf.reduce_sum(tf.square(_gram(_flat(feature)) - _gram(target)), axis=-1)
            for feature, target in zip(student.features, targets, strict=True)
        ]
        return tf.reduce_mean(tf.stack(distances))


def _cross_entropy(logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    tf = tensorflow()
    classes = logits.shape[-1]
    wanted = tf.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes
    return -tf.reduce_mean(tf.reduce_sum(wanted * tf.nn.log_softmax(logits), axis=-1))


def _channel_mean_of_squares(feature: Tensor) -> Tensor:
    """[N, ..., C] -> [N, ...]."""
    tf = tensorflow()
    return tf.reduce_mean(tf.square(feature), axis=-1)


def _resized(attention: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A map [N, H, W] or [N, L] at the positions of the student's feature `shape` [..., C]."""
    tf = tensorflow()
    if len(attention.shape) not in (2, 3) or len(shape) not in (2, 3):
        raise RecipeError(
            "AttentionTransfer compares layers with positions, [N, H, W, C] or [N, L, C]; the "
            f"teacher's layer has {len(attention.shape) + 1} dimensions, the student's "
            f"{len(shape) + 1}",
            hint="pair convolutions or their activations, or use GramRelation",
        )
    wanted = (*shape[:-1], 1)[:2]
    if len(attention.shape) == 2:
        attention = attention[:, :, None]
    if tuple(attention.shape[1:]) == wanted:
        return attention
    return tf.image.resize(attention[..., None], wanted, method="area")[..., 0]


def _flat(values: Tensor) -> Tensor:
    tf = tensorflow()
    return tf.reshape(values, (tf.shape(values)[0], -1))


def _normalised(rows: Tensor) -> Tensor:
    """Each row of [N, M] divided by its Euclidean norm."""
    return tensorflow().math.l2_normalize(rows, axis=-1, epsilon=_TINY)


def _gram(rows: Tensor) -> Tensor:
    """[N, M] -> [N, N]."""
    return _normalised(tensorflow().matmul(rows, rows, transpose_b=True))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _refuse_outside(loss: str, name: str, value: object, low: float, high: float) -> None:
    if not _is_number(value) or not low <= value <= high:  # type: ignore[operator]
        raise RecipeError(f"{loss}: {name} must be from {low:g} to {high:g}, not {value!r}")


def _refuse_odd_weight(loss: str, weight: object) -> None:
    if not _is_number(weight) or not 0 < weight < float("inf"):  # type: ignore[operator]
        raise RecipeError(
            f"{loss}: the weight must be a positive number, not {weight!r}",
            hint="leave a loss out instead of giving it a weight of 0",
        )


def _refuse_odd_pairs(loss: str, pairs: object) -> None:
    well_formed = (
        isinstance(pairs, tuple)
        and pairs
        and all(
            isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(n, str) for n in pair)
            for pair in pairs
        )
    )
    if not well_formed:
        raise RecipeError(
            f"{loss}: pairs must be a tuple of pairs of layer names, not {pairs!r}",
            hint='write pairs=(("teacher_layer", "student_layer"),), with the comma at the end',
        )
