"""Documents of runs -> pairs of runs that belong together, and what stands by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgekit.errors import InputError
from edgekit.measurement.records import Measurement
from edgekit.measurement.regression import (
    Change,
    OperatorChange,
    changes,
    operator_changes,
)
from edgekit.measurement.sweeps import Failure, Sweep

Key = tuple[str, str, str]  # model, board, engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A sweep, and the name that tells it from others."""

    name: str
    sweep: Sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, and the name of its document."""

    document: str
    measurement: Measurement

    @property
    def key(self) -> Key:
        """What makes two runs comparable as they are."""
        m = self.measurement
        return m.model.name, m.board, m.engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two runs, and what changed from the first to the second."""

    before: Run
    after: Run
    changes: tuple[Change, ...]
    operators: tuple[OperatorChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A run of the baseline that another document, which has others of it, has not."""

    key: Key
    document: str
    failure: Failure | None  # why, if the document says it


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All that can be said of some documents."""

    documents: tuple[str, ...]  # the baseline first
    pairs: tuple[Pair, ...]  # runs of the baseline with those of the same key elsewhere
    #: Runs whose key is in one document only, by model and unit; each with an earlier one.
    side_by_side: tuple[tuple[Run, Pair | None], ...]
    missing: tuple[Missing, ...]


def compare(documents: Sequence[Document]) -> Comparison:
    """Pair the runs of the first document, the baseline, with those of the others.

    Runs of other keys stand side by side, by model and unit: each is compared with the first one
    on its board, else with the first of all.

    Args:
        documents: at least one, each of another name.

    Raises:
        InputError: a document holds two runs of one model, board and engine.
    """
    tables = [(document, _by_key(document)) for document in documents]
    base, others = tables[0], tables[1:]
    pairs, missing = [], []
    for document, runs in others:
        common = [key for key in base[1] if key in runs]
        pairs += [pair_of(base[1][key], runs[key]) for key in common]
        for key in base[1]:
            if common and key not in runs:
                missing.append(_missing(key, document))
    counts = [key for _, runs in tables for key in runs]
    alone = [run for _, runs in tables for key, run in runs.items() if counts.count(key) == 1]
    return Comparison(
        documents=tuple(document.name for document in documents),
        pairs=tuple(pairs),
        side_by_side=tuple(_side_by_side(alone)),
        missing=tuple(missing),
    )


def pair_of(before: Run, after: Run) -> Pair:
    """Two runs, compared."""
    a, b = before.measurement, after.measurement
    return Pair(before=before, after=after, changes=changes(a, b), operators=operator_changes(a, b))


def _by_key(document: Document) -> dict[Key, Run]:
    runs: dict[Key, Run] = {}
    for measurement in document.sweep.runs:
        run = Run(document=document.name, measurement=measurement)
        if run.key in runs:
            raise InputError(
                f"{document.name} holds two runs of {' '.join(run.key)}",
                hint="results are told apart by model, board and engine: keep one of them",
            )
        runs[run.key] = run
    return runs


def _missing(key: Key, document: Document) -> Missing:
    failures = {(f.model, f.board, f.engine): f for f in document.sweep.failures}
    return Missing(key=key, document=document.name, failure=failures.get(key))


def _side_by_side(runs: Sequence[Run]) -> Iterator[tuple[Run, Pair | None]]:
    for kind in dict.fromkeys(map(_kind, runs)):
        before: list[Run] = []
        for run in (one for one in runs if _kind(one) == kind):
            board = run.measurement.board
            near = [one for one in before if one.measurement.board == board] or before
            yield run, pair_of(near[0], run) if near else None
            before.append(run)


def _kind(run: Run) -> tuple[str, str, bool]:
    """Of runs whose latencies can stand in one column."""
    m = run.measurement
    return m.model.name, m.invoke.unit, m.virtual
