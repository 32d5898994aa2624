"""Runs of several documents beside each other: tables and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from edgekit.measurement import Measurement
from edgekit.measurement.allowances import AllowanceCheck
from edgekit.measurement.pairing import Comparison, Missing, Pair, Run
from edgekit.measurement.regression import Change
from edgekit.report.comparison import to_text
from edgekit.report.grid import Grid
from edgekit.report.tables import latency_unit, number

SCHEMA_VERSION = 1
_NAMES = {"static_ram": "static RAM", "accuracy": "accuracy, %", "us": "µs"}
#: What a real change is called, by its unit: (less than before, more).
_WORDS = {"bytes": ("smaller", "larger"), "points": ("less accurate", "more accurate")}
_OF_TIME = ("faster", "slower")


def grids(
    comparison: Comparison, checks: Sequence[AllowanceCheck] = (), *, operators: bool = False
) -> tuple[Grid, ...]:
    """Everything, in the order in which it is read.

    Args:
        operators: also each operator of runs that were profiled.
    """
    found: list[Grid] = []
    for document in comparison.documents[1:]:
        pairs = [pair for pair in comparison.pairs if pair.after.document == document]
        missing = [gone for gone in comparison.missing if gone.document == document]
        found += _pairs_by_model(pairs, missing)
    found += _side_by_side(comparison)
    if operators:
        others = [pair for _, pair in comparison.side_by_side if pair is not None]
        found += [_operators(pair) for pair in (*comparison.pairs, *others) if pair.operators]
    if checks:
        found.append(_budgets(checks))
    return tuple(found)


def to_json(comparison: Comparison, checks: Sequence[AllowanceCheck]) -> str:
    """The document of `edgekit compare --json`."""
    document = {
        "schema": SCHEMA_VERSION,
        "documents": list(comparison.documents),
        "passed": all(check.kept for check in checks),
        "pairs": [_pair_facts(pair) for pair in comparison.pairs],
        "side_by_side": [
            {**_run_facts(run), "against": None if pair is None else _pair_facts(pair)}
            for run, pair in comparison.side_by_side
        ],
        "missing": [asdict(gone) for gone in comparison.missing],
        "checks": [asdict(check) for check in checks],
    }
    return to_text(document)


def violations(checks: Sequence[AllowanceCheck]) -> str:
    """Every allowance that was not kept, one a line."""
    return "\n".join(
        f"{' '.join(check.key)}: {check.allowance.what} {_grew(check)}"
        for check in checks
        if not check.kept
    )


def _grew(check: AllowanceCheck) -> str:
    if check.growth is None:
        return f"cannot be held to the budget: {check.why}"
    word = "fell" if check.allowance.what == "accuracy" else "grew"
    return f"{word} by {_limit(check.growth, check)}, the budget is {_limit(None, check)}"


def _limit(value: float | None, check: AllowanceCheck) -> str:
    unit = check.allowance.unit
    shown = number(check.allowance.limit if value is None else value)
    return f"{shown} {unit}"


def _pairs_by_model(pairs: Sequence[Pair], missing: Sequence[Missing]) -> Iterator[Grid]:
    models = dict.fromkeys([pair.after.key[0] for pair in pairs])
    for model in dict.fromkeys([*models, *(gone.key[0] for gone in missing)]):
        own = [pair for pair in pairs if pair.after.key[0] == model]
        gone = [one for one in missing if one.key[0] == model]
        yield _pairs(model, own, gone)


def _pairs(model: str, pairs: Sequence[Pair], missing: Sequence[Missing]) -> Grid:
    engines = {pair.after.key[2] for pair in pairs} | {gone.key[2] for gone in missing}
    several = len(engines) > 1
    rows: list[tuple[str, ...]] = []
    for pair in pairs:
        name: tuple[str, ...] = pair.after.key[1:] if several else pair.after.key[1:2]
        for change in pair.changes:
            if change.what == "latency" or change.verdict != "same" or len(pairs) == 1:
                rows.append((*name, *_cells(change)))
                name = ("",) * len(name)
    notes = [note for pair in pairs for note in _notes(pair)]
    notes += [f"{' '.join(gone.key)}: {_why_missing(gone)}" for gone in missing]
    if len(pairs) > 1:
        notes.append("what is not listed of memory and accuracy is the same")
    documents = f"{pairs[0].before.document} -> {pairs[0].after.document}" if pairs else ""
    of_engine = "" if several else f", engine {next(iter(engines))}"
    return Grid(
        title=f"{model}{of_engine}: {documents}",
        headings=("board", *(("engine",) if several else ()), *_HEADINGS),
        rows=tuple(rows),
        notes=tuple(dict.fromkeys(notes)),
    )


_HEADINGS = ("", ">before", ">after", ">change", "")


def _cells(change: Change) -> tuple[str, ...]:
    what = _name(change.what)
    if what == "latency" and change.verdict != "not comparable":
        what = _name(change.unit)
    return (
        what,
        number(change.before),
        number(change.after),
        _percent(change),
        _verdict(change),
    )


def _name(what: str) -> str:
    return _NAMES.get(what, what)


def _percent(change: Change) -> str:
    if change.verdict == "same":
        return "="
    if change.what == "accuracy" and change.growth is not None:
        return f"{-change.growth:+.2f}"
    # what is too little to be seen has no sign
    return "" if change.share is None else f"{round(100 * change.share, 1) + 0.0:+.1f} %"


def _verdict(change: Change) -> str:
    if change.verdict == "real":
        assert change.before is not None and change.after is not None
        return _WORDS.get(change.unit, _OF_TIME)[change.after > change.before]
    return change.verdict


def _whys(pair: Pair) -> Iterator[str]:
    """Why numbers could not be compared, each reason once."""
    refused = [change for change in pair.changes if change.verdict == "not comparable"]
    for why in dict.fromkeys(change.why for change in refused):
        what = ", ".join(_name(change.what) for change in refused if change.why == why)
        yield f"{' '.join(pair.after.key[1:])}: {what} not comparable: {why}"


def _why_missing(gone: Missing) -> str:
    if gone.failure is None:
        return f"not in {gone.document}"
    return f"failed in {gone.document}: {gone.failure.error}"


def _notes(pair: Pair) -> Iterator[str]:
    """What else differs between the two, or may have touched a number."""
    a, b = pair.before.measurement, pair.after.measurement
    name = f"{b.model.name} on {b.board}"
    yield from _whys(pair)
    for what, first, second in (
        ("edgekit", a.edgekit, b.edgekit),
        ("compiler", _toolchain(a), _toolchain(b)),
        (f"{name}: engine", a.engine_version, b.engine_version),
        (f"{name}: computer", a.system and a.system.machine, b.system and b.system.machine),
    ):
        if first != second and first is not None and second is not None:
            yield f"{what}: {first}, then {second}"
    if a.emulated != b.emulated:
        yield f"{name}: {'emulated' if a.emulated else 'real'}, then the other"
    for run in (pair.before, pair.after):
        if marks := _marks(run.measurement):
            yield f"{name} in {run.document}: {marks}"


def _toolchain(m: Measurement) -> str | None:
    return None if m.build is None else m.build.toolchain


def _marks(m: Measurement) -> str:
    marks = []
    if m.virtual:
        marks.append("virtual, the time of this computer")
    if m.system is not None and m.system.throttled:
        marks.append(f"throttled ({', '.join(m.system.throttled)})")
    if m.verify.mismatched_bytes:
        marks.append(f"{m.verify.mismatched_bytes:,} output bytes differ from the reference")
    return ", ".join(marks)


def _side_by_side(comparison: Comparison) -> Iterator[Grid]:
    several = len(comparison.documents) > 1
    groups: dict[tuple[str, str], list[tuple[Run, Pair | None]]] = {}
    for run, pair in comparison.side_by_side:
        kind = run.key[0], latency_unit(run.measurement)
        groups.setdefault(kind, []).append((run, pair))
    for (model, unit), own in groups.items():
        rows = [
            (
                *((run.document,) if several else ()),
                _board(run.measurement),
                run.measurement.engine,
                number(run.measurement.invoke.median),
                number(run.measurement.memory.arena_bytes),
                number(run.measurement.memory.inference_flash_bytes),
                *(("", "") if pair is None else _cells(pair.changes[0])[3:]),
            )
            for run, pair in own
        ]
        others = [other for name, other in groups if name == model and other != unit]
        yield Grid(
            title=f"{model}, side by side",
            headings=(
                *(("document",) if several else ()),
                *("board", "engine", f">{unit}", ">arena", ">flash", ">change", ""),
            ),
            rows=tuple(rows),
            notes=tuple(_notes_side_by_side(own, unit, others)),
        )


def _notes_side_by_side(
    own: Sequence[tuple[Run, Pair | None]], unit: str, others: Sequence[str]
) -> Iterator[str]:
    if len(own) > 1:
        yield "each change is against the first line of the same board, or else the first of all"
    for _, pair in own:
        if pair is not None:
            yield from _whys(pair)
    for run, _ in own:
        if marks := _marks(run.measurement):
            yield f"{' '.join(run.key[1:])}: {marks}"
    for other in others:
        yield f"not comparable: {unit} and {other}, which have a table each"


def _board(m: Measurement) -> str:
    return f"{m.board} (emulated)" if m.emulated and not m.board.startswith("qemu-") else m.board


def _operators(pair: Pair) -> Grid:
    first, second = pair.before, pair.after
    if first.key == second.key:
        where = f"{' '.join(second.key[1:])}: {first.document} -> {second.document}"
    else:
        where = f"{' '.join(first.key[1:])} -> {' '.join(second.key[1:])}"
    rows = [(str(one.index), one.change.what, *_cells(one.change)[1:]) for one in pair.operators]
    notes = dict.fromkeys(one.change.why for one in pair.operators if one.change.why)
    return Grid(
        title=f"{latency_unit(second.measurement)} by operator of {second.key[0]}, {where}",
        headings=("#", "operator", *_HEADINGS[1:]),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def _budgets(checks: Sequence[AllowanceCheck]) -> Grid:
    """Those that were passed, or would have been but for noise."""
    odd = [check for check in checks if check.why or not check.kept]
    rows = [
        (
            " ".join(check.key),
            _name(check.allowance.what),
            "–" if check.growth is None else _limit(check.growth, check),
            _limit(None, check),
            "within noise" if check.kept else "passed over",
        )
        for check in odd
    ]
    kept = sum(check.kept for check in checks)
    return Grid(
        title=f"budgets of change: {kept} of {len(checks)} kept",
        headings=("run", "", ">worse by", ">budget", "") if rows else (),
        rows=tuple(rows),
        notes=tuple(f"{' '.join(check.key)}: {check.why}" for check in odd if check.why),
    )


def _pair_facts(pair: Pair) -> dict[str, Any]:
    return {
        "before": _run_facts(pair.before),
        "after": _run_facts(pair.after),
        "changes": [_change_facts(change) for change in pair.changes],
        "operators": [{"index": one.index, **_change_facts(one.change)} for one in pair.operators],
    }


def _run_facts(run: Run) -> dict[str, Any]:
    model, board, engine = run.key
    m = run.measurement
    return {
        "document": run.document,
        "model": model,
        "board": board,
        "engine": engine,
        "edgekit": m.edgekit,
        "emulated": m.emulated,
        "virtual": m.virtual,
        "throttled": None if m.system is None else m.system.throttled,
    }


def _change_facts(change: Change) -> dict[str, Any]:
    return {**asdict(change), "share": change.share}
