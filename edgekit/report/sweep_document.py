"""Sweep <-> the JSON document of `edgekit sweep --json` (sweep.schema.json)."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from edgekit.errors import InputError
from edgekit.measurement import Sweep
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
