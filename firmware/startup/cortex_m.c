/* cortex_m.c: vector table, reset and faults for Cortex-M boards that an emulator runs.
 *
 * A fault, or the end of main, ends the emulator through semihosting: what went wrong goes to the
 * emulator's standard error, and its exit code is not zero. Not for silicon without a debugger. */
#include <stdint.h>

#define EXTERNAL_INTERRUPTS 64

#define SEMIHOSTING_WRITE0       0x04u
#define SEMIHOSTING_EXIT         0x18u
#define SEMIHOSTING_EXIT_OK      0x20026u
#define SEMIHOSTING_EXIT_FAILURE 0x20023u

#define COPROCESSOR_ACCESS     (*(volatile uint32_t *)0xE000ED88u)
#define COPROCESSOR_10_11_FULL (0xFu << 20)
#define STACK_DUMP_LINES       20
#define LINE_END               "\n"
#define CODE_START             ((uint32_t)(uintptr_t)(&ek_vectors + 1))
#define CODE_END               ((uint32_t)(uintptr_t)ek_data_load)

typedef void (*ek_vector)(void);

typedef struct {
    uint32_t *stack_top;
    ek_vector handlers[15 + EXTERNAL_INTERRUPTS];
} ek_vector_table;

/* At the start of the flash memory; code follows. */
extern const ek_vector_table ek_vectors;

/* From the linker script. */
extern uint32_t ek_data_load[], ek_stack_top[];

int main(void);
void ek_reset(void);

static void semihosting(uint32_t operation, uintptr_t argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register uintptr_t r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

__attribute__((noreturn)) static void leave(uint32_t reason)
{
    for (;;) {
        semihosting(SEMIHOSTING_EXIT, reason);
    }
}

static void say(const char *text)
{
    semihosting(SEMIHOSTING_WRITE0, (uintptr_t)text);
}

__attribute__((noreturn)) static void leave_after_fault(void)
{
    leave(SEMIHOSTING_EXIT_FAILURE);
}

#include "cortex_m_faults.h"

void ek_reset(void)
{
    guard_stack();
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    COPROCESSOR_ACCESS |= COPROCESSOR_10_11_FULL;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    set_memory();
    leave(main() == 0 ? SEMIHOSTING_EXIT_OK : SEMIHOSTING_EXIT_FAILURE);
}

#define FAULT_4  ek_fault, ek_fault, ek_fault, ek_fault
#define FAULT_16 FAULT_4, FAULT_4, FAULT_4, FAULT_4

__attribute__((section(".vectors"), used)) const ek_vector_table ek_vectors = {
    .stack_top = ek_stack_top,
    .handlers = {ek_reset, ek_fault, ek_fault, FAULT_4, FAULT_4, FAULT_4, /* the system's 15 */
                 FAULT_16, FAULT_16, FAULT_16, FAULT_16},                 /* external */
};
