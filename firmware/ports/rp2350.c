/* rp2350.c: an RP2350 without a framework; startup/rp2350* has set its clocks and its UART.
 *
 * The link is UART0 (GPIO0 sends, GPIO1 receives, 115200 baud, 8N1). A tick is a period of the
 * system's clock, counted in 64 bits by the timer that RISC-V's architecture asks for and that
 * either kind of core may read. The CPU does not sleep while it waits for bytes: nothing is
 * measured then, and no interrupt has to be trusted. */
#include <stdbool.h>

#include "edgekit/ek_port.h"

#define WORD(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define UART_DATA           WORD(0x40070000u)
#define UART_FLAGS          WORD(0x40070018u)
#define UART_FLAGS_RX_EMPTY (1u << 4)
#define UART_FLAGS_TX_FULL  (1u << 5)

#define TIMER_CONTROL            WORD(0xD00001A4u)
#define TIMER_CONTROL_FULL_SPEED 3u /* runs, one tick a clock; not stopped by a debugger */
#define TIMER_LOW                WORD(0xD00001B0u)
#define TIMER_HIGH               WORD(0xD00001B4u)
#define TICKS_PER_MS             (EK_CLOCK_HZ / 1000u)

#define WATCHDOG_REASON       WORD(0x400D8008u)
#define WATCHDOG_REASON_TIMER (1u << 0)
#define WATCHDOG_REASON_FORCE (1u << 1)
#define WATCHDOG_SCRATCH0     WORD(0x400D800Cu)
#define CHIP_RESET            WORD(0x4010002Cu)
#define CHIP_RESET_POWER_ON   (1u << 16)
#define CHIP_RESET_BROWN_OUT  (1u << 17)
#define RESET_NOTE_SOFTWARE   0x5EB007EDu
#define RESET_NOTE_FAULT      0xFA017EDEu

/* From the linker script and the start-up code. */
extern uint8_t ek_stack_limit[];
__attribute__((noreturn)) void ek_restart(uint32_t note);

static ek_reset_cause reset_cause = EK_RESET_UNKNOWN;

/* A reset that software forced may also be a host's, by way of the boot ROM: it leaves no note. */
static ek_reset_cause cause_of_reset(void)
{
    if ((WATCHDOG_REASON & WATCHDOG_REASON_FORCE) != 0) {
        return WATCHDOG_SCRATCH0 == RESET_NOTE_FAULT ? EK_RESET_FAULT : EK_RESET_SOFTWARE;
    }
    if ((WATCHDOG_REASON & WATCHDOG_REASON_TIMER) != 0) {
        return EK_RESET_WATCHDOG;
    }
    const uint32_t supply = CHIP_RESET & (CHIP_RESET_POWER_ON | CHIP_RESET_BROWN_OUT);
    return supply == CHIP_RESET_BROWN_OUT ? EK_RESET_BROWN_OUT : EK_RESET_POWER_ON;
}

ek_status ek_port_init(void)
{
    TIMER_CONTROL = TIMER_CONTROL_FULL_SPEED;
    reset_cause = cause_of_reset();
    WATCHDOG_SCRATCH0 = 0;
    return EK_OK;
}

static bool is_byte_there_within(uint32_t timeout_ms)
{
    const uint64_t wait = (uint64_t)timeout_ms * TICKS_PER_MS;
    const uint64_t start = ek_port_ticks();
    while ((UART_FLAGS & UART_FLAGS_RX_EMPTY) != 0) {
        if (timeout_ms != EK_FOREVER && ek_port_ticks() - start >= wait) {
            return false;
        }
    }
    return true;
}

int32_t ek_port_read(uint8_t *bytes, size_t size, uint32_t timeout_ms)
{
    if (!is_byte_there_within(timeout_ms)) {
        return EK_ERR_TIMEOUT;
    }
    int32_t count = 0;
    while ((size_t)count < size && (UART_FLAGS & UART_FLAGS_RX_EMPTY) == 0) {
        bytes[count++] = (uint8_t)UART_DATA;
    }
    return count;
}

ek_status ek_port_write(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        while ((UART_FLAGS & UART_FLAGS_TX_FULL) != 0) {
        }
        UART_DATA = bytes[i];
    }
    return EK_OK;
}

uint64_t ek_port_ticks(void)
{
    uint32_t high, low;
    do {
        high = TIMER_HIGH;
        low = TIMER_LOW;
    } while (high != TIMER_HIGH);
    return (uint64_t)high << 32 | low;
}

uint32_t ek_port_ticks_hz(void)
{
    return EK_CLOCK_HZ;
}

uint8_t *ek_port_stack_limit(void)
{
    return ek_stack_limit;
}

ek_status ek_port_reboot(void)
{
    ek_restart(RESET_NOTE_SOFTWARE);
}

ek_reset_cause ek_port_reset_cause(void)
{
    return reset_cause;
}
