"""What a person may choose about a project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Builder = Literal["cmake", "platformio"]
Place = Literal["flash", "ram"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectOptions:
    """How the firmware is compiled."""

    optimisation: Literal["-O2", "-Os", "-O3"] = "-O2"
    sanitize: bool = False  # AddressSanitizer and UndefinedBehaviorSanitizer; board host only
    defines: tuple[tuple[str, str], ...] = ()  # (name, value), for every C file
    builder: Builder | None = None  # None: the one that the board's file names
    #: What carries the link on boards that have both: the UART, or the chip's own USB.
    #: None: as the board's file says.
    link: Literal["uart", "usb"] | None = None
    #: Of the task that runs the model, on boards with a framework; None: as the board's file says.
    stack_bytes: int | None = None
    #: Where TensorFlow Lite Micro comes from, for engine tflm: a directory that holds its sources,
    #: or a library as PlatformIO writes it. None: the board's framework brings one.
    tflm_library: str | None = None
    #: Where the model's constants, and its code, lie while it runs, on boards without a framework.
    weights_in: Place = "flash"
    kernels_in: Place = "flash"
