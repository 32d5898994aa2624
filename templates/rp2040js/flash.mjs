// The flash memory of a Pico, a W25Q16JV, behind the RP2040's SSI: as much of both as a boot stage
// can get wrong. rp2040js serves reads of flash memory whatever SSI was told; here they wait for it.

const CTRLR0 = 0x00, CTRLR1 = 0x04, ENABLE = 0x08, SELECT = 0x10, DIVIDER = 0x14, RX_COUNT = 0x24;
const STATUS = 0x28, DATA = 0x60, SPI_CTRLR0 = 0xf4;
const KEPT = new Set([CTRLR0, CTRLR1, SELECT, DIVIDER, 0x18, 0x1c, 0x2c, 0x4c, 0x50, 0x54, 0xf0,
    SPI_CTRLR0, 0xf8]);
const FIFO_FRAMES = 16;
const [NOT_FULL, EMPTY, RECEIVED] = [2, 4, 8];
const QUAD = 2, READS = 3; // modes of lines and of transfer

const WRITE_ENABLE = 0x06, WRITE_ENABLE_VOLATILE = 0x50, WRITE_STATUS_2 = 0x31;
const READ_STATUS_1 = 0x05, READ_STATUS_2 = 0x35, READ_QUAD = 0xeb;
const QUAD_ENABLE = 0x02;
const WAIT_CLOCKS = 4;

export class FlashMemory {
    #registers = new Map();
    #enabled = false;
    #received = [];
    #sent = []; // frames since SSI was idle: one command
    #status2 = 0;
    #mayWrite = false;
    #continuous = false; // the next read has no command

    // Why flash memory cannot be read as memory yet; null if it can.
    whyNotReadable() {
        const { lines, mode, frameBits } = this.#transfer();
        const spi = this.#register(SPI_CTRLR0);
        const told = [
            [this.#enabled, 'SSI is off'],
            [this.#register(SELECT) === 1, 'SSI selects no chip'],
            [this.#register(DIVIDER) >= 2 && this.#register(DIVIDER) % 2 === 0, 'SSI has no clock'],
            [lines === QUAD && mode === READS, 'SSI is not in its mode for quad reads'],
            [frameBits === 32 && this.#register(CTRLR1) === 0, 'SSI does not read one word at a time'],
            [(this.#status2 & QUAD_ENABLE) !== 0, "the chip's QE bit is not set"],
            [this.#continuous, 'the chip is not in continuous read mode'],
            [(spi & 3) === 2 && (spi >>> 8 & 3) === 0, 'SSI would send a command, or one bit a clock'],
            [(spi >>> 2 & 15) * 4 === 32, 'SSI does not send 24 address bits and 8 mode bits'],
            [(spi >>> 11 & 31) === WAIT_CLOCKS, 'SSI waits another time than the chip'],
            [staysInMode(spi >>> 24), 'SSI would end continuous read mode'],
        ];
        return told.find(([is]) => !is)?.[1] ?? null;
    }

    // ---- what rp2040js asks of a peripheral

    readUint32(offset) {
        switch (offset) {
            case ENABLE:
                return this.#enabled ? 1 : 0;
            case RX_COUNT:
                return this.#received.length;
            case STATUS:
                this.#end(); // sending takes no time, so SSI is idle whenever somebody looks
                return NOT_FULL | EMPTY | (this.#received.length ? RECEIVED : 0);
            case DATA:
                return this.#received.shift() ?? 0;
            default:
                return this.#register(offset);
        }
    }

    writeUint32(offset, value) {
        if (offset === ENABLE) {
            this.#end();
            this.#enabled = (value & 1) !== 0;
            this.#received = [];
        } else if (offset === DATA) {
            this.#send(value >>> 0);
        } else if (KEPT.has(offset) && !this.#enabled) {
            this.#registers.set(offset, value >>> 0);
        }
    }

    // SSI has no second addresses that set and clear bits: it is not on the bus that has them.
    writeUint32Atomic(offset, value) {
        this.writeUint32(offset, value);
    }

    // ---- SSI

    #register(offset) {
        return this.#registers.get(offset) ?? 0;
    }

    #transfer() {
        const control = this.#register(CTRLR0);
        return { lines: control >>> 21 & 3, mode: control >>> 8 & 3, frameBits: (control >>> 16 & 31) + 1 };
    }

    #send(frame) {
        const { lines, mode, frameBits } = this.#transfer();
        if (!this.#enabled || this.#register(SELECT) !== 1) {
            return;
        }
        if (lines === 0 && mode === 0 && frameBits === 8) {
            if (this.#received.length < FIFO_FRAMES) {
                this.#received.push(this.#sent.length ? this.#answer(this.#sent[0]) : 0xff);
            }
            this.#sent.push(frame & 0xff);
        } else if (lines === QUAD && mode === READS) {
            this.#sent.push(frame);
        }
    }

    #end() {
        const [command, argument] = this.#sent;
        const { lines } = this.#transfer();
        this.#sent = [];
        if (lines === QUAD) {
            const spi = this.#register(SPI_CTRLR0);
            const asTheChipHears = (spi & 3) === 1 && (spi >>> 8 & 3) === 2 && (spi >>> 2 & 15) === 8;
            if (command === READ_QUAD && asTheChipHears && this.#status2 & QUAD_ENABLE) {
                this.#continuous = staysInMode(argument & 0xff);
            }
        } else if (command === WRITE_ENABLE || command === WRITE_ENABLE_VOLATILE) {
            this.#mayWrite = true;
        } else if (command === WRITE_STATUS_2 && argument !== undefined && this.#mayWrite) {
            this.#status2 = argument;
            this.#mayWrite = false;
        }
    }

    #answer(command) {
        if (command === READ_STATUS_1) {
            return 0; // never busy
        }
        return command === READ_STATUS_2 ? this.#status2 : 0xff;
    }
}

// Of the mode bits M7-0, M5-4 = 10: the next read has no command.
function staysInMode(mode) {
    return (mode >>> 4 & 3) === 2;
}
