/* template.c: a port to copy.
 *
 * Copy this file to ports/<name>.c, say `port = "<name>"` in the board's file, and replace the
 * registers below, which belong to no real chip, by those of yours. It compiles as it stands, for
 * every target, so that it cannot rot. Start-up code, clocks and linker script are not a port's:
 * they come from the chip's framework or from startup/.
 *
 * A port needs only ek_port.h, allocates nothing, and is never called from an interrupt. */
#include "edgekit/ek_port.h"

typedef struct {
    volatile uint32_t control;    /* bit 0: on */
    volatile uint32_t status;     /* bit 0: a byte has arrived; bit 1: there is room for one */
    volatile uint32_t data;       /* reading takes a byte, writing sends one */
    volatile uint32_t timer_run;  /* bit 0: count */
    volatile uint32_t timer_low;  /* counts up with TIMER_HZ */
    volatile uint32_t timer_high; /* incremented when timer_low wraps */
} chip_registers;

/* On a chip: a fixed address, such as ((chip_registers *)0x40000000u). */
static chip_registers chip;

#define CONTROL_ON         1u
#define STATUS_RX_READY    1u
#define STATUS_TX_READY    2u
#define TIMER_HZ           1000000u
#define TIMER_TICKS_PER_MS (TIMER_HZ / 1000u)

/* 1. Start what the other four need. Leave alone what the framework has started already. */
ek_status ek_port_init(void)
{
    chip.control = CONTROL_ON;
    chip.timer_run = 1;
    return EK_OK;
}

/* 2. Wait for the first byte only; then take what is there. A short count is no error. If the chip
 * can sleep until its serial port's interrupt, let it: the board waits here most of its life. */
int32_t ek_port_read(uint8_t *bytes, size_t size, uint32_t timeout_ms)
{
    const uint64_t wait = (uint64_t)timeout_ms * TIMER_TICKS_PER_MS;
    const uint64_t start = ek_port_ticks();
    while ((chip.status & STATUS_RX_READY) == 0) {
        if (timeout_ms != EK_FOREVER && ek_port_ticks() - start >= wait) {
            return EK_ERR_TIMEOUT;
        }
    }
    int32_t count = 0;
    while ((size_t)count < size && (chip.status & STATUS_RX_READY) != 0) {
        bytes[count++] = (uint8_t)chip.data;
    }
    return count;
}

/* 3. Send every byte; wait for room as long as it takes. */
ek_status ek_port_write(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        while ((chip.status & STATUS_TX_READY) == 0) {
        }
        chip.data = bytes[i];
    }
    return EK_OK;
}

/* 4. The best counter the chip has: a cycle counter, else a fast timer. It must not run backwards
 * when a 32-bit half wraps, hence the loop; a counter without a high half needs one kept here. */
uint64_t ek_port_ticks(void)
{
    uint32_t high, low;
    do {
        high = chip.timer_high;
        low = chip.timer_low;
    } while (high != chip.timer_high);
    return (uint64_t)high << 32 | low;
}

/* 5. How fast it counts; 0 if what it counts is not time. */
uint32_t ek_port_ticks_hz(void)
{
    return TIMER_HZ;
}

/* The extras (stack limit, reboot, reset cause) have weak defaults: add those that your chip can do
 * better, as the other ports do. */
