"""Measurement -> JSON, tables, pictures. Measures nothing."""

from edgekit.report.document import SCHEMA_VERSION, from_json, schema, to_json

__all__ = ["SCHEMA_VERSION", "from_json", "schema", "to_json"]
