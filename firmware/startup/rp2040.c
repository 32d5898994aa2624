/* rp2040.c: vector table, clocks, faults and restart of an RP2040 without a framework.
 *
 * The boot stage (rp2040_boot.S) comes before it. Registers are those of the RP2040 datasheet:
 * Resets 2.14, Clocks 2.15, XOSC 2.16, PLL 2.18, Power-on state machine 2.13, Watchdog 4.7,
 * UART 4.2. */
#include <stdint.h>

#define WORD(address)       (*(volatile uint32_t *)(uintptr_t)(address))
#define CLEAR_BITS(address) WORD((address) + 0x3000u) /* 2.1.2: each register's second address */

#define RESETS          0x4000C000u
#define RESETS_HOLD     WORD(RESETS)
#define RESETS_DONE     WORD(RESETS + 8u)
#define RESETS_IO       (1u << 5)
#define RESETS_PADS     (1u << 8)
#define RESETS_QSPI     (1u << 6 | 1u << 9) /* its IO and pads: flash memory hangs on them */
#define RESETS_PLL_SYS  (1u << 12)
#define RESETS_TIMER    (1u << 21)
#define RESETS_UART0    (1u << 22)
#define RESETS_ALL      0x01FFFFFFu
#define RESETS_NOT_OURS (RESETS_ALL & ~(RESETS_OURS | RESETS_QSPI))
#define RESETS_OURS     (RESETS_IO | RESETS_PADS | RESETS_PLL_SYS | RESETS_TIMER | RESETS_UART0)

#define XOSC               0x40024000u
#define XOSC_CONTROL       WORD(XOSC)
#define XOSC_CONTROL_ON    (0xFABu << 12 | 0xAA0u) /* 1 to 15 MHz */
#define XOSC_STATUS        WORD(XOSC + 0x4u)
#define XOSC_STATUS_STABLE (1u << 31)
#define XOSC_STARTUP       WORD(XOSC + 0xCu)
#define XOSC_STARTUP_4_MS  188u /* times 256 clocks of 12 MHz; 2.16.3 has 1 ms as an example */

#define CLOCK_REF      WORD(0x40008030u)
#define CLOCK_REF_IS   WORD(0x40008038u)
#define CLOCK_REF_XOSC 2u
#define CLOCK_SYS      WORD(0x4000803Cu)
#define CLOCK_SYS_IS   WORD(0x40008044u)
#define CLOCK_SYS_REF  0u
#define CLOCK_SYS_PLL  1u /* its auxiliary source, which is PLL_SYS after reset */
#define CLOCK_PERI     WORD(0x40008048u)
#define CLOCK_PERI_SYS (1u << 11) /* on, from clk_sys */

#define PLL                 0x40028000u
#define PLL_CONTROL         WORD(PLL)
#define PLL_CONTROL_LOCKED  (1u << 31)
#define PLL_REFERENCE_BY_1  1u
#define PLL_POWER_DOWN      0x4u
#define PLL_POWER_DOWN_CORE (1u << 5 | 1u << 0) /* its oscillator, and the rest of it */
#define PLL_POWER_DOWN_POST (1u << 3)
#define PLL_FEEDBACK        WORD(PLL + 0x8u)
#define PLL_FEEDBACK_125    125u /* 12 MHz to 1500 MHz */
#define PLL_POST            WORD(PLL + 0xCu)
#define PLL_POST_6_2        (6u << 16 | 2u << 12) /* 1500 MHz to 125 MHz */

#define WATCHDOG_CONTROL      WORD(0x40058000u)
#define WATCHDOG_CONTROL_BITE (1u << 31)
#define WATCHDOG_NOTE         WORD(0x4005800Cu) /* SCRATCH0: kept by all resets but a chip's */
#define WATCHDOG_TICK         WORD(0x4005802Cu)
#define WATCHDOG_TICK_1_MHZ   (1u << 9 | 12u) /* on, every 12 clocks of clk_ref */
#define POWER_WATCHDOG_RESETS WORD(0x40010008u)
#define POWER_ALL_BUT_CLOCKS  0x1FFFCu /* every stage but ROSC and XOSC */

#define UART_DATA          WORD(0x40034000u)
#define UART_STATE         WORD(0x40034018u)
#define UART_STATE_TX_FULL (1u << 5)
#define UART_STATE_BUSY    (1u << 3)

/* Why the next start is one; an emulator looks at it too. */
#define RESET_NOTE_END   0x0E4DEDEDu
#define RESET_NOTE_FAULT 0xFA017EDEu

