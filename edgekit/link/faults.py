"""A transport that loses, flips, doubles and invents bytes, so that others can be tried on it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from edgekit.link.transport import Transport


class Fault(Enum):
    """What can happen to one byte."""

    DROP = "drop"  # it is lost
    FLIP = "flip"  # one of its bits turns
    DOUBLE = "double"  # it comes twice
    INSERT = "insert"  # a byte that nobody sent comes before it
    CUT = "cut"  # it and all after it, in the same write or read, are lost


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRates:
    """How likely each fault is, for each byte."""

    drop: float = 0.0
    flip: float = 0.0
    double: float = 0.0
    insert: float = 0.0
    cut: float = 0.0

    def pick(self, chance: float) -> Fault | None:
        """Return the fault for a `chance` of 0 to 1."""
        for fault in Fault:
            chance -= float(getattr(self, fault.value))
            if chance < 0:
                return fault
        return None


_NEVER = FaultRates()


class FaultyTransport:
    """Wraps a transport. The same seed and the same bytes give the same faults.

    `sent` and `received` are rates for each direction; `sent_at` and `received_at` place single
    faults at exact positions, counted in bytes from the first one of that direction.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        seed: int = 0,
        sent: FaultRates = _NEVER,
        received: FaultRates = _NEVER,
        sent_at: Mapping[int, Fault] | None = None,
        received_at: Mapping[int, Fault] | None = None,
    ) -> None:
        self._transport = transport
        self._to_board = _Line(random.Random(f"{seed} sent"), sent, sent_at or {})
        self._to_host = _Line(random.Random(f"{seed} received"), received, received_at or {})

    @property
    def fault_count(self) -> int:
        """Faults so far, in both directions."""
        return self._to_board.faults + self._to_host.faults

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        """Read as the wrapped transport does; what arrives may be damaged."""
        # Half, for doubled and inserted bytes must not exceed `max_bytes`.
        while received := self._transport.read(max(1, max_bytes // 2), timeout_s):
            if spoiled := self._to_host.spoil(received):
                return spoiled
        return b""

    def write(self, sent: bytes) -> None:
        """Send, perhaps damaged."""
        if spoiled := self._to_board.spoil(sent):
            self._transport.write(spoiled)

    def close(self) -> None:
        """Close the wrapped transport."""
        self._transport.close()


class _Line:
    """One direction."""

    def __init__(self, dice: random.Random, rates: FaultRates, at: Mapping[int, Fault]) -> None:
        self._dice, self._rates, self._at = dice, rates, at
        self._position = 0
        self.faults = 0

    def spoil(self, passing: bytes) -> bytes:
        spoiled = bytearray()
        cut = False
        for byte in passing:
            fault = self._at.get(self._position) or self._rates.pick(self._dice.random())
            self._position += 1
            if cut:
                continue
            self.faults += fault is not None
            cut = fault is Fault.CUT
            spoiled += self._fate(byte, fault)
        return bytes(spoiled)

    def _fate(self, byte: int, fault: Fault | None) -> bytes:
        if fault is Fault.FLIP:
            return bytes([byte ^ (1 << self._dice.randrange(8))])
        if fault is Fault.DOUBLE:
            return bytes([byte, byte])
        if fault is Fault.INSERT:
            return bytes([self._dice.randrange(256), byte])
        return b"" if fault in (Fault.DROP, Fault.CUT) else bytes([byte])
