"""Measurement <-> the JSON document of `edgekit run --json` (measurement.schema.json)."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from edgekit.errors import InputError
from edgekit.measurement import Measurement

SCHEMA_VERSION = 1


def to_json(measurement: Measurement) -> str:
    """The document, indented, with a newline at its end."""
    document = {"schema": SCHEMA_VERSION, **dataclasses.asdict(measurement)}
    return json.dumps(document, indent=2) + "\n"


def from_json(text: str) -> Measurement:
    """The measurement that a document holds.

    Raises:
        InputError: it is not such a document, or one of another schema version.
    """
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"not a JSON document: {error}") from error
    if not isinstance(document, dict) or document.pop("schema", None) != SCHEMA_VERSION:
        raise InputError(f"not a measurement of schema version {SCHEMA_VERSION}")
    try:
        measurement = TypeAdapter(Measurement).validate_python(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"not a measurement: {where}: {first['msg']}") from error
    _refuse_impossible(measurement)
    return measurement


def _refuse_impossible(measurement: Measurement) -> None:
    """Raise InputError for figures that nothing can have measured: somebody wrote them."""
    invoke = measurement.invoke
    if not 0 <= invoke.min <= invoke.median <= invoke.p95 <= invoke.max:
        raise InputError(
            "not a measurement: invoke: min, median, p95 and max are not in this order"
        )
    for name, value in dataclasses.asdict(measurement.memory).items():
        if isinstance(value, int) and value < 0:
            raise InputError(f"not a measurement: memory.{name}: {value:,} bytes")


def schema() -> dict[str, Any]:
    """The JSON Schema of the document."""
    text = (Path(__file__).parent / "measurement.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
