"""Many models on many boards: what is refused before anything is built, the order, the results."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.firmware import ready

import edgekit
from edgekit import boards
from edgekit.errors import UserError
from edgekit.pipeline import Target
from edgekit.pipeline import many as module
from edgekit.pipeline.many import Job, State, _may_begin, _order


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a worker was started")

    monkeypatch.setattr(module, "_side_by_side", refuse)


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"boards": ["host", "host"]}, "host was given twice"),
        ({"boards": []}, "no board was named"),
        ({"boards": ["hots"]}, "no board 'hots'"),
        ({"engines": ["aot", "jit"]}, "there is no engine 'jit'"),
        ({"engines": ["aot", "aot"]}, "engine aot was given twice"),
        ({"engines": []}, "no engine was named"),
        ({"models": []}, "no model was given"),
        ({"inputs": 0}, "input"),
        ({"inputs": {"x": np.zeros((2, 5), np.int8)}}, r"\[2, 5\]"),
        ({"jobs": 0}, "0 runs at a time"),
        ({"fit": True}, "engine tflm"),
        ({"engines": ["tflm"], "fit": True, "arena_bytes": 4096}, "where no size was given"),
        ({"arena_bytes": 4096}, "engine tflm"),
    ],
)
def test_mistakes_are_said_before_anything_is_built(model: Path, options: dict[str, Any], words):
    with pytest.raises(UserError, match=words):
        edgekit.sweep(**{"models": [model], "boards": ["host"], **options})


@pytest.mark.usefixtures("nothing_runs")
def test_models_that_cannot_be_read_or_told_apart_are_said(model: Path, tmp_path: Path):
    with pytest.raises(UserError, match=r"nothing\.tflite"):
        edgekit.sweep([model, tmp_path / "nothing.tflite"], ["host"])
    namesake = tmp_path / model.name
    namesake.write_bytes(model.read_bytes())
    with pytest.raises(UserError, match="both called dense"):
        edgekit.sweep([model, namesake], ["host"])


def test_one_failure_does_not_stop_the_rest(model: Path, other_model: Path):
    """Engine tflm without its library fails, four times, between runs that do not."""
    seen: list[tuple[str, str]] = []

    def watch(job: Job, state: State) -> None:
        seen.append((job.name, state.stage))

    found = edgekit.sweep(
        [model, other_model], ["host"], engines=["tflm", "aot"], runs=2, watch=watch
    )
    assert [(m.model.name, m.engine) for m in found.runs] == [("dense", "aot"), ("other", "aot")]
    assert all(m.verify.mismatched_bytes == 0 for m in found.runs)
    assert [(f.model, f.engine, f.exit_code) for f in found.failures] == [
        ("dense", "tflm", 2),
        ("other", "tflm", 2),
    ]
    assert "needs TensorFlow Lite Micro" in found.failures[0].error
    assert "--tflm-library" in str(found.failures[0].hint)
    assert found.exit_code == 2
    assert [stage for _, stage in seen[:4]] == ["waiting"] * 4
    stages = [stage for name, stage in seen if name == "dense on host, aot"]
    assert stages[:2] == ["waiting", "starting"]
    assert "building for host" in stages
    assert stages[-1] == "done"


@pytest.mark.emulated
def test_a_board_that_is_too_small_is_one_row(model: Path):
    ready("qemu-riscv32")
    board = ready("qemu-cortex-m4")
    small = [
        memory.model_copy(update={"size_bytes": 1024}) if memory.kind == "ram" else memory
        for memory in board.memories
    ]
    tiny = Target(board=board.model_copy(update={"memories": tuple(small)}))
    found = edgekit.sweep([model], [tiny, "qemu-riscv32"])
    assert [m.board for m in found.runs] == ["qemu-riscv32"]
    (failure,) = found.failures
    assert (failure.board, failure.exit_code) == ("qemu-cortex-m4", 2)
    assert "bytes of RAM but qemu-cortex-m4 has 1,024" in failure.error
    assert "it fits on" in str(failure.hint)


def test_a_failure_of_ours_outweighs_a_mistake_of_the_user(
    model: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CC", "/nothing/cc")  # of the workers, too
    found = edgekit.sweep([model], ["host"], engines=["aot", "tflm"])
    assert found.runs == ()
    assert {f.exit_code for f in found.failures} == {1, 2}
    assert found.exit_code == 1


@pytest.mark.emulated
def test_emulated_boards_side_by_side_give_what_each_gives_alone(model: Path, other_model: Path):
    ids = ["qemu-cortex-m4", "qemu-riscv32"]
    for board_id in ids:
        ready(board_id)
    found = edgekit.sweep([model, other_model], ids, jobs=4)
    assert found.exit_code == 0
    alone = [edgekit.run(path, board_id) for path in (model, other_model) for board_id in ids]
    assert [m.invoke for m in found.runs] == [m.invoke for m in alone]
    assert [m.board for m in found.runs] == ids * 2


def jobs_of(models: int, ids: list[str], engines: list[str]) -> list[Job]:
    return [
        Job(
            model=Path(f"m{i}.tflite"),
            model_name=f"m{i}",
            target=Target(board=boards.load(board_id)),
            engine=engine,
        )
        for i in range(models)
        for board_id in ids
        for engine in engines
    ]


_IDS = [board.id for board in boards.all_boards()]


@given(
    st.integers(1, 5),
    st.lists(st.sampled_from(_IDS), unique=True, min_size=1, max_size=8),
    st.sampled_from([["aot"], ["aot", "tflm"]]),
    st.integers(1, 6),
)
def test_every_job_begins_once_and_never_beside_one_that_it_must_not_meet(
    models, ids, engines, size
):
    jobs = jobs_of(models, ids, engines)
    waiting, busy, begun = _order(jobs), list[int](), list[int]()
    assert sorted(waiting) == list(range(len(jobs)))
    while waiting or busy:
        for i in list(waiting):
            if len(busy) < size and _may_begin(jobs, i, busy):
                waiting.remove(i)
                busy.append(i)
                begun.append(i)
        quiet = [i for i in busy if jobs[i].wants_quiet]
        assert busy
        assert not quiet or len(busy) == 1
        assert sum(jobs[i].target.board.flash == "esptool" for i in busy) <= 1  # all at auto
        busy.pop(0)
    assert sorted(begun) == list(range(len(jobs)))


def test_neighbours_have_other_models_and_other_boards():
    jobs = jobs_of(3, ["qemu-cortex-m3", "qemu-cortex-m4", "qemu-cortex-m7"], ["aot"])
    order = [jobs[i] for i in _order(jobs)]
    for first, second in itertools.pairwise(order[:3]):
        assert first.model_name != second.model_name
        assert first.target.board.id != second.target.board.id


def test_what_measures_this_computers_time_comes_last_and_alone():
    jobs = jobs_of(2, ["host", "qemu-cortex-m4"], ["aot"])
    order = [jobs[i].target.board.id for i in _order(jobs)]
    assert order == ["qemu-cortex-m4", "qemu-cortex-m4", "host", "host"]
