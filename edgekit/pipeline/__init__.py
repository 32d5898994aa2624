"""The only place that knows the order of the stages."""

from edgekit.pipeline import virtual
from edgekit.pipeline.firmware import (
    BuiltFirmware,
    CompiledModel,
    Engine,
    boards_that_fit,
    build,
    compile,
    connect,
    inspect,
    left_over,
    measure,
    run,
    verify,
    write,
)

__all__ = [
    "BuiltFirmware",
    "CompiledModel",
    "Engine",
    "boards_that_fit",
    "build",
    "compile",
    "connect",
    "inspect",
    "left_over",
    "measure",
    "run",
    "verify",
    "virtual",
    "write",
]
