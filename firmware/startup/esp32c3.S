/* esp32c3.S: reset, traps and sleep of an ESP32-C3 without a framework; the rest is in esp32c3.c.
 *
 * "Direct boot": if flash memory begins with the mark that the linker script puts there, the mask
 * ROM (chip revision 0.3 and later) maps the first 4 MiB of flash memory at 0x42000000 for code and
 * at 0x3C000000 for data and jumps to 0x42000008. No second boot loader comes in between, so the
 * CPU still runs from the crystal, at 20 MHz, and the watchdogs that guard a boot are running. */
#define MSTATUS_MIE  8
#define CSR_BITS_LOCKED_NAPOT_NO_ACCESS 0x98
#define GUARD_BYTES  1024

    .option arch, +zicsr

    .section .text.ek_reset, "ax"
    .globl ek_reset
    .type ek_reset, @function
ek_reset:
    csrci   mstatus, MSTATUS_MIE
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    la      sp, ek_stack_top

    /* Nobody may touch the 1 KiB below the stack: PMP entry 0, a power of two, locked. */
    la      t0, ek_stack_guard
    srli    t0, t0, 2
    ori     t0, t0, (GUARD_BYTES >> 3) - 1
    csrw    pmpaddr0, t0
    li      t0, CSR_BITS_LOCKED_NAPOT_NO_ACCESS
    csrw    pmpcfg0, t0

    la      a0, ek_iram_load
    la      a1, ek_iram_start
    la      a2, ek_iram_end
    jal     copy_words
    la      a0, ek_data_load
    la      a1, ek_data_start
    la      a2, ek_data_end
    jal     copy_words
    la      t1, ek_bss_start
    la      t2, ek_bss_end
clear_next:
    bgeu    t1, t2, cleared
    sw      zero, 0(t1)
    addi    t1, t1, 4
    j       clear_next
cleared:
    la      t0, ek_vectors
    ori     t0, t0, 1               /* vectored, the only mode that this CPU has */
    csrw    mtvec, t0
    call    ek_chip_init
    call    main
    tail    ek_exit

/* From a0 to a1, up to a2. */
copy_words:
    bgeu    a1, a2, copied
    lw      t0, 0(a0)
    sw      t0, 0(a1)
    addi    a0, a0, 4
    addi    a1, a1, 4
    j       copy_words
copied:
    ret

/* From here on in RAM: a trap must not depend on what went wrong with flash memory, and to be woken
 * must not wait for it. */
    .section .iram.ek_vectors, "ax"
    .balign 256
    .globl ek_vectors
ek_vectors:
    .option push
    .option norvc
    j       ek_trap                 /* exceptions */
    .rept 31
    j       ek_interrupt
    .endr
    .balign 256
vectors_in_trap:
    j       ek_trap_again
    .option pop

/* Nothing returns from an exception; its report has a stack of its own. */
    .type ek_trap, @function
ek_trap:
    la      t0, vectors_in_trap
    ori     t0, t0, 1
    csrw    mtvec, t0
    csrr    a0, mcause
    csrr    a1, mepc
    csrr    a2, mtval
    mv      a3, ra
    mv      a4, sp
    la      sp, ek_fault_stack + 512
    tail    ek_trap_report

/* A trap inside the report: start again without one. */
ek_trap_again:
    li      a0, 1
    tail    ek_exit

/* Interrupts are on in ek_sleep only, and their only use is to end it. What comes between the check
 * that there is nothing to do and WFI is therefore not slept over: wherever it was in ek_sleep, the
 * CPU goes on behind it. No register is lost that ek_sleep keeps. */
    .type ek_interrupt, @function
ek_interrupt:
    la      t0, awake
    csrw    mepc, t0
    li      t0, 0x600C2104          /* INTERRUPT_CORE0_CPU_INT_ENABLE: the sources are levels, */
    sw      zero, 0(t0)             /* which would interrupt again at once */
    mret

/* void ek_sleep(uint32_t lines): until one of these CPU interrupts is pending. */
    .globl ek_sleep
    .type ek_sleep, @function
ek_sleep:
    li      t0, 0x600C2104
    sw      a0, 0(t0)
    csrsi   mstatus, MSTATUS_MIE
    wfi
awake:
    csrci   mstatus, MSTATUS_MIE
    li      t0, 0x600C2104
    sw      zero, 0(t0)
    ret
