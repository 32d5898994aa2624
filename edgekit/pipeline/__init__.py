"""The only place that knows the order of the stages."""

from edgekit.pipeline import virtual
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
    verify,
    write,
)
from edgekit.pipeline.many import sweep
from edgekit.pipeline.model_serving import RuntimeOptions
from edgekit.pipeline.reaching import Where, on_board
from edgekit.pipeline.running import run
from edgekit.pipeline.targets import Target, placed, targets

__all__ = [
    "AotModel",
    "BuiltFirmware",
    "CompiledModel",
    "Engine",
    "RuntimeOptions",
    "Target",
    "TflmModel",
    "Where",
    "boards_that_fit",
    "build",
    "compile",
    "connect",
    "inspect",
    "left_over",
    "measure",
    "on_board",
    "placed",
    "run",
    "sweep",
    "targets",
    "verify",
    "virtual",
    "write",
]
