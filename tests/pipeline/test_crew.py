"""Worker processes: what they answer, how they fail, and that none is left."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import crew_jobs

from edgekit.pipeline.crew import Crew
from edgekit.pipeline.crew_worker import Trouble


def results(size: int, requests: list[tuple[Callable[..., Any], dict[str, Any]]]) -> list[Any]:
    """Of each request, in their order."""
    waiting, found = list(range(len(requests))), dict[int, Any]()
    with Crew(size) as crew:
        while waiting or crew.busy:
            while waiting and len(crew.busy) < size:
                job = waiting.pop(0)
                crew.begin(job, requests[job])
            for said in crew.listen():
                if said.progress is None:
                    found[said.job] = said.result
    return [found[job] for job in range(len(requests))]


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    except OSError:
        return False


def test_jobs_are_done_by_a_few_workers():
    found = results(2, [(crew_jobs.square, {"number": n}) for n in range(6)])
    assert [square for square, _ in found] == [0, 1, 4, 9, 16, 25]
    pids = {pid for _, pid in found}
    assert 1 <= len(pids) <= 2
    assert os.getpid() not in pids
    assert not any(map(alive, pids))


def test_progress_arrives_before_the_result():
    with Crew(1) as crew:
        crew.begin(7, (crew_jobs.square, {"number": 3}))
        heard = []
        while crew.busy:
            heard += crew.listen()
    assert [one.job for one in heard] == [7, 7]
    assert heard[0].progress == ("squaring", 1, 2)
    assert heard[1].result[0] == 9


@pytest.mark.parametrize(
    ("job", "error", "hint", "exit_code"),
    [
        (crew_jobs.refuse, "no such board", "another", 2),
        (crew_jobs.stumble, "internal error: ZeroDivisionError: by zero", "bug", 1),
        (crew_jobs.fill_the_disk, "/full: No space left on device", None, 1),
        (crew_jobs.crash, "died of SIGSEGV:\nlast words", None, 1),
    ],
)
def test_what_fails_is_said_and_the_next_job_is_done(job, error, hint, exit_code):
    trouble, (square, _) = results(1, [(job, {}), (crew_jobs.square, {"number": 5})])
    assert isinstance(trouble, Trouble)
    assert error in trouble.error
    assert trouble.exit_code == exit_code
    assert (trouble.hint is None) == (hint is None)
    assert hint is None or hint in str(trouble.hint)
    assert square == 25


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
def test_leaving_the_block_ends_busy_workers_and_what_they_started(tmp_path: Path):
    pids = tmp_path / "pids"
    with pytest.raises(KeyboardInterrupt), Crew(1) as crew:  # noqa: PT012
        crew.begin(0, (crew_jobs.dawdle, {"pids": str(pids)}))
        deadline = time.monotonic() + 30
        while not pids.exists() or not pids.read_text().endswith("\n"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        raise KeyboardInterrupt
    assert [pid for pid in map(int, pids.read_text().split()) if alive(pid)] == []
