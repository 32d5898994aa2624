/* riscv_trap.h: what RISC-V start-up code says of a trap, which its entry in assembly leads to.
 *
 * Include it once, after the definitions of what fault_text.h asks for, and of
 *   FAULT_START                           what comes before the first line: "", or LINE_END where
 *                                         it may follow other things
 *   static void leave_after_fault(void)   does not return */
#ifndef EDGEKIT_RISCV_TRAP_H
#define EDGEKIT_RISCV_TRAP_H

#include <stdint.h>

#include "fault_text.h"

#define FAULT_STACK_WORDS 128

/* From the linker script: nobody may touch what lies between guard and limit. */
extern uint32_t ek_stack_guard[];

/* A trap's report has a stack of its own: what is on the other one is to be said. */
extern uint32_t ek_fault_stack[];
__attribute__((used)) uint32_t ek_fault_stack[FAULT_STACK_WORDS];

__attribute__((noreturn)) void ek_trap_report(uint32_t cause, uint32_t pc, uint32_t value,
                                              uint32_t ra, const uint32_t *stack);

__attribute__((noreturn)) void ek_trap_report(uint32_t cause, uint32_t pc, uint32_t value,
                                              uint32_t ra, const uint32_t *stack)
{
    say(FAULT_START "edgekit: fault, cause 0x");
    say_hex(cause);
    say(" at pc 0x");
    say_hex(pc);
    say(", value 0x");
    say_hex(value);
    say(", ra 0x");
    say_hex(ra);
    say(", sp 0x");
    say_hex((uint32_t)(uintptr_t)stack);
    if ((value >= (uintptr_t)ek_stack_guard && value < (uintptr_t)ek_stack_limit) ||
        stack < ek_stack_limit) {
        say(", stack overflow");
    }
    say_version();
    say(LINE_END);
    if (stack >= ek_stack_limit && stack < ek_stack_top) {
        say_stack(stack, STACK_DUMP_LINES);
    } else {
        say_overflowed_stack();
    }
    leave_after_fault();
}

#endif
