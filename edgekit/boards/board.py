"""What a board file may say: the keys of boards/<id>.toml, and nothing else."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from edgekit.errors import BoardError

Unit = Literal["us", "cycles", "instructions"]
Verified = Literal["hardware", "emulated", "compiled", "configured"]

#: What a framework keeps of internal RAM beside PSRAM: its code that must not wait for flash
#: memory, its variables, the heap of its drivers. An estimate, so that PSRAM is taken in time.
_FRAMEWORK_RAM_BYTES = 96 * 1024


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Memory(_Section):
    """One region that the linker may fill."""

    name: str
    kind: Literal["ram", "flash", "psram"]  # psram: external, slower; never the linker's
    start: int = Field(ge=0)
    size_bytes: int = Field(gt=0)
    source: str


class Esptool(_Section):
    """What Espressif's esptool has to know of the board's chip."""

    chip: str  # as esptool names it, e.g. "esp32s3"
    image_chip_id: int = Field(ge=0)  # in the header of the images that its boot loader takes
    bootloader_offset: int = Field(ge=0)  # in flash memory
    source: str


class Uf2(_Section):
    """What its boot ROM has to be told, and says of itself, when it is a USB drive."""

    family_id: int = Field(ge=0, lt=1 << 32)  # in every block: which images the ROM takes
    board_id: str  # Board-ID of the drive's INFO_UF2.TXT, e.g. "RPI-RP2"
    absolute_block: bool = False  # UF2s begin with the block that erratum RP2350-E10 asks for
    source: str


class PlatformIO(_Section):
    """How PlatformIO builds for the board."""

    platform: str  # with its version pinned, e.g. "espressif32@6.13.0"
    board: str  # PlatformIO's id of it
    framework: Literal["espidf", "arduino"]
    mcu: str = ""  # in place of that of PlatformIO's board, e.g. "rp2350-riscv"
    source: str


class Reach(_Section):
    """How the host finds the board: its serial port, or the Linux that runs on it."""

    kind: Literal["pty", "usb", "ssh"]
    usb: tuple[str, ...] = ()  # "vid:pid" in lower-case hex, of the board or of its USB bridge
    baud: int | None = Field(default=None, gt=0)
    compatible: str = ""  # of a Linux board: its chip in its device tree, e.g. "brcm,bcm2711"
    source: str = ""


class Count(_Section):
    """What one tick of the board's port is worth."""

    unit: Unit
    source: str


class Emulator(_Section):
    """How this computer runs the board."""

    #: process: the firmware image is a program of this computer; qemu: a whole machine; qemu-user:
    #: a Linux program of another CPU; rp2040js: a whole RP2040, under node.
    kind: Literal["process", "qemu", "qemu-user", "rp2040js"]
    program: str = ""  # empty: the firmware image is the program
    args: tuple[str, ...] = ()
    icount_shift: int | None = Field(default=None, ge=0, le=10)
    package: str = ""  # Debian package that provides the program
    source: str

    @model_validator(mode="after")
    def _names_a_program(self) -> Emulator:
        if (self.kind == "process") == bool(self.program):
            raise ValueError("kind 'process' has no program, every other kind needs one")
        return self


