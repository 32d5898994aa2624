"""Messages of the link: their numbers, their fields, and what replies mean.

Specified in docs/protocol.md. The same numbers stand in firmware/include/edgekit/ek_protocol.h; a
test compares the two.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from edgekit.errors import DeviceError, ProtocolError

VERSION = 1
REPLY = 0x80
MAX_RANK = 6
STACK_UNKNOWN = 0xFFFF_FFFF

_HEADER = struct.Struct("<BBHI")
_REBUILD = "rebuild and flash the firmware with this edgekit"


class Message(IntEnum):
    """What a request asks for."""

    NONE = 0  # only in the notice of a damaged frame
    HELLO = 1
    TENSOR = 2
    STEP = 3
    WRITE_INPUT = 4
    INVOKE = 5
    READ_OUTPUT = 6
    PROFILE = 7
    DIGESTS = 8
    MEMORY = 9
    ECHO = 10
    LOG = 11
    REBOOT = 12


class Status(IntEnum):
    """How a reply ends: below 0x80 an ek_status with its sign turned, else of the conversation."""

    OK = 0
    ARGUMENT = 1
    ARENA = 2
    STATE = 3
    TIMEOUT = 4
    FRAME = 5
    UNSUPPORTED = 6
    PORT = 7
    BUSY = 0x80
    DAMAGED = 0x81
    SESSION = 0x82
    UNKNOWN = 0x83
    VERSION = 0x84


class Feature(IntFlag):
    """What a firmware has compiled in."""

    PROFILE = 1
    TEXT = 2


class ResetCause(IntEnum):
    """Why the board last started."""

    UNKNOWN = 0
    POWER_ON = 1
    SOFTWARE = 2
    WATCHDOG = 3
    FAULT = 4
    BROWN_OUT = 5


class ElementType(IntEnum):
    """Type of a tensor's elements."""

    INT8 = 1
    UINT8 = 2
    INT16 = 3
    INT32 = 4
    INT64 = 5
    FLOAT32 = 6
    BOOL = 7


ELEMENT_BYTES = {
    ElementType.INT8: 1,
    ElementType.UINT8: 1,
    ElementType.INT16: 2,
    ElementType.INT32: 4,
    ElementType.INT64: 8,
    ElementType.FLOAT32: 4,
    ElementType.BOOL: 1,
}


@dataclass(frozen=True, slots=True)
class Header:
    """The first eight bytes of every frame."""

    message: int
    status: int
    sequence: int
    session: int

    def pack(self) -> bytes:
        """Give the bytes of the wire."""
        return _HEADER.pack(self.message, self.status, self.sequence, self.session)

    @classmethod
    def parse(cls, body: bytes) -> Header:
        """Take the header from the start of a frame's body."""
        return cls(*_HEADER.unpack_from(body))


