/* xtensa_lx60.S: vectors and reset for the emulated LX60 board; the rest is in xtensa_lx60.c. */
#define CAUSE_LEVEL_1_INTERRUPT 4

    .section .vectors, "ax"
    .balign 256
    .globl ek_vectors
ek_vectors:
    .org 0x20                           /* NMI */
    j       ek_fault
    .org 0x30                           /* exception in kernel mode: all code runs in it */
    j       ek_exception
    .org 0x50                           /* exception in user mode */
    j       ek_exception
    .org 0x70                           /* exception inside an exception */
    j       ek_double_fault
    .org 0x80

    /* An interrupt only ends WAITI: turn all sources off and go on. */
    .balign 4
    .literal_position
ek_exception:
    wsr     a2, excsave1
    rsr     a2, exccause
    bnei    a2, CAUSE_LEVEL_1_INTERRUPT, ek_fault
    movi    a2, 0
    wsr     a2, intenable
    rsync
    rsr     a2, excsave1
    rfe

    /* Nothing returns from a fault; its report has a stack of its own. */
ek_fault:
    rsr     a2, exccause
    rsr     a3, epc1
    rsr     a4, excvaddr
    mov     a5, a0
    mov     a6, a1
    movi    a1, ek_fault_stack + 512
    call0   ek_fault_report

ek_double_fault:
    movi    a2, 1
    call0   ek_exit

    .section .text.ek_reset, "ax"
    .balign 4
    .literal_position
    .globl ek_reset
    .type ek_reset, @function
ek_reset:
    movi    a0, 0
    wsr     a0, intenable
    movi    a1, ek_stack_top
    movi    a2, ek_vectors
    wsr     a2, vecbase
    wsr     a0, ps
    rsync

    movi    a2, ek_data_load
    movi    a3, ek_data_start
    movi    a4, ek_data_end
copy_next:
    bgeu    a3, a4, copied
    l32i    a5, a2, 0
    s32i    a5, a3, 0
    addi    a2, a2, 4
    addi    a3, a3, 4
    j       copy_next
copied:
    movi    a3, ek_bss_start
    movi    a4, ek_bss_end
clear_next:
    bgeu    a3, a4, cleared
    s32i    a0, a3, 0
    addi    a3, a3, 4
    j       clear_next
cleared:
    call0   main
    call0   ek_exit
