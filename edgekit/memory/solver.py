"""The smallest arena, by constraint programming: OR-tools' CP-SAT, from the extra `solver`."""

from __future__ import annotations

import importlib.util
import math
import pickle
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgekit.errors import MemoryPlanError
from edgekit.memory.heuristics import Layout
from edgekit.memory.lifetimes import BEFORE, Problem, aligned

#: How long to search, in CP-SAT's deterministic time: one is 2 to 4 seconds, but the same on
#: every machine, so that a plan does not depend on how busy this one is.
LIMIT = 4.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the solver found out."""

    layout: Layout  # never larger than the one it began with
    bound_bytes: int  # no plan is smaller

    @property
    def optimal(self) -> bool:
        """True if no layout is smaller."""
        return self.layout.arena_bytes == self.bound_bytes


def solve(problem: Problem, start: Layout, limit: float = LIMIT) -> Outcome | None:
    """Look for a smaller layout than `start`, or for the proof that there is none.

    Every choice of takeovers is searched. None if OR-tools is not installed.

    Where TensorFlow is loaded the search has a process of its own: OR-tools 9.15 crashes in a
    process that TensorFlow 2.21 is in.

    Sizes are divided by their greatest common divisor: in some smallest layout every block lies
    at 0 or right above another one, so all of its offsets are multiples of that, too.
    """
    if not _is_installed():
        return None
    if "tensorflow" in sys.modules:
        return _solve_elsewhere(problem, start, limit)
    from ortools.sat.python import cp_model

    unit = math.gcd(*(aligned(v.size_bytes) for v in problem.values))
    if unit == 0:
        return Outcome(start, start.arena_bytes)
    model: Any = cp_model.CpModel()
    least = -(-problem.lower_bound_bytes // unit)
    peak = model.new_int_var(least, start.arena_bytes // unit, "peak")
    offsets = _constrain(model, problem, unit, peak, start)
    model.minimize(peak)
    solver: Any = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = limit
    status = solver.solve(model)
    bound = max(problem.lower_bound_bytes, math.ceil(solver.best_objective_bound - 1e-6) * unit)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Outcome(start, problem.lower_bound_bytes)
    arena = solver.value(peak) * unit
    if arena >= start.arena_bytes:
        return Outcome(start, min(bound, start.arena_bytes))
    found = tuple(solver.value(offset) * unit for offset in offsets)
    return Outcome(Layout(found, arena, "exact solver"), bound)


def _is_installed() -> bool:
    try:
        return importlib.util.find_spec("ortools.sat.python") is not None
    except ImportError:
        return False


def _solve_elsewhere(problem: Problem, start: Layout, limit: float) -> Outcome | None:
    """The same in a new Python, which answers on its standard output."""
    done = subprocess.run(
        [sys.executable, "-m", "edgekit.memory.solver_worker"],
        input=pickle.dumps((problem, start, limit)),
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no word"]
        raise MemoryPlanError(f"the solver ended with code {done.returncode}: {last[0]}")
    outcome: Outcome | None = pickle.loads(done.stdout)
    if outcome is not None and outcome.layout == start:
        return Outcome(start, outcome.bound_bytes)  # the very one, as without a process between
    return outcome


def _constrain(model: Any, problem: Problem, unit: int, peak: Any, start: Layout) -> list[Any]:
    """Say when values exclude each other; return the offset variables, in units."""
    highest = start.arena_bytes // unit
    sizes = [aligned(v.size_bytes) // unit for v in problem.values]
    offsets = [model.new_int_var(0, highest - size, f"offset_{i}") for i, size in enumerate(sizes)]
    places = [
        model.new_fixed_size_interval_var(offset, size, f"place_{i}")
        for i, (offset, size) in enumerate(zip(offsets, sizes, strict=True))
    ]
    for offset, size, value in zip(offsets, sizes, start.offsets, strict=True):
        model.add(offset + size <= peak)
        model.add_hint(offset, value // unit)
    for step, live in _crowds(problem):
        offers = [t for t in problem.takeovers if t.step == step]
        apart = [places[i] for i in live if i not in {t.target for t in offers}]
        if offers:
            # the target lies where one of the sources ends, or has a place of its own
            target = offers[0].target
            alone = model.new_bool_var(f"alone_{step}")
            over = [model.new_bool_var(f"over_{t.source}_{step}") for t in offers]
            model.add_exactly_one([alone, *over])
            for chosen, offer in zip(over, offers, strict=True):
                model.add(offsets[target] == offsets[offer.source]).only_enforce_if(chosen)
            apart.append(
                model.new_optional_fixed_size_interval_var(
                    offsets[target], sizes[target], alone, f"place_{target}_at_{step}"
                )
            )
        model.add_no_overlap(apart)
    return offsets


def _crowds(problem: Problem) -> Sequence[tuple[int, frozenset[int]]]:
    """(step, what is live then), without the steps that say nothing that another does not."""
    offering = {takeover.step for takeover in problem.takeovers}
    crowds = {
        step: frozenset(
            i for i, v in enumerate(problem.values) if v.first_step <= step <= v.last_step
        )
        for step in range(BEFORE, problem.steps + 1)
    }
    plain = {live for step, live in crowds.items() if step not in offering}
    largest = {live for live in plain if not any(live < other for other in plain)}
    once = {live: step for step, live in crowds.items() if live in largest}
    keep = offering | {step for live, step in once.items() if step not in offering}
    return [(step, crowds[step]) for step in sorted(keep)]
