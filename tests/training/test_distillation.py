"""Both arms, the same every time, whatever interrupts them."""

import json
import shutil

import numpy as np
import pytest
from support import stripes

from edgekit.errors import RecipeError, TrainingError, UserError
from edgekit.training import (
    AttentionTransfer,
    Data,
    DistillationResult,
    HardLabels,
    Shift,
    SoftLabels,
    Stage,
    TeacherTraining,
    distil,
)
from edgekit.training.framework import keras

#: Keras' own way to save a model.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

PIECES = {"data": stripes.data, "teacher": stripes.teacher, "student": stripes.student}


def weights(path) -> bytes:
    model = keras().saving.load_model(path, compile=False)
    return b"".join(w.tobytes() for w in model.get_weights())


def figures(result: DistillationResult) -> list[tuple[float, float]]:
    return [(s.alone.test_accuracy, s.distilled.test_accuracy) for s in result.seeds]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> DistillationResult:
    """A distillation that nothing interrupted."""
    return distil(stripes.recipe(), tmp_path_factory.mktemp("whole"), **PIECES)


def test_a_distillation_leaves_models_and_figures(whole):
    files = {path.name for path in whole.directory.iterdir()}
    assert files >= {"teacher.keras", "student.keras", "alone.keras", "results.json"}
    document = json.loads((whole.directory / "results.json").read_text())
    assert document == json.loads(whole.to_json())
    assert [seed["seed"] for seed in document["seeds"]] == [0, 1]
    assert document["difference"]["mean"] == pytest.approx(
        document["distilled"]["mean"] - document["alone"]["mean"]
    )
    assert whole.teacher_test_accuracy > 0.8  # something was learned
    assert whole.student.macs == 4 * 4 * 9 * 4 + 4 * 3
    assert whole.teacher.parameters > 2 * whole.student.parameters
    for seed in whole.seeds:
        assert seed.alone.epochs == seed.distilled.epochs == 4


def test_the_kept_student_is_the_one_that_the_validation_data_prefer(whole):
    model = keras().saving.load_model(whole.directory / "student.keras", compile=False)
    inputs, labels = stripes.data().test
    accuracy = (model(inputs).numpy().argmax(axis=1) == labels).mean()
    kept = next(s for s in whole.seeds if s.seed == whole.kept_seed)
    assert accuracy == pytest.approx(kept.distilled.test_accuracy)
    best = max(s.distilled.validation_accuracy for s in whole.seeds)
    assert kept.distilled.validation_accuracy == best


def test_the_same_recipe_gives_the_same_weights_again(whole, tmp_path):
    again = distil(stripes.recipe(), tmp_path, **PIECES)
    assert figures(again) == figures(whole)
    for name in ("teacher.keras", "student.keras", "alone.keras"):
        assert weights(tmp_path / name) == weights(whole.directory / name)


def test_another_seed_gives_other_weights(whole, tmp_path):
    distil(stripes.recipe(seeds=(5,)), tmp_path, **PIECES)
    assert weights(tmp_path / "teacher.keras") == weights(whole.directory / "teacher.keras")
    assert weights(tmp_path / "alone.keras") != weights(whole.directory / "alone.keras")


def test_the_arms_differ_in_their_losses_alone(tmp_path):
    labels = Stage("labels", losses=(HardLabels(),), epochs=2, learning_rate=2e-2)
    distil(stripes.recipe(stages=(labels,), seeds=(3,)), tmp_path, **PIECES)
    assert weights(tmp_path / "student.keras") == weights(tmp_path / "alone.keras")


class Interruption:
    """Breaks off when a stage is told of that starts with `words`."""

    def __init__(self, words: str) -> None:
        self.words = words
        self.told: list[str] = []

    def __call__(self, stage: str, done: int, total: int) -> None:
        assert 0 <= done <= total
        self.told.append(stage)
        if stage.startswith(self.words):
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    "words",
    [
        "teacher: labels, epoch 3/4",
        "distilled, seed 0: look, epoch 2/4",
        "distilled, seed 0: answer, epoch 4/4",
        "alone, seed 1: answer, epoch 3/4",
    ],
)
def test_an_interrupted_distillation_goes_on_as_if_nothing_had_been(whole, tmp_path, words):
    with pytest.raises(KeyboardInterrupt):
        distil(stripes.recipe(), tmp_path, **PIECES, progress=Interruption(words))
    name = words.split(":")[0].replace(", seed ", "-seed")
    best_so_far = tmp_path / "checkpoints" / f"{name}.keras"
    assert keras().saving.load_model(best_so_far, compile=False).count_params() > 0

    told = Interruption("nothing")
    resumed = distil(stripes.recipe(), tmp_path, **PIECES, progress=told)
    arm, _, rest = words.partition(":")
    epochs = {stage.partition("epoch ")[2][0] for stage in told.told if stage.startswith(arm)}
    assert min(epochs) == rest.partition("epoch ")[2][0]  # none is done twice
    assert figures(resumed) == figures(whole)
    for file in ("teacher.keras", "student.keras", "alone.keras"):
        assert weights(tmp_path / file) == weights(whole.directory / file)
    assert not best_so_far.exists()


