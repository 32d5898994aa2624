"""Talk to a board: frames, messages, transports, and the Device that hides them."""

from __future__ import annotations

from edgekit.link.device import Device
from edgekit.link.fake import FakeBoard
from edgekit.link.faults import Fault, FaultRates, FaultyTransport
from edgekit.link.listening import HeardFrame, Listener
from edgekit.link.messages import (
    DeviceMemory,
    DeviceStep,
    DeviceTensor,
    ElementType,
    Feature,
    Hello,
    Message,
    ResetCause,
    Status,
)
from edgekit.link.transport import (
    DEFAULT_BAUD,
    MemoryTransport,
    PipeTransport,
    SerialTransport,
    Transport,
    WatchedTransport,
)

__all__ = [
    "DEFAULT_BAUD",
    "Device",
    "DeviceMemory",
    "DeviceStep",
    "DeviceTensor",
    "ElementType",
    "FakeBoard",
    "Fault",
    "FaultRates",
    "FaultyTransport",
    "Feature",
    "HeardFrame",
    "Hello",
    "Listener",
    "MemoryTransport",
    "Message",
    "PipeTransport",
    "ResetCause",
    "SerialTransport",
    "Status",
    "Transport",
    "WatchedTransport",
]
