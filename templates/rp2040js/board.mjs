// node board.mjs RP2040JS IMAGE: a Pico with IMAGE (UF2 or ELF) in its flash memory.
//
// RP2040JS is the directory of the npm package. UART0 is standard input and output. The process ends
// when the firmware's main has ended, and when the firmware restarts itself after a fault: with the
// last words of the serial port on standard error. While the CPU sleeps, its time is ours; if it
// sleeps for ever, and nothing more can come, the process ends too.

import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Chip, WatchdogReset } from './chip.mjs';
import { flashContent } from './image.mjs';

const NOTE_END = 0x0e4deded, NOTE_FAULT = 0xfa017ede; // firmware/startup/rp2040.c
const FAULT_BEGINS = 'edgekit: fault, ';
const LAST_WORDS_BYTES = 8192;
const PATIENCE_MS = 1000; // with a host that does not read, at the end
const INSTRUCTIONS_AT_ONCE = 1000, SLICE_MS = 10;
const NANOS_GRAIN = 8; // a cycle at 125 MHz: what ends a sleep does not move cycles against ticks

const [packageDirectory, imageFile] = process.argv.slice(2);

function die(sentence) {
    fs.writeSync(2, `${sentence}\n`);
    process.exit(1);
}

async function emulator() {
    const entry = path.join(packageDirectory, 'dist', 'esm', 'index.js');
    try {
        return (await import(pathToFileURL(entry))).Simulator;
    } catch (error) {
        return die(`rp2040js cannot be loaded from ${packageDirectory}: ${error.message}`);
    }
}

function flashOf(file) {
    try {
        return flashContent(fs.readFileSync(file));
    } catch (error) {
        return die(`${file}: ${error.message}`);
    }
}

class Board {
    #Simulator;
    #flash;
    #chip;
    #fromHost = []; // buffers, the first of which has been taken up to #taken
    #taken = 0;
    #toHost = [];
    #lastWords = [];
    #asleepSince = null;
    #alarm = null;

    constructor(Simulator, flash) {
        [this.#Simulator, this.#flash] = [Simulator, flash];
        this.#powerUp();
    }

    receive(bytes) {
        this.#fromHost.push(bytes);
        if (this.#asleepSince !== null) {
            this.#wake();
        }
    }

    run() {
        try {
            this.#runSlice();
        } catch (error) {
            if (!(error instanceof WatchdogReset)) {
                return die(error.message);
            }
            this.#restart(error);
        }
        if (!this.#flush()) {
            return setTimeout(() => this.run(), 1); // the host reads too slowly: wait, as UARTs do not
        }
        return this.#chip.isAsleep ? this.#sleep() : setImmediate(() => this.run());
    }

    #powerUp(after) {
        this.#chip = new Chip(this.#Simulator, this.#flash, after);
        this.#lastWords = [];
        this.#chip.uart.onByte = (byte) => {
            this.#toHost.push(byte);
        };
    }

    #runSlice() {
        const end = performance.now() + SLICE_MS;
        do {
            this.#feed();
            this.#chip.execute(INSTRUCTIONS_AT_ONCE);
        } while (!this.#chip.isAsleep && performance.now() < end);
    }

    // As much as the UART's buffer takes: no byte is lost, however fast the host is.
    #feed() {
        const { uart } = this.#chip;
        while (this.#fromHost.length > 0 && uart.enabled && !uart.rxFIFO.full) {
            uart.feedByte(this.#fromHost[0][this.#taken++]);
            if (this.#taken === this.#fromHost[0].length) {
                this.#fromHost.shift();
                this.#taken = 0;
            }
        }
    }

    #restart(reset) {
        this.#keepLastWords();
        if (reset.note === NOTE_END || reset.note === NOTE_FAULT) {
            const said = Buffer.from(this.#lastWords).toString('latin1');
            const begin = said.lastIndexOf(FAULT_BEGINS);
            const patience = performance.now() + PATIENCE_MS;
            while (!this.#flush() && performance.now() < patience);
            if (reset.note === NOTE_END) {
                process.exit(0);
            }
            fs.writeSync(2, begin < 0 ? '' : said.slice(begin).replaceAll('\r\n', '\n'));
            process.exit(1);
        }
        this.#powerUp(reset);
    }

    #keepLastWords() {
        this.#lastWords = this.#lastWords.concat(this.#toHost).slice(-LAST_WORDS_BYTES);
    }

    // False if the host has not taken everything yet.
    #flush() {
        if (this.#toHost.length === 0) {
            return true;
        }
        try {
            const written = fs.writeSync(1, Buffer.from(this.#toHost));
            const rest = this.#toHost.splice(written);
            this.#keepLastWords();
            this.#toHost = rest;
        } catch (error) {
            if (error.code !== 'EAGAIN') {
                process.exit(1);
            }
        }
        return this.#toHost.length === 0;
    }

    #sleep() {
        this.#asleepSince = performance.now();
        const { nextAlarm, nanosToNextAlarm } = this.#chip.clock;
        if (this.#fromHost.length > 0) {
            setImmediate(() => this.#wake());
        } else if (nextAlarm !== null) {
            this.#alarm = setTimeout(() => this.#wake(), Math.ceil(nanosToNextAlarm / 1e6));
        }
    }

    #wake() {
        if (this.#asleepSince === null) {
            return;
        }
        const elapsed = (performance.now() - this.#asleepSince) * 1e6;
        this.#asleepSince = null;
        clearTimeout(this.#alarm);
        this.#chip.sleep(Math.floor(elapsed / NANOS_GRAIN) * NANOS_GRAIN);
        this.run();
    }
}

const Simulator = await emulator();
const flash = flashOf(imageFile);
let board;
try {
    board = new Board(Simulator, flash);
} catch (error) {
    die(`${imageFile}: ${error.message}`);
}
process.stdin.on('data', (bytes) => board.receive(bytes));
process.stdin.on('error', () => process.exit(0)); // nobody is there any more
board.run();