def test_what_is_done_is_not_done_again_but_another_recipe_is(whole, tmp_path):
    shutil.copytree(whole.directory, tmp_path / "copy")
    told = Interruption("nothing")
    distil(stripes.recipe(), tmp_path / "copy", **PIECES, progress=told)
    assert not any("epoch" in stage for stage in told.told)
    changed = stripes.recipe(alone=HardLabels(label_smoothing=0.1))
    distil(changed, tmp_path / "copy", **PIECES, progress=told)
    assert {s.split(":")[0] for s in told.told if "epoch" in s} == {
        "alone, seed 0",
        "alone, seed 1",
    }


def test_a_torn_state_is_not_trusted(whole, tmp_path):
    shutil.copytree(whole.directory, tmp_path / "copy")
    state = tmp_path / "copy" / "checkpoints" / "alone-seed0.npz"
    state.write_bytes(state.read_bytes()[:1000])
    again = distil(stripes.recipe(), tmp_path / "copy", **PIECES)
    assert figures(again) == figures(whole)


def test_a_training_that_diverges_says_where_and_keeps_the_best(tmp_path):
    stages = (
        Stage("calm", losses=(HardLabels(),), epochs=1, learning_rate=1e-2),
        Stage("wild", losses=(SoftLabels(),), epochs=2, learning_rate=1e30),
    )
    with pytest.raises(TrainingError) as caught:
        distil(stripes.recipe(stages=stages), tmp_path, **PIECES)
    text = str(caught.value)
    for words in ("alone, seed 0 diverged", "stage wild", "epoch 1 of 2", "seed 0"):
        assert words in text
    kept = tmp_path / "checkpoints" / "alone-seed0.keras"
    assert str(kept) in text
    assert keras().saving.load_model(kept, compile=False).count_params() > 0
    assert "1e+30" in caught.value.hint
    assert not list(tmp_path.rglob(".*-*"))


def test_augmentation_is_part_of_what_is_the_same_every_time(tmp_path):
    recipe = stripes.recipe(augmentation=Shift(1), seeds=(0,))
    first = distil(recipe, tmp_path / "a", **PIECES)
    interruption = Interruption("distilled, seed 0: look, epoch 2/4")
    with pytest.raises(KeyboardInterrupt):
        distil(recipe, tmp_path / "b", **PIECES, progress=interruption)
    second = distil(recipe, tmp_path / "b", **PIECES)
    assert figures(first) == figures(second)
    assert weights(tmp_path / "a" / "student.keras") == weights(tmp_path / "b" / "student.keras")


def test_shift_moves_by_whole_pixels_and_fills():
    image = np.zeros((200, 5, 5, 1), np.float32)
    image[:, 2, 2] = 1
    moved = Shift(2, fill=-1.0)(image, np.random.default_rng(0))
    places = {tuple(np.argwhere(one[..., 0] == 1)[0]) for one in moved}
    assert places == {(y, x) for y in range(5) for x in range(5)}
    assert set(np.unique(moved)) == {-1.0, 0.0, 1.0}


def test_a_trained_teacher_may_be_given_as_a_file(whole, tmp_path):
    pieces = {**PIECES, "teacher": lambda: whole.directory / "teacher.keras"}
    result = distil(stripes.recipe(teacher_training=None), tmp_path, **pieces)
    assert figures(result) == figures(whole)
    assert result.teacher_seconds == 0
    assert not (tmp_path / "teacher.keras").exists()


def test_a_teacher_that_ends_in_a_softmax_says_the_same(whole, tmp_path):
    def teacher():
        model = keras().saving.load_model(whole.directory / "teacher.keras", compile=False)
        return keras().Model(model.inputs, keras().layers.Softmax()(model.outputs[0]))

    result = distil(
        stripes.recipe(teacher_training=None, seeds=(0,)),
        tmp_path,
        **{**PIECES, "teacher": teacher},
    )
    assert result.teacher_test_accuracy == whole.teacher_test_accuracy
    model = keras().saving.load_model(tmp_path / "student.keras", compile=False)
    reference = np.load(whole.directory / "checkpoints" / "distilled-seed0.npz")
    first = json.loads(str(reference["facts"]))["best_epoch"]
    assert first >= 0 and model.count_params() > 0
    assert result.seeds[0].distilled.validation_accuracy == pytest.approx(
        whole.seeds[0].distilled.validation_accuracy, abs=0.1
    )


