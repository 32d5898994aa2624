"""Both arms of a pruning, the same every time; and `edgekit prune` as a user has it."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support import stripes

from edgekit.errors import ModelError, RecipeError, TrainingError
from edgekit.training import (
    HardLabels,
    PruningOptions,
    PruningResult,
    SoftLabels,
    Stage,
    fit,
    prune_and_compare,
)
from edgekit.training.evaluation import Examiner
from edgekit.training.framework import keras, make_deterministic

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
SUPPORT = Path(__file__).parents[1]
OPTIONS = PruningOptions(keep_macs=0.6)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A .keras file of a model that knows stripes."""
    make_deterministic(0)
    model = stripes.teacher()
    stage = Stage("labels", losses=(HardLabels(),), epochs=4, learning_rate=1e-2)
    fit(model, (stage,), stripes.data(), batch_size=32)
    path = tmp_path_factory.mktemp("model") / "whole.keras"
    model.save(path)
    return path


def recipe(**changes):
    stage = Stage("labels", losses=(SoftLabels(),), epochs=2, learning_rate=5e-3)
    return dataclasses.replace(stripes.recipe(), stages=(stage,), **changes)


@pytest.fixture(scope="module")
def result(trained, tmp_path_factory) -> PruningResult:
    return prune_and_compare(
        recipe(),
        tmp_path_factory.mktemp("pruned"),
        data=stripes.data,
        model=trained,
        options=OPTIONS,
        quantization_aware_epochs=1,
    )


def test_a_pruning_leaves_models_and_figures(result):
    files = {path.name for path in result.directory.iterdir()}
    assert files >= {"pruned.keras", "from-scratch.keras", "quantisation-aware.keras"}
    document = json.loads((result.directory / "results.json").read_text())
    assert document == json.loads(result.to_json())
    assert document["pruned"]["macs"] <= 0.6 * document["whole"]["macs"]
    assert document["pruned"]["parameters"] < document["whole"]["parameters"]
    assert [seed["seed"] for seed in document["seeds"]] == [0, 1]
    assert result.difference.mean == pytest.approx(
        result.fine_tuned.mean - result.from_scratch.mean
    )
    for seed in result.seeds:
        assert seed.fine_tuned.epochs == seed.from_scratch.epochs == 2
        assert seed.rounded is not None and seed.rounded.trained.epochs == 1


def test_the_kept_models_are_the_ones_that_were_measured(result):
    for file, seed, arm in (
        ("pruned.keras", result.kept_seed, "fine_tuned"),
        ("from-scratch.keras", result.kept_from_scratch_seed, "from_scratch"),
    ):
        model = keras().saving.load_model(result.directory / file, compile=False)
        (kept,) = (s for s in result.seeds if s.seed == seed)
        accuracy, _ = Examiner(model).scores(stripes.data().test)
        assert accuracy == getattr(kept, arm).test_accuracy


def test_the_same_seed_gives_the_same_weights_by_either_ranking(trained, tmp_path):
    options = PruningOptions(keep_macs=0.6, ranking="sensitivity")
    one = recipe(seeds=(0,))
    pieces = {"data": stripes.data, "model": trained, "options": options}
    made = [prune_and_compare(one, tmp_path / name, **pieces) for name in ("first", "second")]
    assert made[0].curves and made[0].curves == made[1].curves
    assert made[0].layers == made[1].layers
    first, second = (
        keras().saving.load_model(r.directory / "pruned.keras", compile=False) for r in made
    )
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        assert np.array_equal(a, b)


def test_both_arms_have_the_same_shape_and_start_differently(result):
    seed = result.seeds[0]
    assert seed.fine_tuned != seed.from_scratch
    pruned, scratch = (
        keras().saving.load_model(result.directory / file, compile=False)
        for file in ("pruned.keras", "from-scratch.keras")
    )
    assert [w.shape for w in pruned.get_weights()] == [w.shape for w in scratch.get_weights()]


def test_a_training_that_diverges_and_files_that_do_not_fit_are_one_sentence(trained, tmp_path):
    pieces = {"data": stripes.data, "options": OPTIONS}
    stage = Stage("labels", losses=(HardLabels(),), epochs=3, learning_rate=1e30)
    hot = dataclasses.replace(recipe(), stages=(stage,))
    with pytest.raises(TrainingError, match="fine-tuned, seed 0 diverged"):
        prune_and_compare(hot, tmp_path / "hot", model=trained, **pieces)
    with pytest.raises(RecipeError, match="--model: there is no file"):
        prune_and_compare(recipe(), tmp_path / "a", model=tmp_path / "no.keras", **pieces)
    broken = tmp_path / "broken.keras"
    broken.write_bytes(b"PK")
    with pytest.raises(RecipeError, match="cannot be loaded by Keras"):
        prune_and_compare(recipe(), tmp_path / "b", model=broken, **pieces)
    layers = keras().layers
    inputs = keras().Input(stripes.student().inputs[0].shape[1:])
    only = keras().Model(inputs, layers.Dense(3)(layers.Flatten()(inputs)))
    only.save(tmp_path / "only.keras")
    with pytest.raises(ModelError, match=r"no channel of .* can be removed"):
        prune_and_compare(recipe(), tmp_path / "c", model=tmp_path / "only.keras", **pieces)


@pytest.fixture
def run(trained, tmp_path):
    """run("--keep-macs", "0.5"): `edgekit prune` of the trained model, by a recipe of stripes."""
    (tmp_path / "stripes.py").write_text(
        "from support.stripes import data, student, teacher\n"
        "from support import stripes\n"
        "recipe = stripes.recipe()\n"
    )
    environment = os.environ | {"PYTHONPATH": str(SUPPORT), "COLUMNS": "100", "NO_COLOR": "1"}
    line = [sys.executable, "-m", "edgekit", "prune", "stripes.py", "-m", str(trained)]

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        options = {"env": environment, "cwd": tmp_path, "text": True, "timeout": 500}
        return subprocess.run([*line, "-o", "out", *words], capture_output=True, **options)

    return call


def test_the_command_refuses_an_odd_target_at_once(run):
    done = run("--keep-macs", "7")
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "error: keep_macs is 7"


@pytest.mark.slow
def test_the_command_prints_tables_or_json_or_one_sentence(run, tmp_path):
    words = ("--keep-macs", "0.6", "--round-to", "1", "--seeds", "0", "--qat", "1")
    done = run(*words)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for word in ("channels", "MACs", "fine-tuned", "from scratch", "trained so", "outputs"):
        assert word in done.stdout
    again = run(*words, "--json", "-")
    kept = json.loads((tmp_path / "out" / "results.json").read_text())
    assert {**json.loads(again.stdout), "seconds": 0} == {**kept, "seconds": 0}

    few = run("--keep-macs", "0.0001")
    assert few.returncode == 2
    assert "cannot be pruned to 0.0% of its multiply-accumulates" in few.stderr
