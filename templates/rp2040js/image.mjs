// A file -> what a Pico's flash memory holds once it was put there.

export const FLASH_START = 0x10000000;
export const FLASH_BYTES = 0x200000;

const UF2_BLOCK_BYTES = 512;
const UF2_MAGIC = [[0, 0x0a324655], [4, 0x9e5d5157], [508, 0x0ab16f30]];
const UF2_FAMILY_IS_GIVEN = 0x2000;
const RP2040_FAMILY = 0xe48bff56;
const ELF_MAGIC = 0x464c457f;
const ELF_LOADED = 1;

// Uint8Array of FLASH_BYTES; throws Error with a sentence if `file`, a Buffer, is no such image.
export function flashContent(file) {
    const flash = new Uint8Array(FLASH_BYTES).fill(0xff);
    const parts = file.length >= 4 && file.readUInt32LE(0) === ELF_MAGIC ? elf(file) : uf2(file);
    for (const [address, content] of parts) {
        const offset = address - FLASH_START;
        if (offset < 0 || offset + content.length > FLASH_BYTES) {
            throw new Error(`${content.length} bytes at 0x${address.toString(16)} ` +
                'do not lie in flash memory');
        }
        flash.set(content, offset);
    }
    return flash;
}

function uf2(file) {
    if (file.length === 0 || file.length % UF2_BLOCK_BYTES !== 0) {
        throw new Error(`neither ELF nor UF2: ${file.length} bytes are no whole blocks of 512`);
    }
    const count = file.length / UF2_BLOCK_BYTES;
    return Array.from({ length: count }, (_, number) => {
        const block = file.subarray(number * UF2_BLOCK_BYTES, (number + 1) * UF2_BLOCK_BYTES);
        if (UF2_MAGIC.some(([at, magic]) => block.readUInt32LE(at) !== magic)) {
            throw new Error(`neither ELF nor UF2: block ${number} has not the numbers of one`);
        }
        const [flags, address, bytes, index, of, family] =
            [8, 12, 16, 20, 24, 28].map((at) => block.readUInt32LE(at));
        if (index !== number || of !== count) {
            throw new Error(`UF2: block ${number} of ${count} says that it is ${index} of ${of}`);
        }
        if ((flags & UF2_FAMILY_IS_GIVEN) === 0 || family !== RP2040_FAMILY) {
            throw new Error(`UF2: block ${number} is not for an RP2040`);
        }
        return [address, block.subarray(32, 32 + bytes)];
    });
}

function elf(file) {
    const [table, size, count] = [file.readUInt32LE(28), file.readUInt16LE(42), file.readUInt16LE(44)];
    return Array.from({ length: count }, (_, i) => table + i * size)
        .filter((at) => file.readUInt32LE(at) === ELF_LOADED && file.readUInt32LE(at + 16) > 0)
        .map((at) => {
            const [offset, , address, bytes] = [4, 8, 12, 16].map((by) => file.readUInt32LE(at + by));
            return [address, file.subarray(offset, offset + bytes)];
        });
}
