/* rv32.c: how an emulated RV32 board ends.
 *
 * A trap says on the emulator's standard error, through semihosting, what went wrong; the exit
 * code goes through the test device of QEMU's `virt` machine. */
#include <stdint.h>

#define SEMIHOSTING_WRITE0 0x04u
#define TEST_DEVICE        (*(volatile uint32_t *)0x00100000u)
#define TEST_DEVICE_PASS   0x5555u
#define TEST_DEVICE_FAIL_1 0x13333u /* exit code 1 */

#define STACK_DUMP_LINES  20
#define LINE_END          "\n"
#define FAULT_STACK_WORDS 128
#define CODE_START        ((uint32_t)(uintptr_t)ek_flash_start)
#define CODE_END          ((uint32_t)(uintptr_t)ek_data_load)

/* From the linker script: nobody may touch what lies between guard and limit. */
extern uint32_t ek_flash_start[], ek_data_load[];
extern uint32_t ek_stack_guard[], ek_stack_limit[], ek_stack_top[];

__attribute__((noreturn)) void ek_exit(int status);
__attribute__((noreturn)) void ek_trap_report(uint32_t cause, uint32_t pc, uint32_t value,
                                              uint32_t ra, const uint32_t *stack);

/* A trap's report has a stack of its own: what is on the other one is to be said. */
extern uint32_t ek_fault_stack[];
__attribute__((used)) uint32_t ek_fault_stack[FAULT_STACK_WORDS];

/* The three instructions are semihosting's mark; they may not be compressed nor cross a page. They
 * are aligned before compression is off: code before them may end at any even address. */
static void say(const char *text)
{
    register uint32_t a0 __asm__("a0") = SEMIHOSTING_WRITE0;
    register const char *a1 __asm__("a1") = text;
    __asm__ volatile(".balign 16\n\t.option push\n\t.option norvc\n\t"
                     "slli x0, x0, 0x1f\n\tebreak\n\tsrai x0, x0, 7\n\t"
                     ".option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
}

#include "fault_text.h"

__attribute__((noreturn)) void ek_exit(int status)
{
    for (;;) {
        TEST_DEVICE = status == 0 ? TEST_DEVICE_PASS : TEST_DEVICE_FAIL_1;
    }
}

__attribute__((noreturn)) void ek_trap_report(uint32_t cause, uint32_t pc, uint32_t value,
                                              uint32_t ra, const uint32_t *stack)
{
    say("edgekit: fault, cause 0x");
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
    say("\n");
    if (stack >= ek_stack_limit && stack < ek_stack_top) {
        say_stack(stack, STACK_DUMP_LINES);
    } else {
        say_overflowed_stack();
    }
    ek_exit(1);
}
