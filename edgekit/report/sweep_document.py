"""Sweep <-> the JSON document of `edgekit sweep --json` (sweep.schema.json)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from edgekit.errors import InputError, UserError
from edgekit.measurement import Sweep
from edgekit.measurement.pairing import Document
from edgekit.report import document

SCHEMA_VERSION = 1


def to_json(sweep: Sweep) -> str:
    """The document, indented, with a newline at its end."""
    return json.dumps({"schema": SCHEMA_VERSION, **dataclasses.asdict(sweep)}, indent=2) + "\n"


def from_json(text: str) -> Sweep:
    """The sweep that a document holds; a measurement by itself is a sweep of one run.

    Raises:
        InputError: it is neither, or one of another schema version.
    """
    try:
        loaded = json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        raise InputError(f"not a JSON document: {error}") from error
    if not isinstance(loaded, dict) or "runs" not in loaded:
        one = document.from_json(text)
        return Sweep(edgekit=one.edgekit, runs=(one,), failures=())
    if loaded.pop("schema", None) != SCHEMA_VERSION:
        raise InputError(f"not a sweep of schema version {SCHEMA_VERSION}")
    try:
        return TypeAdapter(Sweep).validate_python(loaded)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"not a sweep: {where}: {first['msg']}") from error


def read(paths: Sequence[Path], baseline: Path | None = None) -> list[Document]:
    """The documents in files, the baseline first, under names that tell them apart.

    Args:
        baseline: one of `paths`, or another; default: the first.

    Raises:
        UserError: a file was given twice, or cannot be read.
        InputError: it is neither a sweep nor a measurement.
    """
    if len({path.resolve() for path in paths}) < len(paths):
        raise UserError("a document was given twice", hint="name each file once")
    first = paths[0] if baseline is None else baseline
    ordered = [first, *(path for path in paths if path.resolve() != first.resolve())]
    names = [path.name for path in ordered]
    return [
        Document(name=path.name if names.count(path.name) == 1 else str(path), sweep=_read(path))
        for path in ordered
    ]


def _read(path: Path) -> Sweep:
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (InputError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: {error}",
            hint="give what `edgekit run --json` or `edgekit sweep --json` wrote",
        ) from error


def _refuse(constant: str) -> None:
    """NaN and infinities, which Python reads though they are no JSON."""
    raise ValueError(f"{constant} is no number")


def schema() -> dict[str, Any]:
    """The JSON Schema of the document, that of a measurement within it."""
    text = (Path(__file__).parent / "sweep.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    run = document.schema()
    del run["$schema"], run["properties"]["schema"]
    run["required"].remove("schema")
    loaded["$defs"]["run"] = run
    return loaded
