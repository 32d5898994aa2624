/* xtensa_lx60.c: how the emulated LX60 board ends: through QEMU's simulator calls, with what went
 * wrong on the emulator's standard error. */
#include <stddef.h>
#include <stdint.h>

#define SIMCALL_EXIT   1u
#define SIMCALL_WRITE  4u
#define STANDARD_ERROR 2u
#define HEX_DIGITS     8

__attribute__((noreturn)) void ek_exit(int status);
__attribute__((noreturn)) void ek_fault_report(uint32_t cause, uint32_t pc, uint32_t address);

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

__attribute__((noreturn)) void ek_fault_report(uint32_t cause, uint32_t pc, uint32_t address)
{
    say("edgekit: fault, cause 0x");
    say_hex(cause);
    say(" at pc 0x");
    say_hex(pc);
    say(", address 0x");
    say_hex(address);
    say("\n");
    ek_exit(1);
}
