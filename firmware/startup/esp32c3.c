/* esp32c3.c: watchdogs, CPU clock, faults and restart of an ESP32-C3 without a framework.
 *
 * Registers are those of the ESP32-C3 Technical Reference Manual: Reset and Clock, Low-power
 * Management, Watchdog Timers, UART Controller, USB Serial/JTAG Controller. What only silicon can
 * show, since the emulator that this was run on models neither this chip's clocks nor its real-time
 * watchdogs: that the CPU's clock is 160 MHz, and that no watchdog bites. */
#include <stdint.h>

#define WORD(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define RTC_OPTIONS               WORD(0x60008000u)
#define RTC_OPTIONS_RESET         (1u << 31)
#define RTC_OPTIONS_PLL_DOWN      (1u << 10 | 1u << 8 | 1u << 6) /* the PLL, its two interfaces */
#define RTC_STORE0                WORD(0x60008050u) /* survives every reset but loss of power */
#define RTC_WATCHDOG_CONFIG       WORD(0x60008090u)
#define RTC_WATCHDOG_PROTECT      WORD(0x600080A8u)
#define SUPER_WATCHDOG_CONFIG     WORD(0x600080ACu)
#define SUPER_WATCHDOG_FEEDS_SELF (1u << 31)
#define SUPER_WATCHDOG_PROTECT    WORD(0x600080B0u)

#define TIMER_GROUP_0             0x6001F000u
#define TIMER_GROUP_1             0x60020000u
#define GROUP_WATCHDOG_CONFIG(g)  WORD((g) + 0x48u)
#define GROUP_WATCHDOG_PROTECT(g) WORD((g) + 0x64u)
#define GROUP_WATCHDOG_UPDATE     (1u << 22)

#define WATCHDOG_KEY       0x50D83AA1u
#define SUPER_WATCHDOG_KEY 0x8F1D312Au
#define WATCHDOG_LOCK      0u

#define CPU_CLOCK            WORD(0x600C0008u)
#define CPU_CLOCK_MASK       7u
#define CPU_CLOCK_160_OF_480 5u /* the PLL at 480 MHz, the CPU at a third of it */
#define SYSTEM_CLOCK         WORD(0x600C0058u)
#define SYSTEM_CLOCK_MASK    (3u << 10)
#define SYSTEM_CLOCK_PLL     (1u << 10)

#define UART_DATA            WORD(0x60000000u)
#define UART_STATUS          WORD(0x6000001Cu)
#define UART_STATUS_TX_COUNT (0x3FFu << 16)
#define UART_STATUS_TX_FULL  (128u << 16)
#define UART_STATE           WORD(0x6000006Cu)
#define UART_STATE_SENDING   (0xFu << 4)

#define USB_DATA           WORD(0x60043000u)
#define USB_STATE          WORD(0x60043004u)
#define USB_STATE_SEND     1u
#define USB_STATE_HAS_ROOM 2u
#define USB_PATIENCE_POLLS 1000000 /* about 0.1 s: nobody may be there to read */

#define RESET_NOTE_SOFTWARE 0x5EB007EDu
#define RESET_NOTE_FAULT    0xFA017EDEu

#define STACK_DUMP_LINES 16
#define LINE_END         "\r\n"
#define FAULT_START      LINE_END /* behind whatever the link was sending */
#define CODE_START       ((uint32_t)(uintptr_t)ek_flash_start)
#define CODE_END         ((uint32_t)(uintptr_t)ek_text_end)

/* From the linker script. */
extern uint32_t ek_flash_start[], ek_text_end[];

void ek_chip_init(void);
__attribute__((noreturn)) void ek_exit(int status);
__attribute__((noreturn)) void ek_restart(uint32_t note);

static void stop_watchdogs(void)
{
    RTC_WATCHDOG_PROTECT = WATCHDOG_KEY;
    RTC_WATCHDOG_CONFIG = 0;
    RTC_WATCHDOG_PROTECT = WATCHDOG_LOCK;
    SUPER_WATCHDOG_PROTECT = SUPER_WATCHDOG_KEY;
    SUPER_WATCHDOG_CONFIG |= SUPER_WATCHDOG_FEEDS_SELF;
    SUPER_WATCHDOG_PROTECT = WATCHDOG_LOCK;
    static const uint32_t groups[] = {TIMER_GROUP_0, TIMER_GROUP_1};
    for (uint32_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        GROUP_WATCHDOG_PROTECT(groups[i]) = WATCHDOG_KEY;
        GROUP_WATCHDOG_CONFIG(groups[i]) = GROUP_WATCHDOG_UPDATE;
        GROUP_WATCHDOG_PROTECT(groups[i]) = WATCHDOG_LOCK;
    }
}

/* The PLL is up at 480 MHz from power-on, as USB needs it; only the switch to it is left to do. It
 * is done from RAM, since the clock of the bus to flash memory changes with it. */
__attribute__((section(".iram.ek_cpu_to_160_mhz"), noinline)) static void cpu_to_160_mhz(void)
{
    RTC_OPTIONS &= ~RTC_OPTIONS_PLL_DOWN;
    CPU_CLOCK = (CPU_CLOCK & ~CPU_CLOCK_MASK) | CPU_CLOCK_160_OF_480;
    SYSTEM_CLOCK = (SYSTEM_CLOCK & ~SYSTEM_CLOCK_MASK) | SYSTEM_CLOCK_PLL;
}

/* Called by ek_reset, before main, with memory in place. */
void ek_chip_init(void)
{
    stop_watchdogs();
    cpu_to_160_mhz();
}

/* Last words go to both serial ports, as the ROM has set them up. */
static void say_byte(char byte)
{
    while ((UART_STATUS & UART_STATUS_TX_COUNT) >= UART_STATUS_TX_FULL) {
    }
    UART_DATA = (uint8_t)byte;
    static int patience = USB_PATIENCE_POLLS;
    while ((USB_STATE & USB_STATE_HAS_ROOM) == 0 && patience > 0) {
        patience--;
    }
    if (patience > 0) {
        USB_DATA = (uint8_t)byte;
    }
}

static void say(const char *text)
{
    while (*text != '\0') {
        say_byte(*text++);
    }
}

/* Start again, once everything said is on its way. `note` tells the next start what it was. */
__attribute__((noreturn)) void ek_restart(uint32_t note)
{
    RTC_STORE0 = note;
    USB_STATE = USB_STATE_SEND;
    for (int polls = 0; (USB_STATE & USB_STATE_HAS_ROOM) == 0 && polls < USB_PATIENCE_POLLS;) {
        polls++;
    }
    while ((UART_STATUS & UART_STATUS_TX_COUNT) != 0 || (UART_STATE & UART_STATE_SENDING) != 0) {
    }
    RTC_OPTIONS |= RTC_OPTIONS_RESET;
    for (;;) {
        __asm__ volatile("" ::: "memory");
    }
}

/* main has returned, or the report of a trap has trapped. */
__attribute__((noreturn)) void ek_exit(int status)
{
    ek_restart(status == 0 ? RESET_NOTE_SOFTWARE : RESET_NOTE_FAULT);
}

__attribute__((noreturn)) static void leave_after_fault(void)
{
    ek_exit(1);
}

#include "riscv_trap.h"
