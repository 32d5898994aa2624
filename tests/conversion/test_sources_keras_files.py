"""Keras files and SavedModels: what becomes of them, and what is said of those that do not."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.conversion import litert, sources
from edgekit.conversion.sources import tensor_names
from edgekit.errors import ModelError, ToolMissingError

TESTS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Made:
    """What one run of support/keras_files.py left."""

    folder: Path
    outcomes: dict[str, dict[str, Any]]

    def samples(self, name: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """(inputs, what Keras makes of them)."""
        arrays = list(np.load(self.folder / f"{name}.npz").values())
        count = len(litert.interpreter(self.content(name)).get_input_details())
        return arrays[:count], arrays[count:]

    def content(self, name: str) -> bytes:
        outcome = self.outcomes[name]
        assert "refused" not in outcome, outcome
        return (self.folder / f"{name}.tflite").read_bytes()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """All files in one process, and that once for all of pytest-xdist's workers."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "keras_files"
    folder.mkdir(exist_ok=True)
    done = folder / "outcomes.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            environment = os.environ | {"PYTHONPATH": str(TESTS)}
            command = [sys.executable, str(TESTS / "support" / "keras_files.py"), str(folder)]
            run = subprocess.run(command, env=environment, capture_output=True, text=True)
            assert run.returncode == 0, run.stderr[-2000:]
    return Made(folder, json.loads(done.read_text()))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize(
    "name",
    [
        *("kws.keras", "mobilenet.keras", "resnet8.keras", "cnn1d.keras", "autoencoder.keras"),
        *("two_headed.keras", "kws.h5", "legacy.h5", "exported", "by_tensorflow", "module"),
        *("compiled.keras", "shared_names.keras"),
    ],
)
def test_the_tflite_computes_what_keras_computes(made: Made, name: str):
    inputs, expected = made.samples(name)
    found = litert.outputs(made.content(name), inputs)
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape
        assert np.std(theirs) > 1e-3
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-5)


def test_a_model_of_mixed_precision_computes_in_float32(made: Made):
    """Its outputs differ from Keras's by what float16 rounds off there."""
    inputs, expected = made.samples("mixed.keras")
    (found,) = litert.outputs(made.content("mixed.keras"), inputs)
    np.testing.assert_allclose(found, expected[0], rtol=0.02, atol=0.02)
    assert b"float16" not in made.content("mixed.keras")


def test_layers_keep_the_names_that_keras_gave_them(made: Made):
    facts = made.outcomes["shared_names.keras"]["facts"]
    content, layers = tensor_names.restored(
        made.content("shared_names.keras"), facts["tokens"], facts["outputs"]
    )
    details = litert.interpreter(content).get_tensor_details()
    shapes = {layers[d["name"]]: list(d["shape"]) for d in details if d["name"] in layers}
    assert shapes == {"dense_1": [1, 5], "dense": [1, 4]}


CUSTOM = ("'twice' (Doubled)", "the function loss_activation", "'crop' (Lambda)")
AGAIN = "fetch or save the model again"


@pytest.mark.parametrize(
    ("name", "words", "hint"),
    [
        ("custom.keras", CUSTOM, "live model"),
        ("unknown.h5", ("layer 'out' (MyDense)",), "live model"),
        ("dynamic.keras", ("input 'steps'", "[None, None, 4]", "dimension 1"), "keras.Input"),
        ("dynamic", ("input 'x'", "[None, None, 4]", "dimension 1"), "keras.Input"),
        ("unbuilt.keras", ("'bare'", "never built"), "model.build"),
        ("integers.keras", ("input 'ids'", "int32"), "float32"),
        ("strings", ("input 'word'", "string"), "float32"),
        ("poisoned.keras", ("NaN or infinite", "layers conv1d", ", dense"), "train again"),
        ("poisoned", ("NaN or infinite", "factor"), "train again"),
        ("truncated.keras", ("damaged zip",), AGAIN),
        ("flipped.keras", ("model.weights.h5", "checksum"), AGAIN),
        ("truncated.h5", ("damaged HDF5",), AGAIN),
        ("weightless.keras", ("no weights",), "model.save"),
        ("weights.weights.h5", ("only weights",), "model.save"),
        ("keras_2.keras", ("Keras 2.15.0",), "model.save('model.h5')"),
        ("two_signatures", ("2 signatures", "scale, shift"), "'serving_default'"),
        ("no_signature", ("no signature",), "model.export"),
        ("no_inputs", ("no inputs",), "save it"),
        ("unsupported", ("2 operators", "Erfinv", "MatrixInverse"), "README"),
        ("broken_variables", ("cannot read it",), "whole directory"),
    ],
)
def test_what_cannot_be_converted_is_refused(
    made: Made, name: str, words: tuple[str, ...], hint: str
):
    outcome = made.outcomes[name]
    assert "refused" in outcome
    for word in words:
        assert word in outcome["refused"]
    assert hint in outcome["hint"]
    assert "\n" not in outcome["refused"]
    assert not (made.folder / f"{name}.tflite").exists()


def test_a_keras_file_goes_through_a_process_of_its_own(
    made: Made, own_cache: Path, capfd: pytest.CaptureFixture[str]
):
    stages: set[str] = set()
    model = sources.load(made.folder / "kws.keras", progress=lambda s, *_: stages.add(s))
    assert stages == {"converting kws.keras"}
    assert (model.name, model.origin) == ("kws", "Keras model kws.keras")
    inputs, expected = made.samples("kws.keras")
    np.testing.assert_allclose(litert.outputs(model.content, inputs)[0], expected[0], atol=2e-5)
    assert model.layers["words/output"] == "words"
    assert model.log is not None and model.log.is_file()
    assert capfd.readouterr() == ("", "")
    assert list(own_cache.rglob("*unfinished*")) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["legacy.h5", "exported", "two_headed.keras"])
def test_other_forms_go_the_same_way(made: Made, name: str):
    model = sources.load(str(made.folder / name))
    inputs, expected = made.samples(name)
    for ours, theirs in zip(litert.outputs(model.content, inputs), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-5)
    assert model.layers


def test_a_refusal_names_the_file(made: Made, capfd: pytest.CaptureFixture[str]):
    with pytest.raises(ModelError, match=r"^flipped\.keras: it is damaged") as caught:
        sources.load(made.folder / "flipped.keras")
    assert caught.value.hint == AGAIN
    assert capfd.readouterr() == ("", "")


def test_without_tensorflow_it_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "tensorflow.py").write_text("raise ImportError('as if it were not there')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    path = tmp_path / "model.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    with pytest.raises(ToolMissingError, match="TensorFlow") as caught:
        sources.load(path)
    assert caught.value.hint == "pip install 'edgekit[keras]'"


def test_ctrl_c_while_a_model_is_converted_leaves_nothing(made: Made, own_cache: Path):
    script = (
        "import signal, sys\n"
        "from edgekit.conversion import sources\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sources.load(sys.argv[1])\n"
    )
    command = [sys.executable, "-c", script, str(made.folder / "kws.keras")]
    running = subprocess.Popen(command, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not list(own_cache.rglob("*.log")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(1)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=20)
    assert b"KeyboardInterrupt" in said
    assert list(own_cache.rglob("*unfinished*")) == []