class Fields:
    """Reads little-endian fields; a reply that is too short or too long is a ProtocolError."""

    def __init__(self, message: Message, payload: bytes) -> None:
        self._message, self._payload, self._at = message, payload, 0

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        taken = self._payload[self._at : self._at + size]
        if len(taken) < size:
            raise ProtocolError(
                f"the reply to {self._message.name} ends after {len(self._payload)} bytes, "
                "within a field",
                hint=_REBUILD,
            )
        self._at += size
        return taken

    def number(self, size: int, *, signed: bool = False) -> int:
        """Return the next integer of `size` bytes."""
        return int.from_bytes(self.take(size), "little", signed=signed)

    def string(self) -> str:
        """Return the next string."""
        return self.take(self.number(1)).decode(errors="replace")

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(len(self._payload) - self._at)

    def end(self) -> None:
        """Refuse bytes that nobody asked for."""
        if left := len(self._payload) - self._at:
            raise ProtocolError(
                f"the reply to {self._message.name} has {left} bytes too many",
                hint=_REBUILD,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """What a board says of itself."""

    version: int  # of the protocol
    features: Feature
    reset_cause: ResetCause
    model_status: int  # a Status; not OK when the model did not start
    max_payload_bytes: int
    max_samples: int  # timed runs of one INVOKE
    input_count: int
    output_count: int
    step_count: int
    arena_bytes: int
    macs: int
    ticks_hz: int  # 0 when a tick is an instruction or a cycle, not a time
    model_sha256: str
    board_id: str
    engine: str
    model_name: str
    edgekit_version: str
    build_id: str  # of the firmware image; empty where it says none

    @property
    def has_profile(self) -> bool:
        """True if per-step ticks and digests are compiled in."""
        return Feature.PROFILE in self.features

    @classmethod
    def parse(cls, payload: bytes) -> Hello:
        """Take the reply to HELLO."""
        fields = Fields(Message.HELLO, payload)
        hello = cls(
            version=fields.number(1),
            features=Feature(fields.number(1) & (Feature.PROFILE | Feature.TEXT)),
            reset_cause=_reset_cause(fields.number(1)),
            model_status=fields.number(1),
            max_payload_bytes=fields.number(2),
            max_samples=fields.number(2),
            input_count=fields.number(2),
            output_count=fields.number(2),
            step_count=fields.number(2),
            arena_bytes=fields.number(4),
            macs=fields.number(4),
            ticks_hz=fields.number(4),
            model_sha256=fields.take(32).hex(),
            board_id=fields.string(),
            engine=fields.string(),
            model_name=fields.string(),
            **_versions(fields.string()),
        )
        fields.end()
        if hello.max_payload_bytes < 256 or hello.max_samples < 1:
            raise ProtocolError(
                f"the board takes {hello.max_payload_bytes} payload bytes and "
                f"{hello.max_samples} runs per request; at least 256 and 1 are needed",
                hint="set EK_LINK_PAYLOAD_BYTES to 256 or more and rebuild the firmware",
            )
        return hello


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTensor:
    """One input or output of the model, as the board describes it."""

    name: str
    type: ElementType
    shape: tuple[int, ...]
    size_bytes: int
    scale: float  # real = scale * (value - zero_point); 0 when not quantised
    zero_point: int

    @classmethod
    def parse(cls, payload: bytes) -> DeviceTensor:
        """Take the reply to TENSOR."""
        fields = Fields(Message.TENSOR, payload)
        type_, rank = fields.number(1), fields.number(1)
        if type_ not in ELEMENT_BYTES or rank > MAX_RANK:
            raise ProtocolError(
                f"the board describes a tensor of type {type_} and rank {rank}, unknown here",
                hint=_REBUILD,
            )
        shape = tuple(fields.number(4, signed=True) for _ in range(rank))
        tensor = cls(
            type=ElementType(type_),
            shape=shape,
            size_bytes=fields.number(4),
            scale=struct.unpack("<f", fields.take(4))[0],
            zero_point=fields.number(4, signed=True),
            name=fields.string(),
        )
        fields.end()
        if math.prod(shape) * ELEMENT_BYTES[tensor.type] != tensor.size_bytes:
            raise ProtocolError(
                f"the board gives {tensor.size_bytes} bytes for a tensor of "
                f"{tensor.type.name} {list(shape)}",
                hint=_REBUILD,
            )
        return tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceStep:
    """One step of the model, as the board describes it."""

    name: str
    kernel: str
    operator_index: int
    macs: int
    output_bytes: int

    @classmethod
    def parse(cls, payload: bytes) -> DeviceStep:
        """Take the reply to STEP."""
        fields = Fields(Message.STEP, payload)
        step = cls(
            operator_index=fields.number(2),
            macs=fields.number(4),
            output_bytes=fields.number(4),
            name=fields.string(),
            kernel=fields.string(),
        )
        fields.end()
        return step


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceMemory:
    """Memory that the model uses on the board."""

    arena_bytes: int
    stack_bytes: int | None  # high water of one invoke; None where it cannot be known

    @classmethod
    def parse(cls, payload: bytes) -> DeviceMemory:
        """Take the reply to MEMORY."""
        fields = Fields(Message.MEMORY, payload)
        arena_bytes, stack_bytes = fields.number(4), fields.number(4)
        fields.end()
        known = stack_bytes != STACK_UNKNOWN
        return cls(arena_bytes=arena_bytes, stack_bytes=stack_bytes if known else None)


def parse_numbers(message: Message, payload: bytes, *, size: int) -> tuple[int, ...]:
    """Take a reply that is a list of unsigned integers of `size` bytes each."""
    fields = Fields(message, payload)
    numbers = tuple(fields.number(size) for _ in range(len(payload) // size))
    fields.end()
    return numbers


_CAUSES: dict[Status | None, str] = {
    Status.SESSION: "it knows nothing of this conversation any more",
    Status.UNKNOWN: "its firmware has no such message",
}

_HINTS: dict[Status | None, str] = {
    Status.ARENA: "rebuild the firmware: its arena does not fit its model",
    Status.SESSION: "the board was reset, or another program spoke to it: begin again",
    Status.UNSUPPORTED: "rebuild the firmware with this part switched on",
}


def device_error(message: Message, status: int, payload: bytes) -> DeviceError:
    """Make the error for a reply that is not OK."""
    known = next((one for one in Status if one == status), None)
    name = f"{status:#04x}" if known is None else known.name
    cause = _CAUSES.get(known) or payload.decode(errors="replace")
    text = f"the board refused {message.name} with status {name}"
    return DeviceError(
        f"{text}: {cause}" if cause else text, status=status, hint=_HINTS.get(known, _REBUILD)
    )


def version_error(payload: bytes) -> ProtocolError:
    """Make the error for a board that speaks another version."""
    theirs = str(payload[0]) if payload else "an unknown version"
    return ProtocolError(
        f"the board speaks link protocol {theirs}, this edgekit speaks {VERSION}",
        hint=_REBUILD,
    )


def _versions(text: str) -> dict[str, str]:
    """<version of edgekit>+<build id>: build metadata as semantic versioning 2.0.0 writes them."""
    version, _, build_id = text.partition("+")
    return {"edgekit_version": version, "build_id": build_id}


def _reset_cause(number: int) -> ResetCause:
    try:
        return ResetCause(number)
    except ValueError:
        return ResetCause.UNKNOWN
