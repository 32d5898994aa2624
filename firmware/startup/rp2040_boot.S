/* rp2040_boot.S: the second boot stage of an RP2040: lets the CPU execute from flash memory.
 *
 * The boot ROM copies the first 256 bytes of flash memory to 0x20041F00, and enters them there if
 * the last four are the CRC-32 of the others (RP2040 datasheet, 2.8.1.3.1). It has read them with
 * the slowest command that every chip knows, 03h. This stage sets the fastest one that the Pico's
 * W25Q16JV has, "Fast Read Quad I/O" in continuous mode: 4 bits a clock, and no command byte before
 * each address. It goes on with the vector table, which lies behind it.
 *
 * It runs where it was not linked: it calls only itself, and has its constants with it. Whoever
 * changes it has to change its checksum: edgekit's build says what it is.
 *
 * Sources: RP2040 datasheet, 2.19.6.3 (pads of bank QSPI), 4.10 (SSI); W25Q16JV datasheet rev. H,
 * 7.1 (status registers), 8.2 (commands). */
    .syntax unified
    .cpu    cortex-m0plus
    .thumb

#define STAGE_BYTES         256
#define CHECKSUM_OFFSET     252
#define CHECKSUM            0x2ABA3BD2

#define PADS_QSPI           0x40020000
#define PAD_CLOCK           0x04
#define PAD_DATA_0          0x08        /* the other three follow */
#define PAD_FAST_8_MA       0x21        /* fast edges, for the 62.5 MHz that the clock will have */
#define PAD_NO_SCHMITT      0x50        /* as after reset, but for the slow Schmitt trigger */

#define SSI                 0x18000000
#define SSI_CTRLR0          0x00
#define SSI_CTRLR1          0x04
#define SSI_ENABLE          0x08
#define SSI_SELECT          0x10
#define SSI_DIVIDER         0x14
#define SSI_STATUS          0x28
#define SSI_STATUS_BUSY     0x01
#define SSI_STATUS_TX_EMPTY 0x04
#define SSI_DATA            0x60
#define SSI_SAMPLE_DELAY    0xF0
#define SSI_SPI_CTRLR0      0xF4

/* CTRLR0: bits of a frame less one from bit 16, lines from bit 21, mode of transfer from bit 8. */
#define FRAMES_OF_8         (7 << 16)               /* both ways, one line */
#define QUAD_READS_OF_32    (2 << 21 | 31 << 16 | 3 << 8)

/* SPI_CTRLR0: which parts go over four lines, address and mode bits in units of 4 bits from bit 2,
 * command length from bit 8 (2: 8 bits), clocks to wait from bit 11. */
#define ADDRESS_AND_MODE    (8 << 2)                /* 24 + 8 bits */
#define WAIT_4_CLOCKS       (4 << 11)               /* W25Q16JV 8.2.12: after the mode bits */
#define WITH_COMMAND        (2 << 8 | 1 | ADDRESS_AND_MODE | WAIT_4_CLOCKS)
#define WITHOUT_COMMAND     (STAY_IN_MODE << 24 | 2 | ADDRESS_AND_MODE | WAIT_4_CLOCKS)

#define WRITE_STATUS_2      0x31
#define READ_STATUS_1       0x05
#define READ_STATUS_2       0x35
#define STATUS_2_QUAD       0x02                    /* QE: pins 3 and 7 are data lines */
#define ALLOW_VOLATILE      0x50                    /* until power is lost, and without wear */
#define READ_QUAD           0xEB
#define STAY_IN_MODE        0xA0                    /* bits 5-4 = 10: the next read has no command */

#define VECTOR_TABLE_OFFSET 0xE000ED08

    .section .boot_stage, "ax"
    .balign 4
    .globl  ek_boot_stage
    .type   ek_boot_stage, %function
    .thumb_func
