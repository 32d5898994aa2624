"""Training with INT8's rounding: what it gains, what it leaves, and that it is repeatable."""

import numpy as np
import pytest
from support import stripes
from support.keras_int8 import to_int8

from edgekit.conversion import litert
from edgekit.errors import ModelError, RecipeError, TrainingError
from edgekit.training import HardLabels, Stage, fit, quantization_aware_fine_tune
from edgekit.training.evaluation import Examiner
from edgekit.training.framework import keras, make_deterministic
from edgekit.training.quantization_aware import calibrate, quantization_aware
from edgekit.training.quantization_aware_training import calibration_samples

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def trained():
    """A model that knows stripes, with channels of such different sizes that INT8 hurts it."""
    make_deterministic(0)
    model = stripes.student()
    stage = Stage("labels", losses=(HardLabels(),), epochs=6, learning_rate=1e-2)
    fit(model, (stage,), stripes.data(), batch_size=32)
    return model


@pytest.fixture(scope="module")
def tuned(trained):
    return quantization_aware_fine_tune(trained, stripes.data(), 2, batch_size=32)


def test_the_integer_model_predicts_what_the_rounding_model_predicts(tuned):
    data = stripes.data()
    inputs, labels = data.test
    logits = Examiner(tuned.rounded).logits(inputs)
    (integer,) = litert.outputs(to_int8(tuned.model, calibration_samples(data)), (inputs,))
    assert (logits.argmax(axis=1) == integer.argmax(axis=1)).mean() >= 0.99
    assert (integer.argmax(axis=1) == labels).mean() > 0.8


def test_it_is_no_worse_than_the_same_model_rounded_without_training(trained, tuned):
    data = stripes.data()
    untrained = quantization_aware(trained)
    calibrate(untrained, calibration_samples(data))
    before, _ = Examiner(untrained).scores(data.test)
    after, _ = Examiner(tuned.rounded).scores(data.test)
    assert after >= before - 0.02
    assert len(tuned.fitted.history) == 2


def test_the_same_seed_gives_the_same_weights_and_another_does_not(trained, tuned):
    again = quantization_aware_fine_tune(trained, stripes.data(), 2, batch_size=32)
    other = quantization_aware_fine_tune(trained, stripes.data(), 2, batch_size=32, seed=1)
    for first, second in zip(tuned.model.get_weights(), again.model.get_weights(), strict=True):
        assert np.array_equal(first, second)
    pairs = zip(tuned.model.get_weights(), other.model.get_weights(), strict=True)
    assert any(not np.array_equal(first, second) for first, second in pairs)


def test_it_goes_on_where_it_was(trained, tuned, tmp_path):
    state = tmp_path / "state.npz"

    class StopError(Exception):
        pass

    def stop(stage: str, done: int, total: int) -> None:
        if state.exists():
            raise StopError

    options = {"batch_size": 32, "checkpoint": state}
    with pytest.raises(StopError):
        quantization_aware_fine_tune(trained, stripes.data(), 2, progress=stop, **options)
    assert state.with_suffix(".keras").exists()  # the best so far
    again = quantization_aware_fine_tune(trained, stripes.data(), 2, **options)
    for first, second in zip(tuned.model.get_weights(), again.model.get_weights(), strict=True):
        assert np.array_equal(first, second)


def test_a_training_that_diverges_is_one_sentence(trained):
    with pytest.raises(TrainingError, match="quantisation-aware, seed 0 diverged"):
        quantization_aware_fine_tune(trained, stripes.data(), 3, learning_rate=1e30)


def test_models_and_data_that_do_not_fit_are_refused(trained):
    layers = keras().layers
    inputs = keras().Input((5, 5, 1))
    wrong = keras().Model(inputs, layers.Dense(3)(layers.Flatten()(inputs)))
    with pytest.raises(RecipeError, match="takes samples of shape"):
        quantization_aware_fine_tune(wrong, stripes.data(), 1)
    inputs = keras().Input(trained.inputs[0].shape[1:])
    x = layers.Flatten()(layers.LayerNormalization(name="odd")(inputs))
    with pytest.raises(ModelError, match="odd"):
        quantization_aware_fine_tune(keras().Model(inputs, layers.Dense(3)(x)), stripes.data(), 1)
