"""The motion data are divided by person, finite and of the shape that the models take."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "gestures"


@pytest.fixture(scope="module")
def example():
    """Imports a module of the example, which finds its neighbours as a script does."""
    before = set(sys.modules)
    sys.path.insert(0, str(EXAMPLE))
    yield importlib.import_module
    sys.path.remove(str(EXAMPLE))
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", "") and "gestures" in str(
            sys.modules[name].__file__
        ):
            del sys.modules[name]


@pytest.fixture(scope="module")
def data(example):
    return example("data")


@pytest.fixture(scope="module")
def motion(data):
    return data.load()


PARTS = ("training", "validation", "test")


def test_nobody_is_in_two_parts(motion):
    people = [set(getattr(motion, part).people.tolist()) for part in PARTS]
    assert [len(part) for part in people] == [5, 2, 3]
    assert len(set.union(*people)) == 10


def test_no_segment_of_one_part_is_in_another(motion):
    def digests(part):
        return {segment.tobytes() for segment in getattr(motion, part).motion}

    training, validation, test = map(digests, PARTS)
    assert not training & test
    assert not training & validation
    assert not validation & test


@pytest.mark.parametrize("part", PARTS)
def test_segments_have_the_shape_that_the_models_take(data, motion, part):
    segments = getattr(motion, part)
    assert segments.motion.shape == (len(segments), data.STEPS, data.CHANNELS)
    assert segments.motion.dtype == np.float32
    assert np.isfinite(segments.motion).all()
    assert set(segments.labels.tolist()) == set(range(len(data.GESTURES)))
    first = segments.labels[: len(segments) // 4]  # of a random order: no class is missing
    assert set(first.tolist()) == set(range(len(data.GESTURES)))


def test_the_scale_is_that_of_the_training_people_alone(data, motion):
    training = motion.training.motion  # segments overlap, so this is nearly the recordings'
    assert training[..., :3].std() == pytest.approx(1, abs=0.02)
    assert training[..., 3:].std() == pytest.approx(1, abs=0.02)
    assert motion.scale.tolist() == [motion.scale[0]] * 3 + [motion.scale[3]] * 3


def test_another_person_moves_alike_but_not_the_same(example, motion):
    wearing = example("wearing")
    some = motion.training.motion[:64]
    worn = wearing.OtherPeople()(some, np.random.default_rng(1))
    again = wearing.OtherPeople()(some, np.random.default_rng(1))
    assert worn.shape == some.shape
    assert worn.dtype == np.float32
    assert (worn == again).all()
    lengths = [np.linalg.norm(values[..., :3], axis=-1).mean() for values in (some, worn)]
    assert lengths[1] == pytest.approx(lengths[0], rel=0.1)
    assert not np.allclose(worn, some, atol=0.1)


def test_a_turned_watch_turns_both_sensors_and_stretches_neither(example):
    wearing = example("wearing")
    turn = wearing.rotations(50, 25.0, np.random.default_rng(0))
    assert turn @ turn.transpose(0, 2, 1) == pytest.approx(np.broadcast_to(np.eye(3), turn.shape))
    assert np.linalg.det(turn) == pytest.approx(np.ones(50))
    angles = np.rad2deg(np.arccos((np.trace(turn, axis1=1, axis2=2) - 1) / 2))
    assert 20 < angles.max() <= 25
    still = wearing.OtherPeople(turn_degrees=0, pace=0, force=0)
    segment = np.arange(12, dtype=np.float32).reshape(1, 2, 6)
    assert still(segment, np.random.default_rng(0)) == pytest.approx(segment)


def test_a_faster_pace_reads_the_segment_faster(example):
    wearing = example("wearing")
    ramp = np.repeat(np.arange(128.0)[None, :, None], 6, axis=2)
    moved = wearing.at_pace(ramp, np.array([1.25]), np.random.default_rng(0))[0, :, 0]
    inside = np.flatnonzero((moved > 0) & (moved < 127))
    assert np.diff(moved[inside]) == pytest.approx(np.full(len(inside) - 1, 1.25))
