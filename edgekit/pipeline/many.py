"""Many models on many boards, side by side: `edgekit sweep`, and `edgekit run` on several boards.

Mistakes that can be seen are said before anything is built; what fails later is one failure among
the results, and does not stop the others.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from edgekit import codegen, measurement
from edgekit.errors import UserError
from edgekit.frontends import tflite
from edgekit.measurement import Failure, Inputs, Measurement, Sweep
from edgekit.pipeline import compiling, model_serving, running
from edgekit.pipeline import virtual as played
from edgekit.pipeline.crew import Crew
from edgekit.pipeline.crew_worker import Request, Trouble
from edgekit.pipeline.targets import Target, may_be_one, targets
from edgekit.project import ProjectOptions

#: What a sweep, whose models are .tflite files, can compare.
_ENGINES = (*compiling.ENGINES, model_serving.LITERT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of many."""

    model: Path
    model_name: str
    target: Target
    engine: str
    virtual: bool = False  # this computer plays the board's chip

    @property
    def wants_quiet(self) -> bool:
        """True if the microseconds that are measured are those of this computer."""
        board = self.target.board
        here = board.emulator is not None
        here |= board.flash == "ssh" and self.target.where.host is None
        return self.virtual or (board.count.unit == "us" and here)

    @property
    def name(self) -> str:
        """For people: model, board and engine."""
        return f"{self.model_name} on {self.target.board.id}, {self.engine}"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How far one job is."""

    stage: str = "waiting"
    done: int = 0
    total: int = 0  # 0: unknown
    outcome: Measurement | Failure | None = None  # None until it has ended


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arguments:
    """Of the runs; not every one takes all of them."""

    shared: dict[str, Any]
    arena_bytes: int | None
    fit: bool
    options: ProjectOptions
    directory: Path | None


#: Told of every job once before the first begins, and whenever the state of one changes.
Watch = Callable[[Job, State], None]


def unwatched(job: Job, state: State) -> None:
    """A Watch of nobody."""
    del job, state


def sweep(
    models: Sequence[str | os.PathLike[str]],
    boards: Sequence[str | Target],
    inputs: Inputs = 4,
    *,
    engines: Sequence[str] = ("aot",),
    arena_bytes: int | None = None,
    fit: bool = False,
    virtual: bool = False,
    options: ProjectOptions | None = None,
    runs: int | None = None,
    warmup: int = 1,
    profile: bool = False,
    directory: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    watch: Watch = unwatched,
) -> Sweep:
    """Run every model on every board with every engine, several at a time: `edgekit sweep`.

    Two runs never use one serial port or host at the same time, and where a latency is this
    computer's own time (board `host`), nothing else runs meanwhile.

    Args:
        boards: as `targets` takes them: ids, patterns, "all".
        virtual: of ESP32 boards: let this computer play the chip, as `edgekit run --virtual` does.
        directory: where to keep projects and images, in MODEL-BOARD-ENGINE; default: nowhere.
        jobs: how many runs at a time; default: one for each CPU.
        watch: told of the progress of each.

    Raises:
        UserError: a model cannot be read, a board or engine is unknown, something was named twice,
            or the inputs do not match a model; nothing was built then. What fails later raises
            nothing: it is among the failures.
    """
    planned = _plan(_models(models, inputs), targets(boards), engines, virtual)
    if jobs is not None and jobs < 1:
        raise UserError(f"{jobs} runs at a time were asked for", hint="ask for at least 1")
    arguments = _Arguments(
        shared={"inputs": inputs, "runs": runs, "warmup": warmup, "profile": profile},
        arena_bytes=arena_bytes,
        fit=fit,
        options=options or ProjectOptions(),
        directory=None if directory is None else Path(directory),
    )
    _refuse_what_no_engine_takes(arguments, engines)
    requests = [_request(job, arguments) for job in planned]
    outcomes = _side_by_side(planned, requests, jobs or os.cpu_count() or 1, watch)
    return Sweep(
        edgekit=metadata.version("edgekit"),
        runs=tuple(one for one in outcomes if isinstance(one, Measurement)),
        failures=tuple(one for one in outcomes if isinstance(one, Failure)),
    )


def _models(models: Sequence[str | os.PathLike[str]], inputs: Inputs) -> dict[str, Path]:
    """The models by their names; each was read, and takes the inputs."""
    named: dict[str, Path] = {}
    if not models:
        raise UserError("no model was given", hint="give one or more .tflite files")
    for path in map(Path, models):
        graph = tflite.read(path)
        name = codegen.free_name(graph.name)
        if name in named:
            raise UserError(
                f"{named[name]} and {path} are both called {name}",
                hint="results are told apart by the model's name: rename one, or give it once",
            )
        measurement.samples_for(graph, inputs)
        named[name] = path
    return named


def _plan(
    models: dict[str, Path], on: Sequence[Target], engines: Sequence[str], virtual: bool
) -> tuple[Job, ...]:
    known = ", ".join(_ENGINES)
    if not engines:
        raise UserError("no engine was named", hint=f"the engines are {known}")
    for engine in engines:
        if engine not in _ENGINES:
            raise UserError(f"there is no engine {engine!r}", hint=f"the engines are {known}")
        if list(engines).count(engine) > 1:
            raise UserError(f"engine {engine} was given twice", hint="name each engine once")
    return tuple(
        Job(model=path, model_name=name, target=target, engine=engine, virtual=virtual)
        for name, path in models.items()
        for target in on
        for engine in engines
    )


def _refuse_what_no_engine_takes(arguments: _Arguments, engines: Sequence[str]) -> None:
    if "tflm" in engines:
        running.refuse_fit(arguments.fit, "tflm", arguments.arena_bytes)
    elif arguments.fit or arguments.arena_bytes is not None or arguments.options.tflm_library:
        raise UserError(
            "an arena, or a library, was given for engine tflm, which is not among the engines",
            hint="leave it out, or add engine tflm",
        )


def _request(job: Job, arguments: _Arguments) -> Request:
    board, options = job.target.board, arguments.options
    own: dict[str, Any] = {"model": job.model, "board": board, "engine": job.engine}
    if job.engine == "tflm":
        own["arena_bytes"] = arguments.arena_bytes
    else:
        options = dataclasses.replace(options, tflm_library=None)
    if arguments.directory is not None:
        own["directory"] = arguments.directory / f"{job.model_name}-{board.id}-{job.engine}"
    own = {**arguments.shared, **own, "options": options}
    if job.engine in model_serving.RUNTIMES:  # nothing is built, nothing profiled
        own = {name: own[name] for name in own.keys() - {"options", "directory", "profile"}}
    if job.virtual:
        return played.run, own
    return running.run, {
        **own,
        "fit": arguments.fit and job.engine == "tflm",
        "where": job.target.where,
    }


def _side_by_side(
    jobs: Sequence[Job], requests: Sequence[Request], size: int, watch: Watch
) -> list[Measurement | Failure]:
    """The outcome of each job, in their order."""
    for job in jobs:
        watch(job, State())
    waiting, outcomes = _order(jobs), dict[int, Measurement | Failure]()
    with Crew(min(size, len(jobs))) as crew:
        while waiting or crew.busy:
            for i in list(waiting):
                if len(crew.busy) < crew.size and _may_begin(jobs, i, crew.busy):
                    waiting.remove(i)
                    watch(jobs[i], State(stage="starting"))
                    crew.begin(i, requests[i])
            for said in crew.listen():
                job = jobs[said.job]
                if said.progress is not None:
                    stage, done, total = said.progress
                    watch(job, State(stage=stage, done=done, total=total))
                else:
                    outcomes[said.job] = outcome = _outcome(job, said.result)
                    watch(job, State(stage="done", outcome=outcome))
    return [outcomes[i] for i in range(len(jobs))]


def _outcome(job: Job, result: Any) -> Measurement | Failure:
    if isinstance(result, Measurement):
        return result
    assert isinstance(result, Trouble)
    return Failure(
        model=job.model_name,
        board=job.target.board.id,
        engine=job.engine,
        error=result.error,
        hint=result.hint,
        exit_code=result.exit_code,
    )


def _order(jobs: Sequence[Job]) -> list[int]:
    """In which order to begin: neighbours have other models and other boards.

    What runs of one model share (the reference's outputs), and what those on one board share
    (compiled objects of a library), is then found by the second, not made by both at once. Runs
    that want quiet come last.
    """
    rows = {name: i for i, name in enumerate(dict.fromkeys(job.model_name for job in jobs))}
    columns = len(jobs) // len(rows)

    def place(i: int) -> tuple[bool, int, int]:
        row = rows[jobs[i].model_name]
        return jobs[i].wants_quiet, (i - row) % columns, row

    return sorted(range(len(jobs)), key=place)


def _may_begin(jobs: Sequence[Job], i: int, busy: Sequence[int]) -> bool:
    if any(jobs[one].wants_quiet for one in ((i, *busy) if busy else ())):
        return False
    return not any(may_be_one(jobs[i].target, jobs[one].target) for one in busy)
