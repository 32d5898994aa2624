/* rp2350_riscv.S: reset and trap entry of an RP2350's Hazard3 cores, which the boot ROM enters as its
 * image says; core 1 stays asleep in the ROM. The stack's guard is an entry of Hazard3's PMP: NAPOT
 * regions are the only ones it has. */
#if defined(__riscv)
#include "riscv_core.inc"
#endif
