/* rv32.S: reset and trap entry for RV32 boards that an emulator runs; the rest is in rv32.c. */
#include "riscv_core.inc"
