/* xtensa_lx60.c: how the emulated LX60 board ends: through QEMU's simulator calls, with what went
 * wrong on the emulator's standard error. */
#include <stddef.h>
#include <stdint.h>

#define SIMCALL_EXIT   1u
#define SIMCALL_WRITE  4u
#define STANDARD_ERROR 2u
#define HEX_DIGITS     8

#define STACK_DUMP_LINES  20
#define STACK_LINE_WORDS  8
#define FAULT_STACK_WORDS 128
#define CODE_START        ((uint32_t)(uintptr_t)ek_flash_start)
#define CODE_END          ((uint32_t)(uintptr_t)ek_data_load)

extern const char ek_firmware_version[] __attribute__((weak));

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
        simcall(SIMCALL_EXIT, status == 0 ? 0u : 1u, 0, 0);
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
