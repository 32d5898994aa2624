"""Converters that run as programs of their own; they import nothing else of edgekit.

Each `from_<source>.py` has `convert(*arguments: str) -> dict`: it writes what it was asked for to
a path among its arguments and returns facts that JSON can hold. `run.py` runs one of them, also
with the Python of another environment, where edgekit is not installed.
"""
