// rp2040js's RP2040, and what a boot from flash memory needs beyond it:
//
// - The boot ROM is not there: what it does before the second boot stage is done here, checksum
//   included, and that stage is entered where and as the ROM would.
// - Flash memory cannot be read before the boot stage has made it memory (flash.mjs).
// - What is a fault on silicon is one here: no memory, no alignment, no instruction, the region that
//   the MPU keeps.
// - SysTick wraps by itself: rp2040js reloads it a cycle early.

import { FLASH_START } from './image.mjs';
import { FlashMemory } from './flash.mjs';

const RAM_START = 0x20000000;
const ROM_BYTES = 0x4000;
const STAGE_ADDRESS = 0x20041f00, STAGE_BYTES = 256, CHECKSUM_OFFSET = 252;
const SSI = 0x18000, WATCHDOG = 0x40058, CHIP_RESET = 0x40064; // keys of rp2040js's peripherals
const CHIP_RESET_OFFSET = 8, HAD_POWER_ON = 1 << 8;
const SYSTEM_CONTROL = 0xe000e, SIO_START = 0xd0000000, SIO_BYTES = 0x200;
const USB_MEMORY = 0x50100000, USB_MEMORY_BYTES = 0x1000;
const MPU_TYPE = 0xd90, MPU_CONTROL = 0xd94, MPU_ADDRESS = 0xd9c, MPU_ATTRIBUTES = 0xda0;
const MPU_REGIONS = 8;
const HARD_FAULT = 3, NMI = 2;

// An access or instruction that an RP2040 would refuse.
class Fault extends Error {}

// The watchdog bit. `note` is what the firmware left in SCRATCH0.
export class WatchdogReset extends Error {
    constructor(note, reason) {
        super('watchdog');
        Object.assign(this, { note, reason });
    }
}

export class Chip {
    #registers;
    #pc = 0; // of the instruction that runs
    #nanosPerCycle;
    #readable = false; // flash memory, as memory
    #flashMemory = new FlashMemory();
    #guard = { start: 0, bytes: 0 };
    #stacking = false;

    // `after`: the WatchdogReset that this start follows, if it is no power-on.
    constructor(Simulator, flash, after) {
        const simulator = new Simulator();
        this.mcu = simulator.rp2040;
        this.clock = simulator.clock;
        this.core = this.mcu.core;
        this.#registers = this.core.registers;
        const silent = () => {};
        const undefinedInstruction = (component, message) => {
            if (component === 'CortexM0Core') {
                throw new Fault(message);
            }
        };
        this.mcu.logger = { debug: silent, info: silent, warn: undefinedInstruction, error: silent };
        this.mcu.onBreak = () => {
            throw new Fault('breakpoint or undefined instruction');
        };
        this.#nanosPerCycle = 1e9 / this.mcu.roscFreq;
        this.mcu.addClockListener((hz) => {
            this.#nanosPerCycle = 1e9 / hz;
        });
        this.mcu.ppb.systickAlarm.enable = false;
        this.#connectPeripherals(after);
        this.#guardMemory();
        this.#boot(flash);
    }

    get uart() {
        return this.mcu.uart[0];
    }

    get isAsleep() {
        return this.core.waiting;
    }

    // At most so many instructions; fewer if the CPU falls asleep. Throws WatchdogReset, or Error
    // with a sentence if nothing can go on.
    execute(instructions) {
        const { core, clock } = this;
        for (let left = instructions; left > 0 && !core.waiting;) {
            try {
                for (; left > 0 && !core.waiting; left--) {
                    this.#pc = this.#registers[15];
                    clock.tick(core.executeInstruction() * this.#nanosPerCycle);
                }
            } catch (error) {
                if (!(error instanceof Fault)) {
                    throw error;
                }
                this.#takeFault(error);
            }
        }
    }

    // The CPU sleeps on for so long.
    sleep(nanos) {
        this.clock.tick(nanos);
    }

    #connectPeripherals(after) {
        const { peripherals, ppb } = this.mcu;
        peripherals[SSI] = this.#flashMemory;
        peripherals[CHIP_RESET] = {
            readUint32: (offset) => (offset === CHIP_RESET_OFFSET ? HAD_POWER_ON : 0),
            writeUint32Atomic() {},
        };
        const watchdog = peripherals[WATCHDOG];
        if (after) {
            watchdog.reason = after.reason;
            watchdog.scratchData[0] = after.note;
        }
        watchdog.onWatchdogTrigger = () => {
            throw new WatchdogReset(watchdog.scratchData[0], watchdog.reason);
        };
        const [read, write] = [ppb.readUint32.bind(ppb), ppb.writeUint32.bind(ppb)];
        const mpu = new Map([[MPU_TYPE, MPU_REGIONS << 8]]);
        ppb.readUint32 = (offset) => {
            const isFaultStatus = offset >= 0xd28 && offset < MPU_TYPE; // Armv7-M's: zero here
            return isFaultStatus ? 0 : mpu.get(offset) ?? read(offset);
        };
        ppb.writeUint32 = (offset, value) => {
            if (offset > MPU_TYPE && offset <= MPU_ATTRIBUTES) {
                mpu.set(offset, value >>> 0);
                this.#guard = noAccessRegion(mpu);
            } else {
                write(offset, value);
            }
        };
    }