#define INTERRUPTS       26
#define STACK_DUMP_LINES 20
#define LINE_END         "\r\n"
#define CODE_START       ((uint32_t)(uintptr_t)(&ek_vectors + 1))
#define CODE_END         ((uint32_t)(uintptr_t)ek_data_load)

typedef void (*ek_vector)(void);

typedef struct {
    uint32_t *stack_top;
    ek_vector handlers[15 + INTERRUPTS];
} ek_vector_table;

/* Behind the boot stage; code follows. */
extern const ek_vector_table ek_vectors;

/* From the linker script. */
extern uint32_t ek_data_load[], ek_stack_top[];

int main(void);
void ek_reset(void);
void ek_exit(int status);
__attribute__((noreturn)) void ek_restart(uint32_t note);

/* Of the port; where it has none, an interrupt is a fault. */
void ek_timer_interrupt(void);
void ek_uart_interrupt(void);

/* Last words go to the serial port, if it runs already. */
static void say(const char *text)
{
    while (*text != '\0') {
        while ((UART_STATE & UART_STATE_TX_FULL) != 0) {
        }
        UART_DATA = (uint8_t)*text++;
    }
}

/* Start again, once everything said is on its way. `note` tells the next start what it was. */
__attribute__((noreturn)) void ek_restart(uint32_t note)
{
    while ((UART_STATE & UART_STATE_BUSY) != 0) {
    }
    WATCHDOG_NOTE = note;
    POWER_WATCHDOG_RESETS = POWER_ALL_BUT_CLOCKS;
    WATCHDOG_CONTROL = WATCHDOG_CONTROL_BITE;
    for (;;) {
        __asm__ volatile("dsb" ::: "memory");
    }
}

__attribute__((noreturn)) static void leave_after_fault(void)
{
    ek_restart(RESET_NOTE_FAULT);
}

#include "cortex_m_faults.h"

/* main has returned. */
void ek_exit(int status)
{
    ek_restart(status == 0 ? RESET_NOTE_END : RESET_NOTE_FAULT);
}

/* From the crystal's 12 MHz to 125 MHz, for the CPU and for the UART; 1 MHz for the timer. Whatever
 * ran before may have left the CPU on this very PLL. */
static void start_clocks(void)
{
    XOSC_STARTUP = XOSC_STARTUP_4_MS;
    XOSC_CONTROL = XOSC_CONTROL_ON;
    while ((XOSC_STATUS & XOSC_STATUS_STABLE) == 0) {
    }
    CLOCK_SYS = CLOCK_SYS_REF;
    while (CLOCK_SYS_IS != 1u << CLOCK_SYS_REF) {
    }
    CLOCK_REF = CLOCK_REF_XOSC;
    while (CLOCK_REF_IS != 1u << CLOCK_REF_XOSC) {
    }
    WATCHDOG_TICK = WATCHDOG_TICK_1_MHZ;

    RESETS_HOLD = RESETS_NOT_OURS | RESETS_OURS;
    RESETS_HOLD = RESETS_NOT_OURS;
    while ((RESETS_DONE & RESETS_PLL_SYS) == 0) {
    }
    PLL_CONTROL = PLL_REFERENCE_BY_1;
    PLL_FEEDBACK = PLL_FEEDBACK_125;
    CLEAR_BITS(PLL + PLL_POWER_DOWN) = PLL_POWER_DOWN_CORE;
    while ((PLL_CONTROL & PLL_CONTROL_LOCKED) == 0) {
    }
    PLL_POST = PLL_POST_6_2;
    CLEAR_BITS(PLL + PLL_POWER_DOWN) = PLL_POWER_DOWN_POST;
    CLOCK_SYS = CLOCK_SYS_PLL;
    while (CLOCK_SYS_IS != 1u << CLOCK_SYS_PLL) {
    }
    CLOCK_PERI = CLOCK_PERI_SYS;
    while ((RESETS_DONE & RESETS_OURS) != RESETS_OURS) {
    }
}

void ek_reset(void)
{
    guard_stack();
    set_memory();
    start_clocks();
    ek_exit(main());
}

#define FAULT_4  ek_fault, ek_fault, ek_fault, ek_fault
#define FAULT_16 FAULT_4, FAULT_4, FAULT_4, FAULT_4

__attribute__((section(".vectors"), used)) const ek_vector_table ek_vectors = {
    .stack_top = ek_stack_top,
    .handlers = {ek_reset, ek_fault, ek_fault, FAULT_4, FAULT_4, FAULT_4, /* the system's 15 */
                 ek_timer_interrupt, ek_fault, ek_fault, ek_fault,        /* 0: TIMER_IRQ_0 */
                 FAULT_16, ek_uart_interrupt, ek_fault, FAULT_4},         /* 20: UART0_IRQ */
};