def test_nobody_else_may_train_into_the_same_directory(tmp_path):
    def student():
        with pytest.raises(UserError, match="another training writes into"):
            distil(stripes.recipe(), tmp_path, **PIECES)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        distil(stripes.recipe(), tmp_path, **{**PIECES, "student": student})


def _stage(loss) -> tuple[Stage, ...]:
    return (Stage("only", losses=(loss,), epochs=1),)


@pytest.mark.parametrize(
    ("pairs", "words", "hint"),
    [
        ((("featurs", "features"),), "the teacher 'teacher' has no layer 'featurs'", "features"),
        ((("features", "logit"),), "the student 'student' has no layer 'logit'", "logits"),
        ((("pool", "features"),), "layers with positions", "pair convolutions"),
    ],
)
def test_odd_layers_are_refused_before_any_training(tmp_path, pairs, words, hint):
    stages = _stage(AttentionTransfer(pairs=pairs))
    told = Interruption("nothing")
    with pytest.raises(RecipeError, match=words) as caught:
        distil(stripes.recipe(stages=stages), tmp_path, **PIECES, progress=told)
    assert hint in caught.value.hint
    assert not any("epoch" in stage for stage in told.told)


def altered(**parts) -> Data:
    good = stripes.data()
    whole = {name: getattr(good, name) for name in ("train", "validation", "test")}
    return Data(**{**whole, **parts})


X, Y = stripes.stripes(12, 9)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: None, "must return Data"),
        (lambda: altered(test=X), "test must be a pair"),
        (lambda: altered(train=(X, Y[:5])), "train has 12 inputs and 5 labels"),
        (lambda: altered(test=(X[:0], Y[:0])), "test has 0 inputs"),
        (lambda: altered(test=(X[:, :4], Y)), r"samples of test have shape \(4, 8, 1\)"),
        (lambda: altered(train=(X * np.nan, Y)), "12 of 12 inputs hold NaN"),
        (lambda: altered(validation=(X, Y + 1)), "a label of validation is 3"),
        (lambda: altered(validation=(X, Y - 1)), "a label is -1"),
        (lambda: altered(test=(X, Y.astype(float))), "labels must be integers"),
        (lambda: altered(test=(X, np.eye(3)[Y])), "labels must be integers"),
        (lambda: altered(train=(np.array(["a"] * 12), Y)), "inputs must be numbers"),
    ],
)
def test_odd_data_are_refused_with_file_and_line(tmp_path, made, words):
    with pytest.raises(RecipeError, match=words) as caught:
        distil(stripes.recipe(), tmp_path, **{**PIECES, "data": made})
    assert ".py, line " in str(caught.value)


def dense(*shape: int, classes: int = 3):
    layers = keras().layers
    inputs = keras().Input(shape)
    return keras().Model(inputs, layers.Dense(classes)(layers.Flatten()(inputs)))


@pytest.mark.parametrize(
    ("piece", "made", "words"),
    [
        ("student", lambda: 7, "must return a keras.Model"),
        ("student", lambda: dense(4, 4, 1), r"takes samples of shape \(4, 4, 1\)"),
        ("student", lambda: dense(8, 8, 1, classes=2), "has 2 classes, but a label of train is 2"),
        ("teacher", lambda: dense(8, 8, 1, classes=4), "3 classes and the teacher has 4"),
        ("teacher", lambda: "nowhere.keras", "no file nowhere.keras"),
        ("teacher", lambda: __file__, "cannot be loaded by Keras"),
    ],
)
def test_models_that_do_not_fit_are_refused(tmp_path, piece, made, words):
    with pytest.raises(RecipeError, match=words):
        distil(stripes.recipe(), tmp_path, **{**PIECES, piece: made})


def test_an_augmentation_that_changes_shapes_is_refused(tmp_path):
    recipe = stripes.recipe(augmentation=lambda inputs, random: inputs[:, 1:])
    with pytest.raises(RecipeError, match="the augmentation makes"):
        distil(recipe, tmp_path, **PIECES)


def test_an_augmentation_that_fails_is_told_with_its_line(tmp_path):
    recipe = stripes.recipe(augmentation=lambda inputs, random: inputs.shift(2))
    with pytest.raises(RecipeError, match=r"py, line \d+, .*failed: AttributeError: "):
        distil(recipe, tmp_path, **PIECES)


def test_a_teacher_that_is_not_there_is_missed(tmp_path):
    from edgekit.training import fit

    with pytest.raises(RecipeError, match="needs a teacher"):
        fit(stripes.student(), _stage(SoftLabels()), stripes.data())


def test_teacher_training_has_a_budget():
    with pytest.raises(RecipeError, match="epochs must be a positive integer, not 0"):
        TeacherTraining(epochs=0)
