/* rv32.c: how an emulated RV32 board ends.
 *
 * A trap says on the emulator's standard error, through semihosting, what went wrong; the exit
 * code goes through the test device of QEMU's `virt` machine. */
#include <stdint.h>

#define SEMIHOSTING_WRITE0 0x04u
#define TEST_DEVICE        (*(volatile uint32_t *)0x00100000u)
#define TEST_DEVICE_PASS   0x5555u
#define TEST_DEVICE_FAIL_1 0x13333u /* exit code 1 */

#define STACK_DUMP_LINES 20
#define FAULT_START      ""
#define LINE_END         "\n"
#define CODE_START       ((uint32_t)(uintptr_t)ek_flash_start)
#define CODE_END         ((uint32_t)(uintptr_t)ek_data_load)

/* From the linker script. */
extern uint32_t ek_flash_start[], ek_data_load[];

__attribute__((noreturn)) void ek_exit(int status);
void ek_chip_init(void);

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

/* main has returned, or the report of a trap has trapped. */
__attribute__((noreturn)) void ek_exit(int status)
{
    for (;;) {
        TEST_DEVICE = status == 0 ? TEST_DEVICE_PASS : TEST_DEVICE_FAIL_1;
    }
}

void ek_chip_init(void)
{
}

__attribute__((noreturn)) static void leave_after_fault(void)
{
    ek_exit(1);
}

#include "riscv_trap.h"
