"""PyTorch programs and modules through the environment that has PyTorch."""

from __future__ import annotations

import os
import subprocess
import zipfile
from pathlib import Path

import platformdirs
import pytest
from support import onnx_names

import edgekit
from edgekit.conversion import sources
from edgekit.conversion.environments import environment
from edgekit.errors import ModelError
from edgekit.frontends import tflite

CASES = Path(onnx_names.__file__).with_name("pytorch_cases.py")

#: What each becomes: not one TRANSPOSE, batch norms and activations taken in.
OPERATORS = {
    "images": "conv_2d max_pool_2d pad conv_2d fully_connected fully_connected",
    "any_batch": "conv_2d max_pool_2d pad conv_2d fully_connected fully_connected",
    "separable": "pad conv_2d depthwise_conv_2d conv_2d depthwise_conv_2d conv_2d mean "
    "fully_connected softmax",
    "mobile": "pad conv_2d conv_2d hard_swish depthwise_conv_2d hard_swish mean conv_2d conv_2d "
    "mul mul conv_2d add mean fully_connected",
    "signals": "reshape conv_2d max_pool_2d pad conv_2d leaky_relu fully_connected",
    "rows": "fully_connected fully_connected",
}

REFUSED = {
    "batch": r"input 'x' is \[4, 16\]: its batch size is 4, not 1",
    "width": r"input 'input' has the dynamic dimension 3 \(",
    "operator": r"has an operator that ONNX lacks: prims.bessel_i0",
    "state": r"GRU .* \(it keeps state or branches",
    "integers": r"input 'input' is int64, not float32",
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """A directory with all the programs, exported with the environment's own PyTorch."""
    directory = tmp_path_factory.mktemp("pytorch")
    command = [environment("pytorch"), str(CASES), "programs", str(directory)]
    subprocess.run(command, check=True, timeout=300)
    return directory


@pytest.mark.slow
@pytest.mark.parametrize("name", OPERATORS)
def test_each_program_is_proven(programs, name):
    # load compares its answers with PyTorch's, and refuses what differs
    model = sources.load(programs / f"{name}.pt2")
    graph = tflite.read(model.content, name)
    kinds = [op.kind for op in graph.operators]
    assert kinds == OPERATORS[name].split()
    assert (model.name, model.origin) == (name, f"PyTorch program {name}.pt2")
    assert model.source_input_shapes is not None
    assert model.source_input_shapes[0][1] == graph.inputs[0].shape[-1]


@pytest.mark.slow
def test_operators_are_named_for_their_modules(programs):
    model = sources.load(programs / "images.pt2")
    graph = tflite.read(model.content, "images")
    layers = [model.layers[op.output.name] for op in graph.operators if len(op.inputs) == 3]
    assert layers == ["first", "second", "hidden", "classes"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "said"), REFUSED.items())
def test_each_refusal_is_one_sentence(programs, name, said):
    with pytest.raises(ModelError, match=said) as error:
        sources.load(programs / f"refused_{name}.pt2")
    assert str(error.value).startswith(f"PyTorch program refused_{name}.pt2")
    assert "\n" not in str(error.value)
    assert error.value.hint


@pytest.mark.slow
def test_a_damaged_program_is_refused(programs, tmp_path):
    path = tmp_path / "damaged.pt2"
    with (
        zipfile.ZipFile(programs / "rows.pt2") as whole,
        zipfile.ZipFile(path, "w") as damaged,
    ):
        for name in whole.namelist():
            content = whole.read(name)
            damaged.writestr(name, content[: len(content) // 2])
    with pytest.raises(ModelError, match=r"damaged.pt2 cannot be read by PyTorch"):
        sources.load(path)


@pytest.mark.slow
def test_a_live_module_is_exported_where_it_lives(tmp_path):
    python = environment("pytorch")
    ours = [str(Path(module.__file__).parents[1]) for module in (edgekit, platformdirs)]
    said = subprocess.run(
        [python, str(CASES), "live", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(ours)},
        check=True,
        timeout=300,
        capture_output=True,
        text=True,
    )
    assert said.stdout.splitlines() == [
        "images PyTorch module Images ((1, 3, 12, 8),)",
        "model the PyTorch program True",
        "True True True",
        "ModelError PyTorch module Images comes without example inputs",
        "ModelError PyTorch module Images comes without example inputs",
        "ModelError the PyTorch program comes without example inputs",
    ]
    (image,) = tflite.read((tmp_path / "live.tflite").read_bytes(), "live").inputs
    assert image.shape == (1, 12, 8, 3)


@pytest.mark.parametrize("member", ["archive/data.pkl", "nothing.txt"])
def test_archives_without_a_program_need_no_environment(tmp_path, member, monkeypatch):
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "a.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, b"")
    with pytest.raises(ModelError):
        sources.load(path)
    assert not (tmp_path / "cache").exists()