ek_boot_stage:
    ldr     r0, pads
    movs    r1, #PAD_FAST_8_MA
    str     r1, [r0, #PAD_CLOCK]
    movs    r1, #PAD_NO_SCHMITT
    str     r1, [r0, #PAD_DATA_0 + 0]
    str     r1, [r0, #PAD_DATA_0 + 4]
    str     r1, [r0, #PAD_DATA_0 + 8]
    str     r1, [r0, #PAD_DATA_0 + 12]

    /* At half of the CPU's clock an answer comes back a CPU clock late: sample that much later. */
    ldr     r0, ssi
    movs    r7, #0
    movs    r6, #1
    str     r7, [r0, #SSI_ENABLE]                   /* its registers take no change while it is on */
    movs    r1, #2
    str     r1, [r0, #SSI_DIVIDER]
    movs    r1, #SSI_SAMPLE_DELAY
    str     r6, [r0, r1]
    str     r6, [r0, #SSI_SELECT]
    ldr     r1, frames_of_8
    str     r1, [r0, #SSI_CTRLR0]
    str     r6, [r0, #SSI_ENABLE]

    movs    r1, #READ_STATUS_2
    bl      read_status
    movs    r2, #STATUS_2_QUAD
    tst     r1, r2
    bne     quad_is_on
    orrs    r2, r1
    movs    r1, #ALLOW_VOLATILE
    str     r1, [r0, #SSI_DATA]
    bl      wait_until_sent
    ldr     r1, [r0, #SSI_DATA]                     /* what came meanwhile means nothing */
    movs    r1, #WRITE_STATUS_2
    str     r1, [r0, #SSI_DATA]
    str     r2, [r0, #SSI_DATA]
    bl      wait_until_sent
    ldr     r1, [r0, #SSI_DATA]
    ldr     r1, [r0, #SSI_DATA]
writing:
    movs    r1, #READ_STATUS_1
    bl      read_status
    lsrs    r1, r1, #1                              /* BUSY */
    bcs     writing

quad_is_on:
    str     r7, [r0, #SSI_ENABLE]
    ldr     r1, quad_reads_of_32
    str     r1, [r0, #SSI_CTRLR0]
    str     r7, [r0, #SSI_CTRLR1]                   /* one frame for each read */
    movs    r3, #SSI_SPI_CTRLR0
    ldr     r1, with_command
    str     r1, [r0, r3]
    str     r6, [r0, #SSI_ENABLE]
    movs    r1, #READ_QUAD
    str     r1, [r0, #SSI_DATA]
    movs    r1, #STAY_IN_MODE                       /* of address 0 */
    str     r1, [r0, #SSI_DATA]
    bl      wait_until_sent
    str     r7, [r0, #SSI_ENABLE]
    ldr     r1, without_command
    str     r1, [r0, r3]
    str     r6, [r0, #SSI_ENABLE]                   /* from here on flash memory is memory */

    ldr     r0, vectors
    ldr     r1, vector_table_offset
    str     r0, [r1]
    ldmia   r0!, {r1, r2}
    msr     msp, r1
    bx      r2

/* r1: command of one byte -> r1: the byte that answers it. */
    .thumb_func
read_status:
    mov     r5, lr
    str     r1, [r0, #SSI_DATA]
    str     r1, [r0, #SSI_DATA]                     /* anything, for as long as the answer takes */
    bl      wait_until_sent
    ldr     r1, [r0, #SSI_DATA]
    ldr     r1, [r0, #SSI_DATA]
    bx      r5

/* Empty first: not busy it is also for a moment before it begins. Changes r1 and r4. */
    .thumb_func
wait_until_sent:
    ldr     r1, [r0, #SSI_STATUS]
    movs    r4, #SSI_STATUS_TX_EMPTY
    tst     r1, r4
    beq     wait_until_sent
    movs    r4, #SSI_STATUS_BUSY
    tst     r1, r4
    bne     wait_until_sent
    bx      lr

    .balign 4
pads:
    .word   PADS_QSPI
ssi:
    .word   SSI
frames_of_8:
    .word   FRAMES_OF_8
quad_reads_of_32:
    .word   QUAD_READS_OF_32
with_command:
    .word   WITH_COMMAND
without_command:
    .word   WITHOUT_COMMAND
vectors:
    .word   0x10000100                              /* where the linker script puts them */
vector_table_offset:
    .word   VECTOR_TABLE_OFFSET

    .org    ek_boot_stage + CHECKSUM_OFFSET, 0
    .word   CHECKSUM
    .size   ek_boot_stage, STAGE_BYTES