class Board(_Section):
    """One board, as boards/<id>.toml describes it, with one of its frameworks."""

    id: str  # the file's stem
    #: What the firmware stands on: "espidf", "arduino", or "none" (start-up code of ours). Empty
    #: for boards that have no choice.
    framework: str = ""
    frameworks: tuple[str, ...] = ()  # all that the file has a section for, the default first
    name: str
    mcu: str
    core: str
    isa_flags: tuple[str, ...]  # for the C compiler, also when it links
    #: Instruction sets, the best first: firmware/kernels/<isa>/ may have faster twins of kernels.
    isa: tuple[str, ...] = ()
    toolchain: str  # prefix of the cross compiler, or "host"
    clock_hz: int = Field(ge=0)  # 0: not known
    clock_source: str
    memories: tuple[Memory, ...] = Field(default=(), alias="memory")
    stack_bytes: int = Field(default=16384, gt=0)  # what the linker script sets aside
    port: str  # firmware/ports/<port>.c or .cpp
    startup: str = ""  # firmware/startup/<startup>.{c,S}; empty: the system or a framework has one
    linker: str = ""  # firmware/startup/<linker>.ld
    defines: tuple[tuple[str, str], ...] = ()  # for the port, as -Dname=value
    build: Literal["cmake", "platformio"]
    flash: Literal["emulator", "esptool", "uf2", "ssh"]
    reach: Reach
    count: Count
    emulator: Emulator | None = None
    esptool: Esptool | None = None
    uf2: Uf2 | None = None
    link: Literal["uart", "usb"] = "uart"  # what carries the link unless another is chosen
    platformio: PlatformIO | None = None
    verified: Verified  # the highest rung that we ourselves reached

    @field_validator("defines", mode="before")
    @classmethod
    def _table_to_pairs(cls, value: Any) -> Any:
        return tuple(sorted(value.items())) if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _is_whole(self) -> Board:
        if (self.flash == "emulator") != (self.emulator is not None):
            raise ValueError("flash = 'emulator' and the section [emulator] go together")
        if (self.flash == "esptool") != (self.esptool is not None):
            raise ValueError("flash = 'esptool' and the section [esptool] go together")
        if self.flash == "uf2" and self.uf2 is None:
            raise ValueError("flash = 'uf2' needs the section [uf2]")
        if (self.flash == "ssh") != (self.reach.kind == "ssh"):
            raise ValueError("flash = 'ssh' and reach.kind = 'ssh' go together")
        if (self.reach.kind == "ssh") != bool(self.reach.compatible):
            raise ValueError("reach.kind = 'ssh' and reach.compatible go together")
        if (self.build == "platformio") != (self.platformio is not None):
            raise ValueError("build = 'platformio' and the section [platformio] go together")
        if self.linker and not (self.memory("flash") and self.memory("ram")):
            raise ValueError("a linker script needs one memory of kind flash and one of kind ram")
        return self

    def memory(self, kind: Literal["ram", "flash", "psram"]) -> Memory | None:
        """The first memory of that kind: the one that the linker fills."""
        return next((memory for memory in self.memories if memory.kind == kind), None)

    def arena_memory(self, arena_bytes: int, other_bytes: int) -> Memory | None:
        """Where the arena goes: RAM, or PSRAM on a board that has it and too little RAM.

        Args:
            arena_bytes: size of the arena.
            other_bytes: what else of the model must lie in RAM.

        Returns:
            The memory; None where the operating system gives what is asked.
        """
        ram, psram = self.memory("ram"), self.memory("psram")
        if ram is None or psram is None or arena_bytes > psram.size_bytes:
            return ram
        needed = arena_bytes + other_bytes + self.stack_bytes + _FRAMEWORK_RAM_BYTES
        return ram if needed <= ram.size_bytes else psram

    @property
    def ram_bytes(self) -> int | None:
        """All RAM that the linker may fill; None where the operating system gives what is asked."""
        return self._total("ram")

    @property
    def flash_bytes(self) -> int | None:
        """All flash memory; None where programs are files."""
        return self._total("flash")

    @property
    def emulated(self) -> bool:
        """True if an emulator plays the board; the board `host` is this computer itself."""
        return self.emulator is not None and self.emulator.kind != "process"

    @property
    def runs_linux(self) -> bool:
        """True if its firmware is a program of a Linux system that is not this computer's."""
        return self.flash == "ssh" or (
            self.emulator is not None and self.emulator.kind == "qemu-user"
        )

    @property
    def counts_repeatably(self) -> bool:
        """True if every run of the same work counts the same: an emulator's clock is its own."""
        return self.emulated and self.count.unit != "us"

    def count_of(self, ticks: int, ticks_hz: int) -> float | int:
        """What `ticks` of the port's counter are in `count.unit`.

        Args:
            ticks: difference of two readings of ek_port_ticks(), >= 0.
            ticks_hz: what ek_port_ticks_hz() says; 0 when a tick is an instruction. Where a tick is
                a cycle, it says how many there are in a second.

        Returns:
            Microseconds as a float; cycles and instructions as whole numbers. An emulator that
            counts instructions lets each take 2**icount_shift ns, so rounding recovers the number.

        Raises:
            BoardError: the board counts in us, but its port's ticks have no frequency.
        """
        if self.count.unit == "us":
            if ticks_hz == 0:
                raise BoardError(f"{self.id} counts in us, but port {self.port} says 0 Hz")
            return ticks * 1e6 / ticks_hz
        if ticks_hz == 0 or self.emulator is None or self.emulator.icount_shift is None:
            return ticks
        per_second = ticks_hz << self.emulator.icount_shift
        return (2 * ticks * 1_000_000_000 + per_second) // (2 * per_second)

    def _total(self, kind: Literal["ram", "flash"]) -> int | None:
        sizes = [memory.size_bytes for memory in self.memories if memory.kind == kind]
        return sum(sizes) if sizes else None
