/* rv32.c: how an emulated RV32 board ends.
 *
 * A trap says on the emulator's standard error, through semihosting, what went wrong; the exit
 * code goes through the test device of QEMU's `virt` machine. */
#include <stddef.h>
#include <stdint.h>

#define SEMIHOSTING_WRITE0 0x04u
#define TEST_DEVICE        (*(volatile uint32_t *)0x00100000u)
#define TEST_DEVICE_PASS   0x5555u
#define TEST_DEVICE_FAIL_1 0x13333u /* exit code 1 */
#define HEX_DIGITS         8

#define STACK_DUMP_LINES  20
#define STACK_LINE_WORDS  8
#define FAULT_STACK_WORDS 128
#define CODE_START        ((uint32_t)(uintptr_t)ek_flash_start)
#define CODE_END          ((uint32_t)(uintptr_t)ek_data_load)

/* From the linker script: nobody may touch what lies between guard and limit. */
extern uint32_t ek_flash_start[], ek_data_load[];
extern uint32_t ek_stack_guard[], ek_stack_limit[], ek_stack_top[];

extern const char ek_firmware_version[] __attribute__((weak));

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

/* Which build this is; app/main.c has it, but not everybody's main. */
static void say_version(void)
{
    if (ek_firmware_version != NULL) {
        say(", firmware ");
        say(ek_firmware_version);
    }
}

/* The words of the stack from `from` on, as ESP-IDF prints them: the host unwinds the calls. */
static void say_stack(const uint32_t *from, int lines)
{
    say("Stack memory:\n");
    for (int line = 0; line < lines && from < ek_stack_top; line++) {
        say_hex((uint32_t)(uintptr_t)from);
        say(":");
        for (int i = 0; i < STACK_LINE_WORDS && from < ek_stack_top; i++) {
            say(" 0x");
            say_hex(*from++);
        }
        say("\n");
    }
}

/* Both ends of a stack that overflowed: the deepest word that points into code, as the last frame
 * may be large and mostly untouched; and how it began. */
static void say_overflowed_stack(void)
{
    const uint32_t *at = ek_stack_limit;
    while (at < ek_stack_top && (*at < CODE_START || *at >= CODE_END)) {
        at++;
    }
    say_stack(at - ek_stack_limit > STACK_LINE_WORDS ? at - STACK_LINE_WORDS : ek_stack_limit,
              STACK_DUMP_LINES / 2);
    const ptrdiff_t words = ek_stack_top - ek_stack_limit;
    const ptrdiff_t most = STACK_DUMP_LINES * STACK_LINE_WORDS;
    say_stack(ek_stack_limit + (words > most ? words - most : 0), STACK_DUMP_LINES);
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