    // In place of rp2040js's ways from the core to memory.
    #guardMemory() {
        const { core, mcu } = this;
        const { sramView: ram, flashView: flash } = mcu;
        const ramBytes = ram.byteLength, flashBytes = flash.byteLength;
        const ways = [
            ['Uint32', 4, (view, at) => view.getUint32(at, true), (view, at, v) => view.setUint32(at, v, true)],
            ['Uint16', 2, (view, at) => view.getUint16(at, true), (view, at, v) => view.setUint16(at, v, true)],
            ['Uint8', 1, (view, at) => view.getUint8(at), (view, at, v) => view.setUint8(at, v)],
        ];
        for (const [name, bytes, get, set] of ways) {
            const misaligned = bytes - 1;
            const [read, write] = [mcu[`read${name}`].bind(mcu), mcu[`write${name}`].bind(mcu)];
            core[`read${name}`] = (address) => {
                if ((address & misaligned) !== 0) {
                    throw new Fault('unaligned');
                }
                const inRam = (address - RAM_START) >>> 0;
                if (inRam < ramBytes) {
                    return this.#isKept(inRam) ? 0 : get(ram, inRam);
                }
                const inFlash = (address - FLASH_START) >>> 0;
                if (inFlash < flashBytes) {
                    if (!this.#readable) {
                        this.#openFlash();
                    }
                    return get(flash, inFlash);
                }
                this.#refuseNowhere(address >>> 0);
                return read(address >>> 0);
            };
            core[`write${name}`] = (address, value) => {
                if ((address & misaligned) !== 0) {
                    throw new Fault('unaligned');
                }
                const inRam = (address - RAM_START) >>> 0;
                if (inRam < ramBytes) {
                    if (!this.#isKept(inRam)) {
                        set(ram, inRam, value);
                    }
                    return;
                }
                this.#refuseNowhere(address >>> 0);
                write(address >>> 0, value);
            };
        }
    }

    // True while a fault's frame is pushed there, which is then lost; else a fault.
    #isKept(inRam) {
        const { start, bytes } = this.#guard;
        if ((inRam - start) >>> 0 >= bytes || this.core.IPSR === HARD_FAULT || this.core.IPSR === NMI) {
            return false;
        }
        if (this.#stacking) {
            return true;
        }
        throw new Fault('region of the MPU');
    }

    #refuseNowhere(address) {
        const isThere = address < ROM_BYTES || address >>> 12 === SYSTEM_CONTROL ||
            (address - SIO_START) >>> 0 < SIO_BYTES ||
            (address - USB_MEMORY) >>> 0 < USB_MEMORY_BYTES || this.mcu.findPeripheral(address);
        if (!isThere && !this.#stacking) {
            throw new Fault('no memory');
        }
    }

    #openFlash() {
        const why = this.#flashMemory.whyNotReadable();
        if (why !== null) {
            throw new Error(`flash memory was read before the boot stage had set it up: ${why}`);
        }
        this.#readable = true;
    }

    #boot(flash) {
        const { core, mcu } = this;
        const view = new DataView(flash.buffer, flash.byteOffset);
        const [is, should] = [view.getUint32(CHECKSUM_OFFSET, true), crc32(flash.subarray(0, CHECKSUM_OFFSET))];
        if (is !== should) {
            throw new Error("the boot ROM would not start this image: the boot stage's checksum is " +
                `0x${is.toString(16)}, not 0x${should.toString(16)}`);
        }
        mcu.flash.set(flash);
        mcu.sram.set(flash.subarray(0, STAGE_BYTES), STAGE_ADDRESS - RAM_START);
        [core.VTOR, core.SP, core.LR, core.PC] = [0, STAGE_ADDRESS, 0, STAGE_ADDRESS];
    }

    #takeFault(fault) {
        const { core } = this;
        core.PC = this.#pc;
        if (core.IPSR === HARD_FAULT || core.IPSR === NMI) {
            throw new Error(`the CPU locked up: ${fault.message} in the fault handler, ` +
                `at pc 0x${this.#pc.toString(16)}`);
        }
        this.#stacking = true;
        core.exceptionEntry(HARD_FAULT);
        this.#stacking = false;
        core.waiting = false;
    }
}

// Of the MPU's registers: the one region that firmware of edgekit forbids, relative to RAM.
function noAccessRegion(mpu) {
    const [control, address, attributes] =
        [MPU_CONTROL, MPU_ADDRESS, MPU_ATTRIBUTES].map((offset) => mpu.get(offset) ?? 0);
    const isOn = (control & attributes & 1) !== 0 && (attributes >>> 24 & 7) === 0;
    return { start: (address & ~0xff) - RAM_START, bytes: isOn ? 2 << (attributes >>> 1 & 31) : 0 };
}

// RP2040 datasheet 2.8.1.3.1: polynomial 04C11DB7, most significant bit first, from all ones.
function crc32(bytes) {
    let crc = -1; // as a signed number
    for (const byte of bytes) {
        crc ^= byte << 24;
        for (let bit = 0; bit < 8; bit++) {
            crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
        }
    }
    return crc >>> 0;
}
