/* xtensa_lx60.c: how the emulated LX60 board ends: through QEMU's simulator calls, with what went
 * wrong on the emulator's standard error. */
#include <stdint.h>

#define SIMCALL_EXIT   1u
#define SIMCALL_WRITE  4u
#define STANDARD_ERROR 2u

#define STACK_DUMP_LINES  20
#define LINE_END          "\n"
#define FAULT_STACK_WORDS 128
#define CODE_START        ((uint32_t)(uintptr_t)ek_flash_start)
#define CODE_END          ((uint32_t)(uintptr_t)ek_data_load)

__attribute__((noreturn)) void ek_exit(int status);
__attribute__((noreturn)) void ek_fault_report(uint32_t cause, uint32_t pc, uint32_t address,
                                               uint32_t a0, const uint32_t *stack);

/* From the linker script. */
extern uint32_t ek_flash_start[], ek_data_load[];
extern uint32_t ek_stack_limit[], ek_stack_top[];

/* A fault's report has a stack of its own: what is on the other one is to be said. */
extern uint32_t ek_fault_stack[];
__attribute__((used)) uint32_t ek_fault_stack[FAULT_STACK_WORDS];

static void simcall(uint32_t operation, uint32_t first, uint32_t second, uint32_t third)
{
    register uint32_t a2 __asm__("a2") = operation;
    register uint32_t a3 __asm__("a3") = first;
    register uint32_t a4 __asm__("a4") = second;
    register uint32_t a5 __asm__("a5") = third;
    __asm__ volatile("simcall" : "+r"(a2), "+r"(a3) : "r"(a4), "r"(a5) : "memory");
}

static void say(const char *text)
{
    uint32_t length = 0;
    while (text[length] != '\0') {
        length++;
    }
    simcall(SIMCALL_WRITE, STANDARD_ERROR, (uint32_t)(uintptr_t)text, length);
}

#include "fault_text.h"

__attribute__((noreturn)) void ek_exit(int status)
{
    for (;;) {
        simcall(SIMCALL_EXIT, status == 0 ? 0u : 1u, 0, 0);
    }
}

__attribute__((noreturn)) void ek_fault_report(uint32_t cause, uint32_t pc, uint32_t address,
                                               uint32_t a0, const uint32_t *stack)
{
    say("edgekit: fault, cause 0x");
    say_hex(cause);
    say(" at pc 0x");
    say_hex(pc);
    say(", address 0x");
    say_hex(address);
    say(", a0 0x");
    say_hex(a0);
    say(", a1 0x");
    say_hex((uint32_t)(uintptr_t)stack);
    if (stack < ek_stack_limit) {
        say(", stack overflow");
    }
    say_version();
    say("\n");
    if (stack >= ek_stack_limit && stack < ek_stack_top) {
        say_stack(stack, STACK_DUMP_LINES);
    } else {
        say_overflowed_stack();
    }
    ek_exit(1);
}
