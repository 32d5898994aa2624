"""Losses against their formulas, written down a second time in NumPy."""

import numpy as np
import pytest

from edgekit.errors import RecipeError
from edgekit.training import AttentionTransfer, GramRelation, HardLabels, SoftLabels
from edgekit.training.losses import Outputs

RANDOM = np.random.default_rng(5)
LABELS = np.array([0, 2, 1, 2], np.int32)
PAIRS = (("a", "b"),)


def features(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=(4, *shape)).astype(np.float32)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def value(loss, teacher: Outputs, student: Outputs) -> float:
    targets = loss.targets(teacher, [feature.shape[1:] for feature in student.features])
    return float(loss.value(student, LABELS, targets))


def says(logits: np.ndarray, *given: np.ndarray) -> Outputs:
    return Outputs(logits, given)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_hard_labels(smoothing: float) -> None:
    logits = features(3)
    wanted = np.eye(3)[LABELS] * (1 - smoothing) + smoothing / 3
    expected = -(wanted * log_softmax(logits)).sum(axis=-1).mean()
    loss = HardLabels(label_smoothing=smoothing)
    assert value(loss, says(logits), says(logits)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("alpha", [0.0, 0.7, 1.0])
def test_soft_labels(alpha: float) -> None:
    ours, theirs, t = features(3), features(3), 4.0
    p, q = log_softmax(theirs / t), log_softmax(ours / t)
    divergence = (np.exp(p) * (p - q)).sum(axis=-1).mean()
    hard = -log_softmax(ours)[np.arange(4), LABELS].mean()
    expected = alpha * t**2 * divergence + (1 - alpha) * hard
    loss = SoftLabels(temperature=t, alpha=alpha)
    assert value(loss, says(theirs), says(ours)) == pytest.approx(expected, rel=1e-4)


def attention(feature: np.ndarray) -> np.ndarray:
    flat = np.square(feature).mean(axis=-1).reshape(4, -1)
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)


@pytest.mark.parametrize(("theirs", "ours"), [((6, 4, 5), (6, 4, 2)), ((9, 5), (9, 2))])
def test_attention_transfer(theirs: tuple[int, ...], ours: tuple[int, ...]) -> None:
    a, b = features(*theirs), features(*ours)
    expected = np.square(attention(a) - attention(b)).sum(axis=-1).mean()
    got = value(AttentionTransfer(pairs=PAIRS), says(a, a), says(b, b))
    assert got == pytest.approx(expected, rel=1e-4)
    assert 0 < got < 2


def test_attention_at_another_resolution_is_averaged_over_areas() -> None:
    a, b = features(8, 6, 5), features(4, 2, 3)
    pooled = np.square(a).mean(axis=-1).reshape(4, 4, 2, 2, 3).mean(axis=(2, 4)).reshape(4, -1)
    pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
    expected = np.square(pooled - attention(b)).sum(axis=-1).mean()
    got = value(AttentionTransfer(pairs=PAIRS), says(a, a), says(b, b))
    assert got == pytest.approx(expected, rel=1e-4)


def test_gram_relation() -> None:
    def gram(feature: np.ndarray) -> np.ndarray:
        flat = feature.reshape(4, -1)
        product = flat @ flat.T
        return product / np.linalg.norm(product, axis=1, keepdims=True)

    a, b = features(8, 6, 5), features(7)
    expected = np.square(gram(a) - gram(b)).sum(axis=-1).mean()
    got = value(GramRelation(pairs=PAIRS), says(a, a), says(b, b))
    assert got == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("kind", [AttentionTransfer, GramRelation])
def test_a_student_like_its_teacher_has_nothing_to_learn_from_features(kind: type) -> None:
    a = features(4, 4, 3)
    assert value(kind(pairs=PAIRS), says(a, a), says(a, 3 * a)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: SoftLabels(temperature=0), "temperature must be positive"),
        (lambda: SoftLabels(alpha=1.5), "alpha must be from 0 to 1"),
        (lambda: HardLabels(weight=0), "weight must be a positive number"),
        (lambda: HardLabels(label_smoothing="much"), "label_smoothing must be"),
        (lambda: AttentionTransfer(pairs=("a", "b")), "pairs must be a tuple of pairs"),
        (lambda: GramRelation(pairs=()), "pairs must be a tuple of pairs"),
    ],
)
def test_odd_terms_are_refused(build, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        build()


def test_attention_needs_positions() -> None:
    dense = says(features(3), features(7))
    with pytest.raises(RecipeError, match="layers with positions"):
        value(AttentionTransfer(pairs=PAIRS), dense, dense)
