"""Lines between host and chip that lose, flip, double or delay bytes, or are cut."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from support.played_chip import Cut


@dataclass
class FaultyLine:
    """A line with faults at random; each rate is per byte, each way."""

    seed: int
    lost: float = 0.0
    flipped: float = 0.0
    doubled: float = 0.0
    delayed: float = 0.0  # per piece, by up to 0.2 s
    most: int = 1 << 30  # faults; after so many the line is clean
    faults: int = 0  # counted
    _noise: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._noise = random.Random(self.seed)

    def __call__(self, to_chip: bool, content: bytes) -> bytes:
        del to_chip
        if self.faults < self.most and self._noise.random() < self.delayed:
            self.faults += 1
            time.sleep(self._noise.uniform(0.0, 0.2))
        return b"".join(map(self._byte, content))

    def _byte(self, byte: int) -> bytes:
        chance = self._noise.random()
        whole = bytes([byte])
        if self.faults >= self.most:
            return whole
        for rate, change in (
            (self.lost, b""),
            (self.flipped, bytes([byte ^ (1 << self._noise.randrange(8))])),
            (self.doubled, 2 * whole),
        ):
            if chance < rate:
                self.faults += 1
                return change
            chance -= rate
        return whole


def long_packets_damaged(to_chip: bool, content: bytes) -> bytes:
    """A line on which questions arrive, and nothing that is long: a buffer overflows somewhere."""
    return content[:-8] + content[-7:] if to_chip and len(content) > 500 else content


@dataclass
class CutLine:
    """A cable that is pulled after so many bytes to the chip."""

    after_bytes: int
    on_cut: Callable[[], None] = lambda: None
    _seen: int = 0

    def __call__(self, to_chip: bool, content: bytes) -> bytes:
        self._seen += len(content) if to_chip else 0
        if self._seen >= self.after_bytes:
            self.on_cut()
            raise Cut
        return content


@dataclass
class OtherRegisters:
    """A chip whose registers read as these values, by their addresses: fuses, the SPI bus."""

    values: Mapping[int, int]
    _asked: list[int | None] = field(default_factory=list)

    def __call__(self, to_chip: bool, content: bytes) -> bytes:
        if to_chip:
            at = content.find(b"\xc0\x00\x0a\x04\x00")  # READ_REG with four bytes
            if at >= 0:
                raw = content[at + 9 :].replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")
                self._asked = [struct.unpack_from("<I", raw)[0]]
            return content
        at = content.find(b"\xc0\x01\x0a")
        if at < 0 or not self._asked or self._asked[0] not in self.values:
            return content
        raw = content[at + 1 :].replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")
        value = struct.pack("<I", self.values[self._asked[0]])
        reply = raw[:4] + value + raw[8:-1]
        return b"\xc0" + reply.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"
