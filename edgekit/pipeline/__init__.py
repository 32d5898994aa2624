"""The only place that knows the order of the stages."""

from edgekit.pipeline.compiling import (
    AotModel,
    CompiledModel,
    Engine,
    TflmModel,
    boards_that_fit,
    compile,
    left_over,
)
from edgekit.pipeline.firmware import (
    BuiltFirmware,
    build,
    connect,
    inspect,
    measure,
    run,
    verify,
    write,
)

__all__ = [
    "AotModel",
    "BuiltFirmware",
    "CompiledModel",
    "Engine",
    "TflmModel",
    "boards_that_fit",
    "build",
    "compile",
    "connect",
    "inspect",
    "left_over",
    "measure",
    "run",
    "verify",
    "write",
]
