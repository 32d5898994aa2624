/* rv32.c: how an emulated RV32 board ends.
 *
 * A trap says on the emulator's standard error, through semihosting, what went wrong; the exit
 * code goes through the test device of QEMU's `virt` machine. */
#include <stdint.h>

#define SEMIHOSTING_WRITE0 0x04u
#define TEST_DEVICE        (*(volatile uint32_t *)0x00100000u)
#define TEST_DEVICE_PASS   0x5555u
#define TEST_DEVICE_FAIL_1 0x13333u /* exit code 1 */
#define HEX_DIGITS         8

/* From the linker script: nobody may touch what lies between. */
extern uint8_t ek_stack_guard[], ek_stack_limit[];

__attribute__((noreturn)) void ek_exit(int status);
__attribute__((noreturn)) void ek_trap_report(uint32_t cause, uint32_t pc, uint32_t value);

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

static void say_hex(uint32_t value)
{
    char text[HEX_DIGITS + 1];
    for (int i = HEX_DIGITS - 1; i >= 0; i--) {
        text[i] = "0123456789abcdef"[value & 15u];
        value >>= 4;
    }
    text[HEX_DIGITS] = '\0';
    say(text);
}

__attribute__((noreturn)) void ek_exit(int status)
{
    for (;;) {
        TEST_DEVICE = status == 0 ? TEST_DEVICE_PASS : TEST_DEVICE_FAIL_1;
    }
}

__attribute__((noreturn)) void ek_trap_report(uint32_t cause, uint32_t pc, uint32_t value)
{
    say("edgekit: fault, cause 0x");
    say_hex(cause);
    say(" at pc 0x");
    say_hex(pc);
    say(", value 0x");
    say_hex(value);
    if (value >= (uintptr_t)ek_stack_guard && value < (uintptr_t)ek_stack_limit) {
        say(", stack overflow");
    }
    say("\n");
    ek_exit(1);
}
