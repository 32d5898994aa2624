"""ONNX files through the environment that reads them: all operators, all refusals."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support import onnx_names

from edgekit.conversion import litert, sources
from edgekit.conversion.environments import environment
from edgekit.conversion.onnx_graph.table import LOWERINGS
from edgekit.conversion.sources import onnx
from edgekit.errors import ModelError, ToolMissingError
from edgekit.frontends import tflite

ONNX_CASES = Path(onnx_names.__file__).with_name("onnx_cases.py")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A directory with all the cases, written with the environment's own ONNX."""
    directory = tmp_path_factory.mktemp("onnx")
    command = [environment("onnx"), str(ONNX_CASES), str(directory)]
    subprocess.run(command, check=True, timeout=120)
    return directory


def _kinds(content: bytes) -> list[str]:
    return [op.kind for op in tflite.read(content, "model").operators]


@pytest.mark.slow
@pytest.mark.parametrize("name", onnx_names.CONVERTED)
def test_each_case_is_proven(written, name):
    # load compares its answers with ONNX Runtime's, and refuses what differs
    model = sources.load(written / f"{name}.onnx")
    kinds = _kinds(model.content)
    assert kinds.count("transpose") <= onnx_names.TRANSPOSES.get(name, 0)
    assert model.name == name
    assert model.origin == f"ONNX model {name}.onnx"
    assert model.log is not None and model.log.exists()
    graph = tflite.read(model.content, name)
    assert {op.output.name for op in graph.operators} <= set(model.layers)


@pytest.mark.slow
def test_channels_first_becomes_channels_last(written):
    model = sources.load(written / "flattened.onnx")
    (image,) = tflite.read(model.content, "model").inputs
    assert image.shape == (1, 10, 7, 3)
    assert model.source_input_shapes == ((1, 3, 10, 7),)
    (answers,) = litert.outputs(model.content, [np.zeros((2, 10, 7, 3), np.float32)])
    assert answers.shape == (2, 4)
    assert _kinds(model.content) == [
        "conv_2d",
        "max_pool_2d",
        "fully_connected",
        "fully_connected",
        "softmax",
    ]


@pytest.mark.slow
def test_a_live_model_is_converted(written):
    """As in a program that has the onnx package: anything that serialises as its ModelProto."""

    class ModelProto:
        def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's name
            return (written / "residual.onnx").read_bytes()

    model = onnx.load(ModelProto())
    assert (model.name, model.origin) == ("model", "the ONNX model")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "said"), onnx_names.REFUSED.items())
def test_each_refusal_is_one_sentence(written, name, said):
    with pytest.raises(ModelError, match=said) as error:
        sources.load(written / f"refused_{name}.onnx")
    message = str(error.value)
    assert message.startswith(f"ONNX model refused_{name}.onnx")
    assert "\n" not in message
    assert "Traceback" not in message
    assert not re.search(r"/\S+/unfinished", message)
    assert error.value.hint


@pytest.mark.slow
def test_a_file_cut_short_is_damaged(written, tmp_path):
    path = tmp_path / "cut.onnx"
    path.write_bytes((written / "residual.onnx").read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"cut.onnx is damaged"):
        sources.load(path)
    with pytest.raises(ModelError, match=r"ONNX model cut.onnx is damaged"):
        onnx.load(path)


def test_every_lowering_has_a_case():
    """The names of ONNX's operators stand in the file that writes the cases."""
    text = ONNX_CASES.read_text()
    missing = [name for name in LOWERINGS if f'"{name}"' not in text]
    assert missing == []


@pytest.mark.parametrize("content", [b"", b"\x08\x07 no model", b"PK\x03\x04 no zip"])
def test_files_that_are_no_model_need_no_environment(tmp_path, content, monkeypatch):
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "a.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError):
        sources.load(path)
    assert not (tmp_path / "cache" / "environments").exists()


@pytest.mark.slow
def test_without_packages_the_model_is_not_to_blame(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    path = tmp_path / "a.onnx"
    path.write_bytes(b"\x08\x08\x3a\x00")  # an IR version and an empty graph
    with pytest.raises(ToolMissingError, match="the ONNX tools could not be installed"):
        sources.load(path)
    assert list((tmp_path / "cache" / "conversion").glob("unfinished-*")) == []
    assert sys.modules.get("onnx") is None
