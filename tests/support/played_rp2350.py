"""An RP2350 with stand-ins for its registers, around the CPU emulator Unicorn.

No emulator models the chip. This one has a CPU of the right kind, flash memory and RAM, and of the
peripherals only what an image touches, each with the conditions that the datasheet sets: a block
in reset is silent, the PLL locks once it has power, a clock is selected only if its source runs,
the UART speaks only with a clock, a baud rate and its pins. What an image does wrong in that
respect is an AssertionError. It takes a UF2, as the boot ROM does, and is a transport of
edgekit.link.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from support.picobin import ImageDefinition, definition_in
from support.uf2_reader import blocks_of, written_by_rom

FLASH, FLASH_BYTES = 0x1000_0000, 4 << 20
FLASH_UNCACHED = 0x1400_0000
RAM, RAM_BYTES = 0x2000_0000, 0x8_2000
_PERIPHERALS, _PERIPHERALS_BYTES = 0x4000_0000, 0x11_0000
_SIO, _SIO_BYTES = 0xD000_0000, 0x1000

_RESETS, _RESET_DONE = 0x4002_0000, 0x4002_0008
_PLL_BLOCK, _IO_BLOCK, _PADS_BLOCK, _UART_BLOCK = 1 << 14, 1 << 6, 1 << 9, 1 << 26
_XOSC, _XOSC_STATUS = 0x4004_8000, 0x4004_8004
_REF, _REF_SELECTED = 0x4001_0030, 0x4001_0038
_SYS, _SYS_SELECTED, _PERI = 0x4001_003C, 0x4001_0044, 0x4001_0048
_PLL_STATUS, _PLL_POWER, _PLL_FEEDBACK, _PLL_POST = (
    0x4005_0000,
    0x4005_0004,
    0x4005_0008,
    0x4005_000C,
)
_UART_DATA, _UART_FLAGS, _UART_WHOLE, _UART_64THS = (
    0x4007_0000,
    0x4007_0018,
    0x4007_0024,
    0x4007_0028,
)
_UART_LINE, _UART_CONTROL = 0x4007_002C, 0x4007_0030
_QMI, _QMI_SEND, _QMI_RECEIVED = 0x400D_0000, 0x400D_0004, 0x400D_0008
_QMI_TIMING, _QMI_FORMAT, _QMI_COMMAND = 0x400D_000C, 0x400D_0010, 0x400D_0014
_WATCHDOG, _WATCHDOG_REASON, _SCRATCH0 = 0x400D_8000, 0x400D_8008, 0x400D_800C
_PSM_WATCHDOG, _CHIP_RESET = 0x4001_8008, 0x4010_002C
_TIME_CONTROL, _TIME_LOW, _TIME_HIGH = 0xD000_01A4, 0xD000_01B0, 0xD000_01B4

_AT_RESET = {
    _RESETS: 0x1FFF_FFFF,
    _PLL_STATUS: 1,
    _PLL_POWER: 0x2D,
    _PLL_POST: 0x77000,
    _REF: 0,
    _SYS: 0,
    _UART_LINE: 0,
    _UART_CONTROL: 0x300,
    _QMI_TIMING: 0x4000_0004,
    _QMI_FORMAT: 0x1000,  # 03h, one wire
    _QMI_COMMAND: 0xA003,
}
_US_PER_POLL = 100


def flash_of(uf2: bytes, family_id: int) -> bytes:
    """Flash memory from its start on, after the boot ROM took the file."""
    written = written_by_rom(blocks_of(uf2), family_id)
    assert min(written) == FLASH
    return bytes(written.get(at, 0xFF) for at in range(FLASH, max(written) + 1))


class PlayedRp2350:
    """The chip, with an image in its flash memory, as the boot ROM enters it after power-on."""

    def __init__(self, uf2: bytes, *, family_id: int, has_quad: bool = True) -> None:
        self.image = flash_of(uf2, family_id)
        self.definition: ImageDefinition = definition_in(self.image)
        self.has_quad = has_quad
        self.flash_continuous = False  # the flash memory expects no command in front of an address
        self.starts = 0
        self.said = bytearray()
        self.heard: deque[int] = deque()
        self._scratch0 = 0
        self._chip_reset = 1 << 16  # power-on
        self._reason = 0
        self._boot()

    # ---- the transport ---------------------------------------------------------------------

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        """What the image has sent; b"" if it waits for bytes instead."""
        del timeout_s
        if not self.said:
            self._run()
        taken = bytes(self.said[:max_bytes])
        del self.said[:max_bytes]
        return taken

    def write(self, sent: bytes) -> None:
        """Bytes for the UART."""
        self.heard.extend(sent)

    def close(self) -> None:
        """There is nothing to close."""

    # ---- the boot ROM ----------------------------------------------------------------------

    def _boot(self) -> None:
        """Memory and registers as after a reset, and the entry that the image asks for."""
        import unicorn

        self.starts += 1
        self.registers = dict(_AT_RESET)
        self.flash_continuous = False  # the boot ROM sends the sequence that ends it
        self._time = 0
        self._received: deque[int] = deque()
        self._idle_polls = 0
        self._failure: BaseException | None = None
        self._restart = False
        self._is_faulting = False
        arm = self.definition.cpu == "arm"
        self._uc = uc = unicorn.Uc(
            unicorn.UC_ARCH_ARM if arm else unicorn.UC_ARCH_RISCV,
            unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS if arm else unicorn.UC_MODE_RISCV32,
        )
        if arm:
            uc.ctl_set_cpu_model(unicorn.arm_const.UC_CPU_ARM_CORTEX_M33)
        uc.mem_map(FLASH, FLASH_BYTES, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
        uc.mem_write(FLASH, self.image)
        uc.mem_map(RAM, RAM_BYTES)
        uc.mem_write(RAM, b"\xa5" * RAM_BYTES)  # nothing may rely on zeroes
        self._map(FLASH_UNCACHED, 0x1000, lambda at: self._read_flash(at), None)
        self._map(_PERIPHERALS, _PERIPHERALS_BYTES, self._read, self._write)
        self._map(_SIO, _SIO_BYTES, self._read, self._write)
        if arm:
            self._system: dict[int, int] = {}
            self._map(0xE000_E000, 0x1000, self._system_read, self._system.__setitem__)
            assert self.definition.vector_table is not None
            table = self.definition.vector_table
            stack, self._pc = (self._word(table + 4 * i) for i in range(2))
            assert self._pc & 1, "the reset vector is Thumb code"
            uc.reg_write(unicorn.arm_const.UC_ARM_REG_SP, stack)
            self._pc_register = unicorn.arm_const.UC_ARM_REG_PC
        else:
            assert self.definition.entry is not None
            self._pc, stack = self.definition.entry
            uc.reg_write(unicorn.riscv_const.UC_RISCV_REG_SP, stack)
            self._pc_register = unicorn.riscv_const.UC_RISCV_REG_PC
        uc.hook_add(unicorn.UC_HOOK_BLOCK, self._block)

    def _word(self, address: int) -> int:
        return int.from_bytes(self._uc.mem_read(address, 4), "little")

    def _map(self, start: int, size: int, read: Any, write: Any) -> None:
        def on_read(uc: Any, offset: int, width: int, data: object) -> int:
            del uc, data
            assert width == 4 or start + offset == _UART_DATA
            return int(self._guarded(read, start + offset) or 0)

        def on_write(uc: Any, offset: int, width: int, value: int, data: object) -> None:
            del uc, data, width
            self._guarded(write, start + offset, value)

        self._uc.mmio_map(start, size, on_read, None, on_write if write else None, None)

    def _guarded(self, function: Any, *arguments: int) -> object:
        """Exceptions do not cross the emulator's C code by themselves."""
        try:
            return function(*arguments)
        except BaseException as error:
            self._failure = self._failure or error
            self._uc.emu_stop()
            return 0

    def _run(self) -> None:
        """Until the image waits for bytes that are not there."""
        import unicorn

        self._idle_polls = 0
        while True:
            try:
                self._uc.emu_start(self._pc, 0xFFFF_FFFE)
            except unicorn.UcError as error:
                if self._failure is None and not self._is_faulting:
                    self._enter_fault()
                    continue
                at = self._uc.reg_read(self._pc_register)
                raise AssertionError(f"{error} at {at:#x}, entered at {self._pc:#x}") from error
            if self._failure is not None:
                raise self._failure
            if self._restart:
                self._boot()
                continue
            self._pc = self._uc.reg_read(self._pc_register) | (self.definition.cpu == "arm")
            return

    def _enter_fault(self) -> None:
        """What a CPU does on a fault, which Unicorn leaves to its user."""
        from unicorn import arm_const, riscv_const

        self._is_faulting = True
        uc, pc = self._uc, self._uc.reg_read(self._pc_register)
        if self.definition.cpu == "riscv":
            uc.reg_write(riscv_const.UC_RISCV_REG_MEPC, pc)
            uc.reg_write(riscv_const.UC_RISCV_REG_MCAUSE, 7)  # store access fault
            self._pc = uc.reg_read(riscv_const.UC_RISCV_REG_MTVEC)
            return
        names = ("R0", "R1", "R2", "R3", "R12", "LR", "PC", "XPSR")
        registers = [getattr(arm_const, f"UC_ARM_REG_{name}") for name in names]
        stack = uc.reg_read(arm_const.UC_ARM_REG_SP)
        frame = (stack - 32) & ~7
        words = [uc.reg_read(register) for register in registers]
        words[-1] |= (stack - 32 - frame) // 4 << 9  # whether the frame had to be aligned
        for i, word in enumerate(words):
            uc.mem_write(frame + 4 * i, word.to_bytes(4, "little"))
        uc.reg_write(arm_const.UC_ARM_REG_SP, frame)
        uc.reg_write(arm_const.UC_ARM_REG_LR, 0xFFFF_FFF9)  # thread mode, this stack, no float
        assert self.definition.vector_table is not None
        self._pc = self._word(self.definition.vector_table + 4 * 3)  # HardFault

    # ---- flash memory ----------------------------------------------------------------------

    def _block(self, uc: Any, address: int, size: int, data: object) -> None:
        """Code in flash memory runs only while flash memory can be read."""
        del uc, size, data
        if FLASH <= address < FLASH + FLASH_BYTES:
            self._guarded(self._check_flash, address)

    def _check_flash(self, address: int) -> None:
        assert not self.registers.get(_QMI, 0) & 1, f"code at {address:#x} in direct mode"
        has_command = bool(self.registers[_QMI_FORMAT] & 1 << 12)
        assert has_command != self.flash_continuous, f"flash memory cannot be read at {address:#x}"

    def _read_flash(self, address: int) -> int:
        read_format, command = self.registers[_QMI_FORMAT], self.registers[_QMI_COMMAND]
        self._check_flash(address)
        if read_format & 3 << 8 == 2 << 8:  # quad
            assert self.has_quad and command & 0xFF == 0xEB
            assert read_format >> 14 & 3 == 2 and read_format >> 16 & 7 == 4, "mode, 4 clocks"
            self.flash_continuous = command >> 8 & 0xF0 == 0xA0
        return self._word(FLASH + address - FLASH_UNCACHED)

    def _send_to_flash(self, byte: int) -> None:
        assert self.registers[_QMI] & 1 and not self.flash_continuous
        answers = self._received
        status_2 = 2 if self.has_quad else 0
        answers.append(status_2 if len(answers) == 1 and self._command == 0x35 else 0xFF)
        if len(answers) == 1:
            self._command = byte

    # ---- registers -------------------------------------------------------------------------

    def _out_of_reset(self, blocks: int) -> bool:
        return not self.registers[_RESETS] & blocks

    @property
    def _xosc_runs(self) -> bool:
        return self.registers.get(_XOSC, 0) == 0xFAB << 12 | 0xAA0

    @property
    def _pll_locked(self) -> bool:
        get = self.registers.get
        has_power = not get(_PLL_POWER, 0) & (1 << 5 | 1)
        return self._out_of_reset(_PLL_BLOCK) and has_power and get(_PLL_FEEDBACK, 0) != 0

    @property
    def clock_hz(self) -> int:
        """Of the system, from what the registers say."""
        if self.registers[_REF] & 3 == 0:
            return 11_000_000  # ring oscillator
        assert self._xosc_runs
        if not self.registers[_SYS] & 1:
            return 12_000_000
        assert self._pll_locked and not self.registers[_PLL_POWER] & 1 << 3
        post = self.registers[_PLL_POST]
        vco = 12_000_000 * self.registers[_PLL_FEEDBACK] // (self.registers[_PLL_STATUS] & 0x3F)
        assert 750_000_000 <= vco <= 1_600_000_000
        return vco // (post >> 16 & 7) // (post >> 12 & 7)

    @property
    def flash_clock_hz(self) -> float:
        """Of the flash memory's bus."""
        return self.clock_hz / (self.registers[_QMI_TIMING] & 0xFF)

    @property
    def baud(self) -> float:
        """Of the UART; 0 while it is silent."""
        get = self.registers.get
        pins = all(get(0x4002_8004 + 8 * pin) == 2 for pin in range(2))
        tx, rx = (get(0x4003_8004 + 4 * pin, 0x116) for pin in range(2))
        pads = not (tx | rx) & (1 << 8 | 1 << 7) and rx & 1 << 6
        clocked = get(_PERI, 0) & 1 << 11
        if not (pins and pads and clocked and get(_UART_CONTROL, 0) & 0x301 == 0x301):
            return 0
        if not self._out_of_reset(_IO_BLOCK | _PADS_BLOCK | _UART_BLOCK):
            return 0
        assert get(_UART_LINE) == 0x70, "8 bits, no parity, its FIFOs"
        return self.clock_hz / 16 / (get(_UART_WHOLE, 0) + get(_UART_64THS, 0) / 64)

    def _read(self, address: int) -> int:
        if address == _RESET_DONE:
            return ~self.registers[_RESETS] & 0x1FFF_FFFF
        if address == _XOSC_STATUS:
            return int(self._xosc_runs) << 31
        if address == _REF_SELECTED:
            return 1 << (self.registers[_REF] & 3)
        if address == _SYS_SELECTED:
            return 1 << (self.registers[_SYS] & 1)
        if address == _PLL_STATUS:
            return self.registers[_PLL_STATUS] | int(self._pll_locked) << 31
        if address == _UART_FLAGS:
            return self._uart_flags()
        if address == _UART_DATA:
            return self.heard.popleft()
        if address == _QMI_RECEIVED:
            return self._received.popleft()
        if address in (_TIME_LOW, _TIME_HIGH):
            return self._read_time(address)
        if address == _WATCHDOG_REASON:
            return self._reason
        if address == _SCRATCH0:
            return self._scratch0
        if address == _CHIP_RESET:
            return self._chip_reset
        return self.registers.get(address, 0)

    def _uart_flags(self) -> int:
        assert abs(self.baud - 115200) < 0.02 * 115200, f"{self.baud} baud"
        if self.heard:
            return 0
        self._idle_polls += 1
        if self.said or self._idle_polls > 5000:
            self._uc.emu_stop()
        return 1 << 4

    def _read_time(self, address: int) -> int:
        if address == _TIME_LOW:
            self._time += _US_PER_POLL * 150
        return self._time >> (32 if address == _TIME_HIGH else 0) & 0xFFFF_FFFF

    def _write(self, address: int, value: int) -> None:
        if _PERIPHERALS <= address < _SIO and address & 0x3000:
            before = self.registers.get(address & ~0x3000, 0)
            kind = address >> 12 & 3
            value = {1: before ^ value, 2: before | value, 3: before & ~value}[kind]
            address &= ~0x3000
        if address == _UART_DATA:
            assert self.baud, "the UART is silent"
            self.said.append(value & 0xFF)
            self._idle_polls = 0
        elif address == _QMI_SEND:
            self._send_to_flash(value & 0xFF)
        elif address == _SCRATCH0:
            self._scratch0 = value
        elif address == _WATCHDOG and value >> 31:
            self._reset_by_watchdog()
        elif address == _REF and value & 3 == 2:
            assert self._xosc_runs
        self.registers[address] = value
        if address in (_SYS, _REF):
            assert self.clock_hz  # which asserts that there is a clock
            assert self.flash_clock_hz <= 80e6

    def _reset_by_watchdog(self) -> None:
        assert self.registers[_PSM_WATCHDOG] & 0x01FF_FF80 == 0x01FF_FF80, "all of the chip"
        self._reason, self._restart = 2, True
        self._uc.emu_stop()

    def _system_read(self, address: int) -> int:
        return self._system.get(address, 0)
