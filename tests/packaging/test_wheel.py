"""The wheel carries all that edgekit needs, and works where there is no checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
MODEL = CHECKOUT / "examples" / "digits" / "digits_int8.tflite"
TREES = ("boards", "templates", "firmware")


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What the command printed; its messages are the assertion's when it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    run(
        *(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, CHECKOUT),
        cwd=out,
    )
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("tree", TREES)
def test_the_wheel_carries_every_file_of_a_tree(tree: str, names: set[str]):
    prefix = f"edgekit/_data/{tree}/"
    carried = {name.removeprefix(prefix) for name in names if name.startswith(prefix)}
    assert carried == files(CHECKOUT / tree)


def test_the_wheel_carries_every_module_and_nothing_beside_the_package(names: set[str]):
    rest = {name for name in names if not name.startswith("edgekit/_data/")}
    package = {f"edgekit/{name}" for name in files(CHECKOUT / "edgekit")}
    assert {name for name in rest if ".dist-info/" not in name} == package


def test_the_wheel_carries_the_licence_and_the_type_marker(names: set[str]):
    assert "edgekit/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_an_unpacked_wheel_lists_the_boards_of_its_own_tree(wheel: Path, tmp_path: Path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    program = (
        "import edgekit, sys; from edgekit import resources;"
        "print(edgekit.__file__); print(resources.tree('boards'));"
        "print(*(board.id for board in edgekit.all_boards()))"
    )
    module, tree, ids = run(
        sys.executable, "-c", program, cwd=tmp_path, PYTHONPATH=str(tmp_path / "site")
    ).splitlines()
    assert Path(module).is_relative_to(tmp_path)
    assert Path(tree).is_relative_to(tmp_path)
    assert sorted(ids.split()) == sorted(path.stem for path in (CHECKOUT / "boards").glob("*.toml"))


def test_the_source_distribution_holds_what_the_wheel_is_made_of(tmp_path: Path):
    run(
        *(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", tmp_path),
        CHECKOUT,
        cwd=tmp_path,
    )
    (built,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        parts = [Path(name).parts[1:] for name in archive.getnames()]
    assert {part[0] for part in parts if len(part) > 1} == {"edgekit", *TREES}
    for tree in ("edgekit", *TREES):
        carried = {"/".join(part[1:]) for part in parts if part[0] == tree}
        assert carried == files(CHECKOUT / tree)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a new virtual environment with the wheel and what it depends on."""
    home = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", home / "venv", cwd=home)
    programs = home / "venv" / "bin"
    run(programs / "python", "-m", "pip", "install", "--quiet", wheel, cwd=home)
    return programs


@pytest.mark.slow
def test_an_installed_wheel_helps_and_lists_boards(installed: Path, tmp_path: Path):
    assert "Usage" in run(installed / "edgekit", "--help", cwd=tmp_path)
    assert "qemu-cortex-m4" in run(installed / "edgekit", "boards", cwd=tmp_path, COLUMNS="200")


@pytest.mark.slow
def test_an_installed_wheel_builds_and_measures_a_model(installed: Path, tmp_path: Path):
    edgekit, cache = installed / "edgekit", str(tmp_path / "cache")
    run(
        *(edgekit, "build", MODEL, "--board", "host", "-o", "out"),
        cwd=tmp_path,
        EDGEKIT_CACHE=cache,
    )
    assert any((tmp_path / "out").rglob("ek_*.c"))
    run(
        *(edgekit, "run", MODEL, "--board", "host", "--inputs", "2", "--json", "m.json"),
        cwd=tmp_path,
        EDGEKIT_CACHE=cache,
    )
    verify = json.loads((tmp_path / "m.json").read_text())["verify"]
    assert verify["compared_bytes"] == 20
    assert verify["mismatched_bytes"] == 0


def files(tree: Path) -> set[str]:
    """Relative paths of all files of `tree` but bytecode."""
    return {
        path.relative_to(tree).as_posix()
        for path in tree.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
