/* fault_text.h: what start-up code says of a fault, in the form that `edgekit monitor` decodes.
 *
 * Include it once, after these:
 *   static void say(const char *text)   sends text to where the board's last words go
 *   CODE_START, CODE_END                uint32_t: words of the stack in between may be calls
 *   STACK_DUMP_LINES                    how much of the stack is said
 *   LINE_END                            how a line ends there */
#ifndef EDGEKIT_FAULT_TEXT_H
#define EDGEKIT_FAULT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEX_DIGITS       8
#define STACK_LINE_WORDS 8

/* From the linker script; words in between the last two may be calls too. */
extern uint32_t ek_stack_limit[], ek_stack_top[];
extern uint32_t ek_ramcode_start[], ek_ramcode_end[];

/* Which build this is; app/main.c has it, but not everybody's main. */
extern const char ek_firmware_version[] __attribute__((weak));

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
    say("Stack memory:" LINE_END);
    for (int line = 0; line < lines && from < ek_stack_top; line++) {
        say_hex((uint32_t)(uintptr_t)from);
        say(":");
        for (int i = 0; i < STACK_LINE_WORDS && from < ek_stack_top; i++) {
            say(" 0x");
            say_hex(*from++);
        }
        say(LINE_END);
    }
}

static bool is_code(uint32_t word)
{
    return (word >= CODE_START && word < CODE_END) ||
           (word >= (uintptr_t)ek_ramcode_start && word < (uintptr_t)ek_ramcode_end);
}

/* Both ends of a stack that overflowed: the deepest word that points into code, as the last frame
 * may be large and mostly untouched; and how it began. */
static void say_overflowed_stack(void)
{
    const uint32_t *at = ek_stack_limit;
    while (at < ek_stack_top && !is_code(*at)) {
        at++;
    }
    say_stack(at - ek_stack_limit > STACK_LINE_WORDS ? at - STACK_LINE_WORDS : ek_stack_limit,
              STACK_DUMP_LINES / 2);
    const ptrdiff_t words = ek_stack_top - ek_stack_limit;
    const ptrdiff_t most = STACK_DUMP_LINES * STACK_LINE_WORDS;
    say_stack(ek_stack_limit + (words > most ? words - most : 0), STACK_DUMP_LINES);
}

#endif
