"""edgekit: from a trained model to measured firmware on microcontrollers.

    import edgekit

    edgekit.convert("model.keras", "calibration.npz", output="model.tflite")
    measurement = edgekit.run("model.tflite", "qemu-cortex-m4", inputs=4)
    print(measurement.invoke.median, measurement.invoke.unit)

Everything here is imported when it is first used, so that `import edgekit` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgekit.boards import Board, all_boards
    from edgekit.boards import load as board
    from edgekit.emulators import VirtualEsp32
    from edgekit.errors import EdgekitError
    from edgekit.frontends.tflite import read
    from edgekit.link import Device
    from edgekit.measurement import Measurement, Samples, Sweep
    from edgekit.pipeline import (
        BuiltFirmware,
        CompiledModel,
        build,
        compile,
        connect,
        inspect,
        measure,
        run,
        sweep,
        verify,
    )
    from edgekit.pipeline.conversion import convert
    from edgekit.pipeline.flashing import flash_board
    from edgekit.pipeline.gate import GateResult, gate
    from edgekit.report import from_json, to_json
    from edgekit.report.conversion import Conversion

_HOME = {
    "Board": ("edgekit.boards", "Board"),
    "BuiltFirmware": ("edgekit.pipeline", "BuiltFirmware"),
    "CompiledModel": ("edgekit.pipeline", "CompiledModel"),
    "Conversion": ("edgekit.report.conversion", "Conversion"),
    "Device": ("edgekit.link", "Device"),
    "EdgekitError": ("edgekit.errors", "EdgekitError"),
    "GateResult": ("edgekit.pipeline.gate", "GateResult"),
    "Measurement": ("edgekit.measurement", "Measurement"),
    "Samples": ("edgekit.measurement", "Samples"),
    "Sweep": ("edgekit.measurement", "Sweep"),
    "VirtualEsp32": ("edgekit.emulators", "VirtualEsp32"),
    "all_boards": ("edgekit.boards", "all_boards"),
    "board": ("edgekit.boards", "load"),
    "build": ("edgekit.pipeline", "build"),
    "compile": ("edgekit.pipeline", "compile"),
    "connect": ("edgekit.pipeline", "connect"),
    "convert": ("edgekit.pipeline.conversion", "convert"),
    "flash_board": ("edgekit.pipeline.flashing", "flash_board"),
    "from_json": ("edgekit.report", "from_json"),
    "gate": ("edgekit.pipeline.gate", "gate"),
    "inspect": ("edgekit.pipeline", "inspect"),
    "measure": ("edgekit.pipeline", "measure"),
    "read": ("edgekit.frontends.tflite", "read"),
    "run": ("edgekit.pipeline", "run"),
    "sweep": ("edgekit.pipeline", "sweep"),
    "to_json": ("edgekit.report", "to_json"),
    "verify": ("edgekit.pipeline", "verify"),
}

__all__ = [
    "Board",
    "BuiltFirmware",
    "CompiledModel",
    "Conversion",
    "Device",
    "EdgekitError",
    "GateResult",
    "Measurement",
    "Samples",
    "Sweep",
    "VirtualEsp32",
    "all_boards",
    "board",
    "build",
    "compile",
    "connect",
    "convert",
    "flash_board",
    "from_json",
    "gate",
    "inspect",
    "measure",
    "read",
    "run",
    "sweep",
    "to_json",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'edgekit' has no attribute {name!r}")
    module, attribute = _HOME[name]
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
