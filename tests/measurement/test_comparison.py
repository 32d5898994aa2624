"""What each step of a chain of models cost."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import InputError
from edgekit.ir import Array
from edgekit.measurement.comparison import Answers, classified, compare_answers

LABELS = np.arange(100) % 4


def one_hot(classes: Array) -> Array:
    return np.eye(4, dtype=np.float32)[classes]


def wrong(count: int) -> Array:
    classes = LABELS.copy()
    classes[:count] = (classes[:count] + 1) % 4
    return one_hot(classes)


def test_the_loss_is_shared_among_the_steps_that_caused_it() -> None:
    answers = [
        Answers(name="teacher", outputs=wrong(2)),
        Answers(name="student", outputs=wrong(5)),
        Answers(name="INT8", outputs=wrong(6)),
        Answers(name="device", outputs=wrong(6)),
    ]
    chain = compare_answers(answers, LABELS)
    assert chain.difference is not None
    assert chain.difference.value == pytest.approx(-0.04)
    teacher, student, integer, device = chain.steps
    assert teacher.accuracy is not None and teacher.accuracy.value == pytest.approx(0.98)
    assert teacher.difference is None and teacher.agreement is None
    assert student.share_of_loss == pytest.approx(0.75)
    assert integer.share_of_loss == pytest.approx(0.25)
    assert device.share_of_loss == 0 and device.sqnr_db is None
    assert integer.agreement is not None and integer.agreement.value == pytest.approx(0.99)


def test_a_device_may_answer_fewer_samples() -> None:
    answers = [
        Answers(name="float", outputs=wrong(0)),
        Answers(name="device", outputs=wrong(1)[:10]),
    ]
    chain = compare_answers(answers, LABELS)
    step = chain.steps[1]
    assert step.samples == 10
    assert chain.difference is None  # nobody but the first answered all
    assert step.difference is not None
    assert step.difference.value == pytest.approx(-0.1)


def test_nothing_lost_means_nobody_is_to_blame() -> None:
    answers = [Answers(name="a", outputs=wrong(3)), Answers(name="b", outputs=wrong(1))]
    assert compare_answers(answers, LABELS).steps[1].share_of_loss is None


def test_without_labels_only_agreement_is_known() -> None:
    answers = [Answers(name="a", outputs=wrong(0)), Answers(name="b", outputs=wrong(1))]
    step = compare_answers(answers, None).steps[1]
    assert step.accuracy is None and step.difference is None
    assert step.agreement is not None and step.agreement.value == pytest.approx(0.99)


def test_signals_have_no_classes() -> None:
    answers = [Answers(name="a", outputs=wrong(0)), Answers(name="b", outputs=wrong(0) * 0.9)]
    step = compare_answers(answers, None, classifies=False).steps[1]
    assert step.agreement is None
    assert step.sqnr_db == pytest.approx(20, abs=1e-3)


def test_a_single_output_is_a_threshold() -> None:
    probabilities = np.array([[0.2], [0.9]])
    assert classified(probabilities).tolist() == [0, 1]
    assert classified(probabilities - 0.5).tolist() == [0, 1]


@pytest.mark.parametrize(("labels", "said"), [([4], "a label is 4"), ([-1], "a label is -1")])
def test_labels_outside_the_classes_are_refused(labels: list[int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        compare_answers([Answers(name="a", outputs=one_hot(np.array([0])))], np.array(labels))


def test_models_that_answer_other_questions_are_refused() -> None:
    answers = [
        Answers(name="a", outputs=wrong(0)),
        Answers(name="b", outputs=np.zeros((100, 3), np.float32)),
    ]
    with pytest.raises(InputError, match="a has 4 outputs and b has 3"):
        compare_answers(answers, LABELS)
