/* riscv_core.h, for assembly: reset and trap entry of an RV32 core without an operating system.
 *
 * Include it once. Beside main it calls, in C:
 *   ek_chip_init    with memory in place, before main
 *   ek_exit         when main has returned, or when the report of a trap has trapped
 *   ek_trap_report  riscv_trap.h */
    .option arch, +zicsr

    .section .text.ek_reset, "ax"
    .globl ek_reset
    .type ek_reset, @function
ek_reset:
    csrci   mstatus, 8              /* no interrupt is ever let in */
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    la      sp, ek_stack_top
    la      t0, ek_trap
    csrw    mtvec, t0

    /* Nobody may touch the 1 KiB below the stack: PMP entry 0, a power of two, locked. */
    la      t0, ek_stack_guard
    srli    t0, t0, 2
    ori     t0, t0, (1024 >> 3) - 1
    csrw    pmpaddr0, t0
    li      t0, 0x98
    csrw    pmpcfg0, t0

    la      t0, ek_data_load
    la      t1, ek_data_start
    la      t2, ek_data_end
copy_next:
    bgeu    t1, t2, copied
    lw      t3, 0(t0)
    sw      t3, 0(t1)
    addi    t0, t0, 4
    addi    t1, t1, 4
    j       copy_next
copied:
    la      t1, ek_bss_start
    la      t2, ek_bss_end
clear_next:
    bgeu    t1, t2, cleared
    sw      zero, 0(t1)
    addi    t1, t1, 4
    j       clear_next
cleared:
    call    ek_chip_init
    call    main
    tail    ek_exit

    /* Every trap is a fault. Nothing returns from here; its report has a stack of its own. */
    .section .text.ek_trap, "ax"
    .globl ek_trap
    .type ek_trap, @function
    .balign 4
ek_trap:
    la      t0, ek_trap_again
    csrw    mtvec, t0
    csrr    a0, mcause
    csrr    a1, mepc
    csrr    a2, mtval
    mv      a3, ra
    mv      a4, sp
    la      sp, ek_fault_stack + 512
    tail    ek_trap_report

    /* A trap inside the report: leave without one. */
    .balign 4
ek_trap_again:
    li      a0, 1
    tail    ek_exit
