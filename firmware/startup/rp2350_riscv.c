/* rp2350_riscv.c: how the Hazard3 cores of an RP2350 report a trap; their entry is the .S file. */
#if defined(__riscv)

#include "rp2350_say.h"

#define FAULT_START LINE_END /* behind whatever the link was sending */
#define CODE_START  ((uint32_t)(uintptr_t)ek_text_start)
#define CODE_END    ((uint32_t)(uintptr_t)ek_data_load)

/* From the linker script. */
extern uint32_t ek_text_start[], ek_data_load[];

#include "riscv_trap.h"

#else
typedef int ek_no_riscv; /* C wants a declaration in every file */
#endif
